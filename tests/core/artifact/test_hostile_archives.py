"""Malicious archives: refused before they fill a disk, and nothing outside the folder is touched."""

from __future__ import annotations

import io
import random
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from spacy_lambda.core.artifact.extract import read_stream_file
from spacy_lambda.core.artifact.manifest import MAX_MANIFEST_BYTES
from spacy_lambda.core.artifact.open import extract_zip, pipeline_folder
from spacy_lambda.core.artifact.pack import Packed, pack
from spacy_lambda.core.artifact.tar import BLOCK, header
from spacy_lambda.core.artifact.unpack import unpack
from spacy_lambda.errors import ArtifactError, SpacyLambdaError
from tests.canary import make_canary, untouched

MB = 1 << 20


def zipped(path: Path, entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return path


def refused(path: Path, tmp_path: Path) -> str:
    """The message; at most the folder itself was made, and the caller removes it with what is around it."""
    victim = make_canary(tmp_path / "home")
    with untouched(victim), pytest.raises(ArtifactError) as caught:
        extract_zip(path, tmp_path / "inner" / "out")
    assert caught.value.remedy
    assert {one.name for one in tmp_path.iterdir()} <= {"home", "inner", path.name}
    return caught.value.message


@pytest.fixture(autouse=True)
def inner(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()


@pytest.mark.slow
@pytest.mark.parametrize(("count", "size"), [(300, 1_000_000), (2000, 20_000), (40, MB - 1)])
def test_many_small_bombs_are_one_large_bomb(count: int, size: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [(f"f{i}", bytes(size)) for i in range(count)])
    assert "more than 50 times its size" in refused(path, tmp_path)
    assert not (tmp_path / "inner" / "out").exists()


def test_some_megabytes_of_zeros_are_accepted(tmp_path: Path) -> None:
    extract_zip(zipped(tmp_path / "a.zip", [(f"f{i}", bytes(MB - 1)) for i in range(20)]), tmp_path / "inner" / "out")


def overlapping(path: Path, *, copies: int) -> Path:
    """Many entries of the directory, all of which point to one file's bytes (David Fifield's "zip bomb")."""
    data = zipped(path, [("a", random.Random(0).randbytes(50_000))], zipfile.ZIP_STORED).read_bytes()
    start = data.index(b"PK\x01\x02")
    entry, end = data[start : data.index(b"PK\x05\x06")], data.index(b"PK\x05\x06")
    directory = b"".join(entry[:46] + bytes([97 + i]) for i in range(copies))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), start, 0)
    assert len(entry) == 47
    assert end > start
    path.write_bytes(data[:start] + directory + tail)
    return path


def test_entries_that_share_bytes(tmp_path: Path) -> None:
    assert "overlaps another entry" in refused(overlapping(tmp_path / "a.zip", copies=20), tmp_path)


def test_a_directory_is_not_read_before_it_is_measured(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [(f"{'x' * 60_000}{i}", b"") for i in range(80)])
    assert "its directory is larger than 4,194,304 bytes" in refused(path, tmp_path)


NAMES = [
    *(
        "../evil",
        "../../home/.ssh/id_rsa",
        "a/../../home/.bashrc",
        "/tmp/evil",
        "..",
        ".",
        "//a",
        "a//b",
        "./a",
        "a/./b",
    ),
    *(
        "..\\evil",
        "C:\\evil",
        "C:evil",
        "a\nb",
        "a\x1b[31m",
        "con",
        "a/NUL.txt",
        "a.",
        "a /b",
        "．．/evil",
        "a*",
        "a" * 300,
    ),
    *(
        "/".join("a" * 20),
        "../evil/",
        "/evil/",
        "a/../../evil/",
        ".git/../../evil",
        ".x/../../../home/.ssh/id_rsa",
        "../.ssh/x",
    ),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("good", b"good"), (name, b"evil" if not name.endswith("/") else b"")])
    assert refused(path, tmp_path)
    assert not (tmp_path / "inner" / "out").exists()


@pytest.mark.parametrize(
    "names",
    [("a", "A"), ("a", "a"), ("a", "a/"), ("A/", "a"), ("a", "a/b"), ("a/x", "A/y"), ("a/", "A/"), ("é", "e\u0301")],
    ids=ascii,
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one(names: tuple[str, ...], tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [(name, b"") for name in names])
    assert "occurs twice" in (message := refused(path, tmp_path)) or "a file and a folder" in message


def test_a_name_that_ends_at_a_zero_byte(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("config.cfgXevil", b"x")])
    path.write_bytes(path.read_bytes().replace(b"config.cfgXevil", b"config.cfg\0evil"))
    assert "is not the name of one file" in refused(path, tmp_path)


def test_hidden_files_are_left_where_they_are(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    """Zips of a Mac and of a repository have some; they are neither unpacked nor packed."""
    files = [(p.relative_to(pipeline).as_posix(), p.read_bytes()) for p in pipeline.rglob("*") if p.is_file()]
    hidden = [
        (name, b"evil") for name in (".git/config", ".gitattributes", "__MACOSX/._meta.json", "a/.x/y", ".DS_Store")
    ]
    path = zipped(tmp_path / "a.zip", [*files, *hidden])
    with pipeline_folder(path) as folder:
        assert not [one for one in folder.rglob("*") if one.name.startswith(".") or one.name == "config"]
        assert pack(folder, tmp_path / "inner" / "a.tar").sha256 == packed.sha256


def test_left_out_files_are_reported(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pipeline, copy)
    for name in (".git/config", ".gitattributes", "ner/__pycache__/x.pyc", ".DS_Store"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("x")
    (copy / ".envrc").symlink_to("/etc/passwd")
    again = pack(copy, tmp_path / "inner" / "a.tar")
    assert again.sha256 == packed.sha256
    assert again.left_out == (".DS_Store", ".envrc", ".git", ".gitattributes", "ner/__pycache__")
    assert packed.left_out == ()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_zips_end_in_a_known_error(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    whole = zipped(tmp_path / "whole.zip", [("config.cfg", bytes(range(256)) * 20), ("a/b", b"x" * 999)]).read_bytes()
    for number in range(100):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "a.zip").write_bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])
        try:
            extract_zip(tmp_path / "a.zip", tmp_path / "inner" / str(number))
        except ArtifactError as exc:
            last = exc
    assert last.remedy
    assert {one.name for one in tmp_path.iterdir()} == {"a.zip", "whole.zip", "inner"}


# Tars.

KINDS = {
    "link": tarfile.LNKTYPE,
    "symlink": tarfile.SYMTYPE,
    "device": tarfile.CHRTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "long name": tarfile.GNUTYPE_LONGNAME,
    "pax": tarfile.XHDTYPE,
    "global pax": tarfile.XGLTYPE,
    "old": tarfile.AREGTYPE,
    "contiguous": tarfile.CONTTYPE,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("place", ["manifest.json", "pipeline/block"])
def test_headers_of_other_kinds(kind: bytes, place: str, packed: Packed, tmp_path: Path) -> None:
    victim = make_canary(tmp_path / "home")
    data = packed.path.read_bytes()
    at = data.index(place.encode() + b"\0")
    info = tarfile.TarInfo.frombuf(data[at : at + BLOCK], "utf-8", "strict")
    info.type, info.linkname = kind, str(victim / ".ssh/id_rsa")
    changed = data[:at] + info.tobuf(tarfile.USTAR_FORMAT) + data[at + BLOCK :]
    assert changed != data
    (tmp_path / "a.tar").write_bytes(changed)
    with untouched(victim), pytest.raises(ArtifactError):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_first_blocks_at_random() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        block = bytearray(header("manifest.json", rng.randrange(MAX_MANIFEST_BYTES)))
        for _ in range(rng.randrange(20)):
            block[rng.randrange(BLOCK)] = rng.randrange(256)
        with pytest.raises(SpacyLambdaError):
            read_stream_file(io.BytesIO(bytes(block)), "meta.json", max_bytes=MAX_MANIFEST_BYTES)


@pytest.mark.parametrize(
    "kind", ["folder with files", "link to a folder", "link to an empty folder", "dead link", "file"]
)
def test_accepted_outputs(kind: str, packed: Packed, tmp_path: Path) -> None:
    victim = make_canary(tmp_path / "home")
    out = tmp_path / "out"
    if kind == "folder with files":
        out = victim
    elif kind == "file":
        out = victim / "config.cfg"
    else:
        out.symlink_to({"link to a folder": victim, "dead link": victim / "none"}.get(kind, victim / "empty"))
    with untouched(victim), pytest.raises(ArtifactError):
        unpack(packed.path, out)
    assert [one for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_an_artifact_that_cannot_be_written(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "x.tar").mkdir()
    (tmp_path / "x.tar" / "in").touch()
    for target in (tmp_path / "file" / "a.tar", tmp_path / "a" / ("x" * 300)):
        with pytest.raises(ArtifactError, match="cannot be packed into"):
            pack(pipeline, target)
