"""A bundle as a container image: the same folder as the zip's, copied onto a base; nothing is downloaded inside.

::

    folder ──context──▶ Dockerfile and layers ──engine──▶ image ──push──▶ REGISTRY/NAME@sha256:...

An image is built, pushed and run by whatever is here: docker, podman, buildah or finch.
"""
