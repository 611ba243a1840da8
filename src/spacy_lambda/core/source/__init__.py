"""Reading artifacts from stores: one module per kind of store.

::

    Location ──find──▶ FoundArtifact ──open──▶ a stream of the artifact's bytes ──▶ artifact.extract
                 │
                 └── folder | s3 | hub

The function reads artifacts during its init, the build side when it pulls; ``s3`` imports boto3 when it is used.
Nothing is verified here: the reader of the stream verifies it. :mod:`spacy_lambda.store` writes into stores.
"""
