"""Locations, pipelines on disk, artifacts and their sources: what both sides share.

Standard library only, and part of every function.
"""
