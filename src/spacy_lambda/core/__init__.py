"""Locations, pipelines, artifacts, sources and constants that the runtime and the build side share.

Standard library only, but for boto3, which is imported where S3 is used; part of every function.
"""
