"""A pipeline as one file: packed, verified, unpacked.

::

    folder | wheel | zip ──open──▶ pipeline folder ──pack──▶ artifact (.tar) ──unpack──▶ pipeline folder
                                                        │                       ▲
                                                        └── SHA-256: its name ──┘

An artifact is an uncompressed tar in one canonical form: the same pipeline gives the same bytes on every machine, so
its SHA-256 is its identity. Its first entry is a manifest with the size and the SHA-256 of every file; reading compares
every byte with the manifest and the form, and returns only what was verified. It is not compressed, because weights
hardly compress and compressors change from version to version.

The build side packs, the runtime unpacks.
"""
