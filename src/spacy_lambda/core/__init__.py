"""Locations, pipelines, artifacts, sources and constants that the runtime and the build side share.

Standard library only; part of every function.
"""
