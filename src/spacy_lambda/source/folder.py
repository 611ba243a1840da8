"""Artifacts in a folder: a file, or a store in the layout of :mod:`~spacy_lambda.source.layout`."""

from __future__ import annotations

from pathlib import Path

from ..errors import NotStoredError, StoreError
from ..location import Location
from .found import FoundArtifact
from .layout import artifact_key, resolve

__all__ = ["find_in_folder"]


def find_in_folder(location: Location) -> FoundArtifact | None:
    """Find an artifact; ``None`` where the location is neither a file nor in a store.

    :raises NotStoredError: When there is no such file, or the store has no such artifact.
    :raises StoreError: When it cannot be read.
    """
    path = Path(location.path)
    if location.is_artifact and not path.exists():
        raise NotStoredError(f"there is no artifact {path}", remedy="check the path")
    if path.is_file():
        return _found(location, path, location.sha256)
    if not (path / "refs").is_dir():
        return None
    root = path.parent
    digest = resolve(location, lambda key: _read(root / key))
    return _found(location, root / artifact_key(path.name, digest), digest)


def _found(location: Location, path: Path, digest: str | None) -> FoundArtifact:
    try:
        size = path.stat().st_size
    except FileNotFoundError as exc:
        raise NotStoredError(
            f"{location}: there is no {path}", remedy=f"see what is there with `spacy-lambda ls {path.parents[2]}`"
        ) from exc
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return FoundArtifact(str(location), digest, size, lambda: path.open("rb"))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be read: {error.strerror}", remedy="check its permissions")
