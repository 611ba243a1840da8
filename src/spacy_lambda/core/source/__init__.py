"""Where artifacts are read from: one file per kind of store.

::

    Location ──find──▶ FoundArtifact ──open──▶ a stream of the artifact's bytes ──▶ artifact.unpack.extract
                 │
                 └── folder | s3 | hub

Both sides read artifacts: the function during its init, the build side when it pulls. So there is the standard
library only here, and boto3 in :mod:`~spacy_lambda.core.source.s3`. Nothing is verified on the way: that is the
business of whoever reads the stream. What writes into stores is :mod:`spacy_lambda.store`.
"""
