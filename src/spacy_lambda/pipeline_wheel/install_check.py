"""A wheel, unpacked into a fresh environment of its requirements alone, where it is imported and annotates texts."""

from __future__ import annotations

import zipfile
from email.parser import HeaderParser
from pathlib import Path

from spacy_lambda.errors import PackageError
from spacy_lambda.packages.isolation import run_isolated
from spacy_lambda.packages.task_root import build_task_root

__all__ = ["check_install"]

QUERIES = Path(__file__).with_name("install_queries.py")

TEXTS = ("", "On 3 March 2024 Ada Lovelace of Acme Corp. flew from Berlin to New York.", "Die Straße nach Zürich. 🧪")

MAX_MESSAGE = 600
"""Characters of an exception's message that are repeated."""


def check_install(wheel: Path, scratch: Path) -> tuple[str, ...]:
    """Install a wheel without a network, and query its pipeline in a fresh process.

    The environment has the wheel and the distributions that it requires, as they are installed here, and nothing else.

    :param scratch: An empty folder.
    :returns: The distributions in it, as ``name==version``.
    :raises RequirementError: If a requirement is not installed here, or in another version.
    :raises PackageError: If the pipeline cannot be imported, loaded or run.
    """
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)  # its names are those of the folder that it was built from
    (metadata,) = scratch.glob("*.dist-info/METADATA")
    headers = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
    (package,) = (path.name for path in scratch.iterdir() if (path / "meta.json").is_file())
    root = build_task_root(headers.get_all("Requires-Dist") or (), code=scratch, base=())
    try:
        found = run_isolated(
            QUERIES,
            {"texts": TEXTS, "package": package},
            root=root.path,
            pipeline=scratch / package,
            subject=wheel.name,
            error=PackageError,
        )
    finally:
        root.remove()
    if found.failure is not None:
        missing = ", ".join(name for name, _ in found.missing if name in found.failure.missing)
        raise PackageError(
            f"{wheel.name} does not run where only its requirements are installed: {found.failure.kind}:"
            f" {found.failure.message[:MAX_MESSAGE]}",
            remedy=f'add what brings {missing} to "requirements" in the pipeline\'s meta.json'
            if missing
            else "load the pipeline here: python -c 'import spacy; spacy.load(\"PIPELINE\")'",
        )
    return root.distributions
