"""Errors of spaCy, thinc, transformers and torch while a pipeline is configured or trained, as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_lambda.errors import TrainingError

__all__ = ["config_explained", "memory_explained"]


@contextmanager
def config_explained(config: Path) -> Iterator[None]:
    """Name the config in errors of spaCy, thinc and transformers, which check it."""
    try:
        yield
    except (ValueError, KeyError, TypeError, ImportError, FileNotFoundError) as exc:
        raise TrainingError(
            f"{config} cannot be used: {' '.join(str(exc).split()) or type(exc).__name__}",
            remedy=f"check it: python -m spacy debug config {config}",
        ) from exc


@contextmanager
def memory_explained() -> Iterator[None]:
    """Report that memory is used up, on the CPU or a GPU."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as exc:
        raise TrainingError(
            "out of memory",
            remedy="halve size in [training.batcher] of a config for --spacy-config, or use a smaller base",
        ) from exc
