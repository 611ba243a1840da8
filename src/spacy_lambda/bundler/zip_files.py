"""The files of a bundle's zip, which may be damaged, encrypted or packed by an unsupported method."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from spacy_lambda.bundler.metadata import BundleMetadata, read_metadata
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipelines import BUNDLE_METADATA
from spacy_lambda.core.zip_errors import BROKEN_ZIP
from spacy_lambda.errors import BundleError

__all__ = ["ZipFiles", "open_zip"]


class ZipFiles:
    """The files of an open zip.

    :param path: The zip.
    :param archive: The same, open.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self.sizes: Mapping[str, int] = {
            entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()
        }
        """Bytes by path, unzipped."""

    def read(self, name: str) -> bytes:
        """Return a file's contents.

        :raises BundleError: If it cannot be read.
        """
        with _explained(self._path):
            return self._archive.read(name)

    def metadata(self) -> BundleMetadata:
        """Return the bundle's metadata.

        :raises BundleError: If it is not a bundle.
        """
        text = self.read(BUNDLE_METADATA) if BUNDLE_METADATA in self.sizes else None
        return read_metadata(text, name=str(self._path))


@contextmanager
def open_zip(path: Path) -> Iterator[ZipFiles]:
    """Open a zip.

    :raises BundleError: If it cannot be read.
    """
    with _explained(path):
        archive = zipfile.ZipFile(path)
    with archive:
        yield ZipFiles(path, archive)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN_ZIP as exc:
        raise BundleError(
            f"{path} cannot be read: {system_reason(exc)}", remedy="make it again with `spacy-lambda bundle`"
        ) from exc
