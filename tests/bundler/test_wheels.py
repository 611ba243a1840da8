"""Wheels of a target, from a folder of small ones: no network."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from spacy_lambda.bundler.pins import Pin
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.wheels import download_wheels, install_wheels, lock_text
from spacy_lambda.errors import BundleError
from tests.bundler.small_wheels import make_wheel


@pytest.mark.slow
def test_wheels_of_the_target_are_accepted(links: Path, tmp_path: Path) -> None:
    make_wheel(links, "pure")
    for tag in ("cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_28_aarch64", "cp312-cp312-linux_x86_64"):
        make_wheel(links, "compiled", tag)
    (tmp_path / "out").mkdir()
    wheels = download_wheels([Pin("compiled", "1.0"), Pin("pure", "1.0")], Target("3.13", "arm64"), tmp_path / "out")
    assert [wheel.name for wheel in wheels] == [
        "compiled-1.0-cp313-cp313-manylinux_2_28_aarch64.whl",
        "pure-1.0-py3-none-any.whl",
    ]
    sha256 = hashlib.sha256(wheels[1].read_bytes()).hexdigest()
    assert lock_text(wheels).endswith(f"pure==1.0 \\\n    --hash=sha256:{sha256}\n")
    install_wheels(wheels, Target("3.13", "arm64"), tmp_path / "tree")
    assert (tmp_path / "tree" / "pure" / "__init__.py").read_text() == "VALUE = 1\n"


@pytest.mark.slow
@pytest.mark.parametrize("tag", [None, "cp313-cp313-manylinux_2_28_aarch64", "cp313-cp313-musllinux_1_2_x86_64"])
def test_no_wheel_for_the_target(tag: str | None, links: Path, tmp_path: Path) -> None:
    if tag is not None:
        make_wheel(links, "compiled", tag)
    with pytest.raises(
        BundleError, match=r"no wheel of compiled==1\.0 is available for Python 3\.13 on x86_64"
    ) as caught:
        download_wheels([Pin("compiled", "1.0")], Target(), tmp_path)
    assert "pip index versions compiled" in caught.value.remedy


@pytest.mark.parametrize(
    "stderr",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "[Errno 122] Disk quota exceeded",
    ],
)
def test_a_full_disk_is_not_the_network(stderr: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, stderr=stderr)
    monkeypatch.setattr("spacy_lambda.bundler.wheels.subprocess.run", lambda *_, **__: done)
    for call in (lambda: download_wheels([], Target(), tmp_path), lambda: install_wheels([], Target(), tmp_path)):
        with pytest.raises(BundleError, match=r"no space is left for the wheels: .* MB are free in ") as caught:
            call()
        assert "set TMPDIR to a folder" in caught.value.remedy


def test_a_broken_wheel(links: Path, tmp_path: Path) -> None:
    (links / "broken-1.0-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(BundleError) as caught:
        download_wheels([Pin("broken", "1.0")], Target(), tmp_path)
    assert caught.value.remedy
