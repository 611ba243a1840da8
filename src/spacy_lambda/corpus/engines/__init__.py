"""Engines: where shards are annotated."""

from spacy_lambda.corpus.engines.protocol import Engine, ShardResult

__all__ = ["Engine", "ShardResult"]
