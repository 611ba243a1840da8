"""Where artifacts are kept: one file per kind of store, named as in :mod:`spacy_lambda.core.source`, which reads them.

::

    pipeline ──artifact.pack──▶ artifact ──push──▶ store ──pull──▶ pipeline
                                                     ▲
                                     sign · wheel · card (what is kept with it)

``folder`` and ``s3`` are stores of plain objects: they implement :class:`~spacy_lambda.store.object_store.Objects`, and
:class:`~spacy_lambda.store.registry.Registry` makes versions and aliases of them. ``hub`` is a repository for each
pipeline, whose versions are the Hub's own revisions. All are a :class:`~spacy_lambda.store.protocol.Store`.
"""
