"""A pipeline as one file: packed, verified, unpacked.

::

    folder | wheel | zip ──inputs──▶ pipeline folder ──pack──▶ artifact (.tar) ──unpack──▶ pipeline folder
                                                        │                       ▲
                                                        └── SHA-256: its name ──┘

An artifact is an uncompressed tar in one canonical form: the same pipeline gives the same bytes on every machine, so
that its SHA-256 is its identity. Its first entry is a manifest with the size and the SHA-256 of every file; reading
checks every byte against the manifest and the form, and nothing is handed on that was not verified. Weights hardly
compress, and compressors change from version to version: that is why there is none.

Standard library only: the build side packs, the runtime unpacks.
"""
