"""Formats of annotation tools, recognized by content or named by ``--format``.

Each module reads one format into annotated documents, and writes them.
"""
