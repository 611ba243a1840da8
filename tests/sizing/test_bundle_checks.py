"""The files of a bundle against Lambda's limits and the target of the function."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.bundler.elf import cut_unloaded
from spacy_lambda.bundler.elf_versions import machine_of, newest_glibc, required_versions
from spacy_lambda.bundler.metadata import BundleMetadata
from spacy_lambda.bundler.target import MACHINES, Target
from spacy_lambda.errors import BundleError
from spacy_lambda.sizing import CheckOptions
from spacy_lambda.sizing.bundle_checks import BundleFiles, check_bundle
from tests.sizing.checked import statuses

SMALLEST_FIRST = sorted(Path(np.__file__).parent.rglob("*.so"), key=lambda path: path.stat().st_size)
LIBRARIES = [path for path in SMALLEST_FIRST[:10] if b"GLIBC_2." in path.read_bytes()]
LIBRARY = LIBRARIES[0].read_bytes()
HERE = machine_of(LIBRARY)
ARCH = next(arch for arch, machine in MACHINES.items() if machine == HERE)


HANDLER_FILE = "spacy_lambda/runtime/handler.py"


def files(contents: Mapping[str, bytes], *, zipped: int | None = 1000, more: int = 0) -> BundleFiles:
    name = {"lang": "en", "name": "ner", "version": "1.0.0"}
    metadata = BundleMetadata(Target("3.13", ARCH), "pipeline", 64 * "a", name)
    sizes = {name: len(content) for name, content in contents.items()} | {"weights": more, HANDLER_FILE: 1}
    return BundleFiles(metadata, zipped, sizes, lambda name: contents[name])


def test_a_bundle_within_the_limits() -> None:
    found = check_bundle(files({"numpy/core.so": LIBRARY, "notes.so": b"text"}), CheckOptions())
    assert {*statuses(found).values()} == {"ok"}
    (glibc,) = (one for one in found if one.name == "glibc")
    assert glibc.detail.endswith("is needed; Amazon Linux 2023 has 2.34")


def test_a_bundle_that_is_too_large() -> None:
    found = check_bundle(files({}, more=263_000_000, zipped=90_000_000), CheckOptions())
    assert statuses(found)["unzipped size"] == "fails"
    assert "through S3" in next(one.detail for one in found if one.name == "zipped size")
    assert statuses(check_bundle(files({}, more=255_000_000), CheckOptions()))["unzipped size"] == "warning"
    image = statuses(check_bundle(files({}, more=263_000_000, zipped=None), CheckOptions()))
    assert (image["unzipped size"], "zipped size" in image) == ("ok", False)


@pytest.mark.parametrize(("megabytes", "status"), [(249.9, "warning"), (250.1, "fails")])
def test_the_size_at_the_limit_is_in_its_units(megabytes: float, status: str) -> None:
    found = check_bundle(files({}, more=int(megabytes * 2**20)), CheckOptions())[0]
    assert (found.status, found.detail.partition(" that")[0]) == (
        status,
        f"{megabytes * 1.048576:.1f} MB of the 262.1 MB",
    )


def test_a_zip_without_the_handler() -> None:
    one = files({})
    without = replace(one, sizes={"weights": 0})
    (found,) = (one for one in check_bundle(without, CheckOptions()) if one.name == "handler")
    assert (found.status, found.detail) == ("fails", f"the zip has no {HANDLER_FILE}, which Lambda imports")
    for fine in (one, replace(one, sizes={f"{HANDLER_FILE}c": 0}), replace(without, zipped=None)):
        assert "handler" not in statuses(check_bundle(fine, CheckOptions()))


def test_extension_modules_for_another_python() -> None:
    found = check_bundle(files({"a.cpython-312-x86_64-linux-gnu.so": LIBRARY, "b.abi3.so": LIBRARY}), CheckOptions())
    (libraries,) = (one for one in found if one.name == "architecture")
    assert libraries.detail == f"not for {HERE} and Python 3.13: a.cpython-312-x86_64-linux-gnu.so (Python 3.12)"


def test_a_bundle_for_another_target() -> None:
    other = "arm64" if ARCH == "x86_64" else "x86_64"
    (target,) = (one for one in check_bundle(files({}), CheckOptions(architecture=other)) if one.name == "target")
    command = f"spacy-lambda bundle en_ner --python 3.13 --architecture {other}"
    assert (target.status, target.remedy) == ("fails", command)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"location": "s3://models/ner@1.0.0"}, "s3://models/ner@1.0.0"),
        ({"pipeline": {}}, "PIPELINE"),
    ],
)
def test_the_argument_of_bundle(changes: dict[str, Any], argument: str) -> None:
    one = files({})
    found = check_bundle(replace(one, metadata=replace(one.metadata, **changes)), CheckOptions(python="3.14"))
    (target,) = (finding for finding in found if finding.name == "target")
    assert target.remedy == f"spacy-lambda bundle {argument} --python 3.14 --architecture {ARCH}"


def test_libraries_are_checked_for_the_target_of_the_function() -> None:
    other = "arm64" if ARCH == "x86_64" else "x86_64"
    one = files({"a.so": LIBRARY, "b.cpython-313-x86_64-linux-gnu.so": LIBRARY})
    found = {finding.name: finding for finding in check_bundle(one, CheckOptions(architecture=other))}
    assert (found["target"].status, found["architecture"].status) == ("fails", "fails")
    assert found["architecture"].detail == (
        f"not for {MACHINES[other]} and Python 3.13: a.so ({HERE}), b.cpython-313-x86_64-linux-gnu.so ({HERE})"
    )
    newer = {finding.name: finding for finding in check_bundle(one, CheckOptions(python="3.14"))}
    assert newer["architecture"].detail.endswith(": b.cpython-313-x86_64-linux-gnu.so (Python 3.13)")


def test_libraries_for_another_machine_and_damaged_ones() -> None:
    other = bytearray(LIBRARY)
    other[18] = 183 if HERE == "x86_64" else 62
    found = check_bundle(files({"a.so": bytes(other), "b.so.1": LIBRARY[:3000]}), CheckOptions())
    (libraries,) = (one for one in found if one.name == "architecture")
    assert libraries.status == "fails"
    assert "a.so (" in libraries.detail
    assert "damaged: b.so.1 (it is cut short)" in libraries.detail


def test_libraries_that_need_a_newer_glibc() -> None:
    newest = max((name for name in required_versions(LIBRARY) if name.startswith("GLIBC_2")), key=len)
    newer = LIBRARY.replace(newest.encode(), b"GLIBC_2.99"[: len(newest)].ljust(len(newest), b"9"))
    found = check_bundle(files({"a.so": newer}), CheckOptions())
    (glibc,) = (one for one in found if one.name == "glibc")
    assert (glibc.status, "newer is needed by a.so (2.9" in glibc.detail) == ("fails", True)


@pytest.mark.parametrize("path", LIBRARIES[:3], ids=lambda path: path.name)
def test_versions_are_read_from_the_segments(path: Path) -> None:
    library = path.read_bytes()
    versions = required_versions(library)
    assert (2, 0) < newest_glibc(versions) <= (2, 34)
    assert required_versions(cut_unloaded(library)) == versions


@settings(max_examples=50)
@given(st.integers(4, len(LIBRARY) - 1), st.binary(min_size=1, max_size=8), st.integers(64, len(LIBRARY)))
def test_damaged_libraries_end_with_an_error_at_most(place: int, damage: bytes, length: int) -> None:
    damaged = (LIBRARY[:place] + damage + LIBRARY[place + len(damage) :])[:length]
    with suppress(BundleError):
        required_versions(damaged)
