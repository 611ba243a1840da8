"""Stage 1: PIPELINE, a folder or a package name, becomes a folder and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from spacy_lambda.pipelines import find_pipeline, read_meta


@dataclass(frozen=True)
class PipelineSource:
    """Where a pipeline's data is, and which distributions it asks for.

    :param path: The absolute path of the folder with ``config.cfg`` and ``meta.json``.
    :param requirements: Requirement strings, of ``meta.json`` and of the pipeline's own distribution.
    """

    path: Path
    requirements: tuple[str, ...]


def read_source(pipeline: str | Path) -> PipelineSource:
    """Find a pipeline and read what it requires, without loading it.

    :param pipeline: A directory, or the name of an installed pipeline package.
    :raises PipelineNotFoundError: If it is neither, or not a complete pipeline.
    """
    path = find_pipeline(pipeline).resolve()
    requirements = read_meta(path / "meta.json").get("requirements", [])
    own = () if Path(pipeline).is_dir() else _own_distribution(str(pipeline))
    return PipelineSource(path, (*own, *map(str, requirements)))


def _own_distribution(name: str) -> tuple[str, ...]:
    """The package's own distribution: its code may register what the pipeline names."""
    try:
        return (distribution(name).metadata["Name"],)
    except PackageNotFoundError:
        return ()
