"""A bundle as a container image: the zip's folder, copied onto a base. The build downloads nothing.

::

    folder ──context──▶ Dockerfile and layers ──engine──▶ image ──push──▶ REGISTRY/NAME@sha256:...

An installed engine builds, pushes and runs it: docker, podman, buildah or finch.
"""
