"""A bundle's metadata, the file ``bundle.json`` in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.bundler.target import Target
from spacy_lambda.core.digest import parse_digest
from spacy_lambda.core.pipelines import BUNDLE_METADATA
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import BundleError, DigestError

__all__ = ["LOCK", "PIPELINE_FOLDER", "SBOM", "BundleMetadata", "read_metadata", "write_metadata"]

FORMAT_VERSION = 1
PIPELINE_FOLDER = "pipeline"
LOCK = "requirements.lock"
SBOM = "sbom.cdx.json"


@dataclass(frozen=True)
class BundleMetadata:
    """Everything that is needed to run a bundle.

    :param target: The runtime.
    :param location: The pipeline: a folder in the bundle, or a location with a digest.
    :param sha256: Identity of the pipeline's artifact.
    :param pipeline: The part of the pipeline's ``meta.json`` that its manifest holds.
    """

    target: Target
    location: str
    sha256: str
    pipeline: dict[str, Any]


def write_metadata(metadata: BundleMetadata, folder: Path) -> None:
    """Write ``bundle.json``."""
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(metadata)}, indent=2, sort_keys=True)
    (folder / BUNDLE_METADATA).write_text(text + "\n", encoding="utf-8")


def read_metadata(text: bytes | None, *, name: str) -> BundleMetadata:
    """Read ``bundle.json``.

    :param text: The file's contents; ``None`` if it is missing.
    :param name: The bundle, for the error.
    :raises BundleError: If it is missing, invalid, or in a format that this version does not read.
    """
    if text is None:
        raise BundleError(
            f"{name} is not a bundle: it has no {BUNDLE_METADATA}", remedy="make one with `spacy-lambda bundle`"
        )
    try:
        read = parse_json(text)
        if read["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version is {read['format_version']!r}")
        digest = parse_digest(read["sha256"], name="its sha256")
        return BundleMetadata(Target(**read["target"]), str(read["location"]), digest, dict(read["pipeline"]))
    except (ValueError, TypeError, KeyError, DigestError) as exc:
        raise BundleError(
            f"{name} is not a bundle: its {BUNDLE_METADATA} is invalid: {type(exc).__name__}: {exc}",
            remedy="make one with `spacy-lambda bundle`",
        ) from exc
