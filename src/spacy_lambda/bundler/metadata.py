"""What a bundle says of itself, in ``bundle.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.bundler.target import Target
from spacy_lambda.core.digest import parse_digest
from spacy_lambda.core.pipelines import BUNDLE_FACTS
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import BundleError, DigestError

__all__ = ["HANDLER", "LOCK", "PIPELINE_FOLDER", "SBOM", "Facts", "read_facts", "write_facts"]

FORMAT_VERSION = 1
HANDLER = "spacy_lambda.runtime.handler.handler"
PIPELINE_FOLDER = "pipeline"
LOCK = "requirements.lock"
SBOM = "sbom.cdx.json"


@dataclass(frozen=True)
class Facts:
    """What has to be known to run a bundle.

    :param target: Where it runs.
    :param location: The pipeline: a folder in the bundle, or a location with a digest.
    :param sha256: Identity of the pipeline's artifact.
    :param pipeline: The pipeline's ``meta.json``, as far as its manifest holds it.
    """

    target: Target
    location: str
    sha256: str
    pipeline: dict[str, Any]


def write_facts(facts: Facts, folder: Path) -> None:
    """Write ``bundle.json``."""
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(facts)}, indent=2, sort_keys=True)
    (folder / BUNDLE_FACTS).write_text(text + "\n", encoding="utf-8")


def read_facts(text: bytes | None, *, name: str) -> Facts:
    """Read ``bundle.json``.

    :param text: What the file holds; nothing, if there is none.
    :param name: The bundle, for the error.
    :raises BundleError: If it is not one that this version has written.
    """
    try:
        facts = parse_json(text or b"")
        if facts["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version is {facts['format_version']!r}")
        target = Target(**facts["target"])
        digest = parse_digest(facts["sha256"], name="its sha256")
        return Facts(target, str(facts["location"]), digest, dict(facts["pipeline"]))
    except (ValueError, TypeError, KeyError, DigestError) as exc:
        raise BundleError(
            f"{name} is not a bundle: its {BUNDLE_FACTS} is missing or cannot be read ({exc!r})",
            remedy="make one with `spacy-lambda bundle`",
        ) from exc
