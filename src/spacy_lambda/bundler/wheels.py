"""Pins -> wheels for the target, downloaded by pip, and a lock file with their hashes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from spacy_lambda.bundler.pins import Pin
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.foreign_errors import is_disk_full
from spacy_lambda.errors import BundleError

__all__ = ["download_wheels", "install_wheels", "lock_text", "wheel_digests"]

NOT_FOUND = re.compile(r"No matching distribution found for (?P<pin>\S+)|Could not find a version .* requirement (\S+)")
REMOVE = "remove it from the folder or index that pip uses"


def download_wheels(pins: Sequence[Pin], target: Target, folder: Path) -> tuple[Path, ...]:
    """Fetch one wheel for each pin.

    :param folder: The folder for them.
    :raises BundleError: If there is no wheel for the target, or pip cannot download it.
    """
    done = _pip("download", target, "--dest", str(folder), *map(str, pins))
    if done.returncode:
        raise _disk_full(done.stderr) or _refused(done.stderr, target)
    wheels = tuple(sorted(folder.glob("*.whl")))
    _check(wheels, pins, target)
    return wheels


def install_wheels(wheels: Sequence[Path], target: Target, folder: Path) -> None:
    """Unpack wheels into one folder, without running any of their code.

    :raises BundleError: If one is broken.
    """
    done = _pip("install", target, "--no-index", "--no-compile", "--target", str(folder), *map(str, wheels))
    if done.returncode:
        raise _disk_full(done.stderr) or BundleError(
            f"pip cannot unpack the wheels: {_reason(done.stderr)}",
            remedy="run `pip cache purge`, and retry",
        )


def wheel_digests(wheels: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each wheel, by its distribution's normal name."""
    return {
        str(parse_wheel_filename(wheel.name)[0]): hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels
    }


def lock_text(wheels: Sequence[Path]) -> str:
    """Return a requirements file for ``pip install --require-hashes``."""
    digests = wheel_digests(wheels)
    pairs = (parse_wheel_filename(wheel.name)[:2] for wheel in wheels)
    return "".join(f"{name}=={version} \\\n    --hash=sha256:{digests[name]}\n" for name, version in pairs)


def _check(wheels: Sequence[Path], pins: Sequence[Pin], target: Target) -> None:
    """Check that pip downloaded a wheel for each pin, and none for another machine."""
    found = set()
    for wheel in wheels:
        try:
            name, version, _, tags = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename as exc:
            raise BundleError(f"{wheel.name} is not a valid wheel: {exc}", remedy=REMOVE) from exc
        found.add(Pin(name, str(version)))
        if not any(tag.platform == "any" or tag.platform in target.platforms for tag in tags):
            raise BundleError(f"{wheel.name} does not run on {target.arch}", remedy=REMOVE)
    missing = [str(pin) for pin in pins if pin not in found and not any(pin.name == other.name for other in found)]
    if missing:
        raise BundleError(
            f"pip downloaded no wheel of {', '.join(missing)}", remedy="run it again, or see `pip download`"
        )


def _pip(command: str, target: Target, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-P", "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-deps"]
    words += ["--only-binary=:all:", "--implementation", "cp", "--abi", target.abi, "--abi", "abi3", "--abi", "none"]
    words += ["--python-version", target.python]
    words += [word for platform in target.platforms for word in ("--platform", platform)]
    return subprocess.run([*words, *arguments], capture_output=True, text=True, check=False, env=_environment())


def _environment() -> dict[str, str]:
    """Return the environment for pip, which needs a home folder, even of a user without one, as in a container."""
    try:
        Path.home()
    except RuntimeError:
        return {**os.environ, "HOME": "/nonexistent", "PIP_NO_CACHE_DIR": "1"}
    return dict(os.environ)


def _reason(stderr: str) -> str:
    """Return pip's errors; without them, its last line."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return "; ".join(errors or lines[-1:])[-1000:].strip() or "it gives no reason"


def _disk_full(stderr: str) -> BundleError | None:
    if not is_disk_full(stderr):
        return None
    folder = tempfile.gettempdir()
    return BundleError(
        f"no space is left for the wheels: {shutil.disk_usage(folder).free / 1e6:,.0f} MB are free in {folder}",
        remedy="free disk space, or set TMPDIR to a folder on another disk (and PIP_CACHE_DIR, for pip's cache)",
    )


def _refused(stderr: str, target: Target) -> BundleError:
    match = NOT_FOUND.search(stderr)
    if match is None:
        return BundleError(
            f"pip cannot download the wheels: {_reason(stderr)}",
            remedy="check the network and pip's configuration (`pip config list`)",
        )
    pin = next(group for group in match.groups() if group)
    name = pin.partition("==")[0]
    return BundleError(
        f"no wheel of {pin} is available for Python {target.python} on {target.arch}",
        remedy=f"install a version of {name} that has one (`pip index versions {name}`), choose another --python or "
        "--architecture, or build a wheel of it there and put it where pip finds it (PIP_FIND_LINKS)",
    )
