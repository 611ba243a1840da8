"""Packing and unpacking: the same bytes everywhere, and nothing unverified."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.core.artifact.extract import extract
from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.pack import Packed, pack
from spacy_lambda.core.artifact.tar import BLOCK, END_OF_ARCHIVE, digest_line, header, padding
from spacy_lambda.core.artifact.unpack import unpack
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import copy_folder, files_below
from spacy_lambda.errors import ArtifactError, PipelineNotFoundError
from tests.canary import make_canary, untouched
from tests.profiles import examples


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(data: bytes, folder: Path, *, sha256: Digest | None = None) -> str:
    """The message with which an artifact is refused, or an empty text."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        extract(io.BytesIO(data), folder, sha256=sha256)
    except ArtifactError as exc:
        return exc.message if exc.remedy else ""
    return ""


def test_there_and_back(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    assert packed.path.name == "en_metals-1.2.3.tar"
    assert hashlib.sha256(packed.path.read_bytes()).hexdigest() == packed.sha256
    manifest = unpack(packed.path, tmp_path / "out", sha256=packed.sha256)
    assert manifest == packed.manifest
    assert contents(tmp_path / "out") == contents(pipeline)
    assert [ent.label_ for ent in spacy.load(tmp_path / "out")("iron").ents] == ["METAL"]
    assert folder_digest(tmp_path / "out", manifest) == packed.sha256
    assert os.listdir(tmp_path) == ["out"]


def test_the_manifest_describes_the_pipeline(packed: Packed) -> None:
    assert packed.manifest.pipeline["name"] == "metals"
    assert packed.manifest.pipeline["pipeline"] == ["entity_ruler"]
    assert packed.manifest.total_bytes == sum(file.size for file in packed.manifest.files)


def test_tar_reads_it(packed: Packed) -> None:
    with tarfile.open(packed.path) as archive:
        names = archive.getnames()
        assert names[:2] == ["manifest.json", "manifest.sha256"]
        assert names[2:] == [f"pipeline/{file.path}" for file in packed.manifest.files]
        member = archive.extractfile("pipeline/block")
        assert member is not None
        assert member.read() == bytes(range(256)) * 2


def test_the_same_files_give_the_same_bytes(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in sorted(pipeline.rglob("*"), reverse=True):
        target = copy / path.relative_to(pipeline)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
            target.chmod(0o600)
            os.utime(target, (random.random() * 1e9, random.random() * 1e9))
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "left.pyc").write_bytes(b"left")
    script = "from pathlib import Path; from spacy_lambda.core.artifact.pack import pack; "
    script += f"pack({str(copy)!r}, Path('a.tar'))"
    environ = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environ, check=True)
    assert (tmp_path / "a.tar").read_bytes() == packed.path.read_bytes()


def test_a_changed_file_gives_another_identity(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    shutil.copytree(pipeline, tmp_path / "copy")
    (tmp_path / "copy" / "nothing").write_text("something")
    assert pack(tmp_path / "copy", tmp_path).sha256 != packed.sha256


def test_another_identity_is_refused(packed: Packed, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=f"has the digest {packed.sha256}, not 00ff") as caught:
        unpack(packed.path, tmp_path / "out", sha256=Digest("00ff" * 16))
    assert "#sha256=" in caught.value.remedy
    assert os.listdir(tmp_path) == []


def places(data: bytearray) -> Iterator[int]:
    """Bits to flip: all of the first blocks, and many of the rest."""
    rng = random.Random(0)
    yield from range(0, 8 * 3 * BLOCK, 7)
    yield from (rng.randrange(8 * len(data)) for _ in range(1000))


@pytest.mark.slow
def test_every_flipped_bit_is_refused(packed: Packed, tmp_path: Path) -> None:
    data = bytearray(packed.path.read_bytes())
    flips = list(places(data))
    assert len(flips) > 2000
    flips = random.Random(1).sample(flips, examples(800))
    for place in flips:
        data[place // 8] ^= 1 << place % 8
        assert refused(bytes(data), tmp_path / "out"), f"bit {place}"
        data[place // 8] ^= 1 << place % 8
    assert not refused(bytes(data), tmp_path / "out")


@pytest.mark.slow
def test_every_truncation_is_refused(packed: Packed, tmp_path: Path) -> None:
    data = packed.path.read_bytes()
    rng = random.Random(0)
    for length in [0, 1, BLOCK, len(data) - 1, len(data) - BLOCK, *(rng.randrange(len(data)) for _ in range(200))]:
        assert "is truncated" in refused(data[:length], tmp_path / "out"), length


def test_what_comes_after_the_end_is_refused(packed: Packed, tmp_path: Path) -> None:
    assert "trailing data" in refused(packed.path.read_bytes() + b"\0", tmp_path / "out")


def test_swapped_files_are_refused(packed: Packed, tmp_path: Path) -> None:
    data = packed.path.read_bytes()
    a = header("pipeline/block", 512) + bytes(range(256)) * 2
    b = header("pipeline/nothing", 0)
    assert a in data
    assert b in data
    assert refused(data.replace(a, header("pipeline/block", 512) + bytes(512)), tmp_path / "out")
    assert refused(data.replace(a, b"").replace(b, a + b), tmp_path / "out")
    assert refused(data.replace(b, b""), tmp_path / "out")
    assert refused(data.replace(b, b + b), tmp_path / "out")


def forged(manifest: bytes, files: bytes = b"") -> bytes:
    """An artifact with a forged manifest, and everything else valid."""
    line = digest_line(manifest)
    parts = []
    for name, data in (("manifest.json", manifest), ("manifest.sha256", line)):
        parts += [header(name, len(data)), data, padding(len(data))]
    return b"".join([*parts, files, END_OF_ARCHIVE])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../evil", "leads out of the folder"),
        ("a/../../evil", "leads out of the folder"),
        ("/etc/passwd", "is absolute"),
        ("a\\\\..\\\\evil", "backslash"),
        ("C:evil", "colon"),
        ("a//b", "not in its shortest form"),
        ("./a", "not in its shortest form"),
        ("", "is empty"),
        ("a\\u0000b", "cannot be printed"),
        ("/".join(["a"] * 40), "is deeper than 16 folders"),
        ("a" * 300, "is longer than 255 bytes"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, path: str, message: str) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    manifest = f'{{"files":[{{"path":"{path}","sha256":"{digest}","size":0}}],"format_version":1,"pipeline":{{}}}}\n'
    assert message in refused(forged(manifest.encode()), tmp_path / "inner" / "out")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"nonsense", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"files":[],"format_version":2,"pipeline":{}}\n', "has format 2; this version reads format 1"),
        (b'{"files": [],"format_version":1,"pipeline":{}}\n', "not in its canonical form"),
        (b'{"files":[],"format_version":1,"more":1,"pipeline":{}}\n', "'more' is an unknown key"),
        (
            b'{"files":[{"path":"a","sha256":"%s","size":-1}],"format_version":1,"pipeline":{}}\n',
            "a file has an invalid size",
        ),
        (
            b'{"files":[{"path":"A","sha256":"%s","size":0},{"path":"a","sha256":"%s","size":0}],"format_version":1,'
            b'"pipeline":{}}\n',
            "occurs twice",
        ),
        (
            b'{"files":[{"path":"a","sha256":"%s","size":0},{"path":"a/b","sha256":"%s","size":0}],"format_version":1,'
            b'"pipeline":{}}\n',
            "is a file and a folder",
        ),
        (b'{"files":[' + b"[" * 100_000, "cannot be read"),
    ],
)
def test_manifests_that_are_refused(tmp_path: Path, manifest: bytes, message: str) -> None:
    assert message in refused(forged(manifest.replace(b"%s", b"0" * 64)), tmp_path / "out")


DIGESTS: list[Any] = ["", "..", "/etc/passwd", "A" * 64, "0" * 63, None, 0, True, []]
PATHS: list[Any] = [None, 0, [], ".git/config", ".gitattributes", "a/.GIT/x", "con", "a.", "\ud800"]


@pytest.mark.parametrize(
    "change",
    [
        *({"sha256": digest} for digest in DIGESTS),
        *({"size": size} for size in (-1, 2**63, 10**30, 8 * 2**30, 0.0, 1e300, True, None, "0")),
        *({"path": path} for path in PATHS),
        *({"path": path} for path in ("code/../..", "..", "a/__pycache__/b.pyc", "．．/x", "a\u202eb")),
        *({key: 1} for key in ("mode", "type", "linkname", "")),
    ],
    ids=ascii,
)
def test_files_of_a_manifest_that_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    victim = make_canary(tmp_path / "home")
    file = {"path": "a", "sha256": hashlib.sha256(b"").hexdigest(), "size": 0} | change
    content = {"files": [file], "format_version": 1, "pipeline": {}}
    manifest = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with untouched(victim):
        assert "manifest" in refused(forged(manifest), tmp_path / "out")
    assert os.listdir(tmp_path) == ["home"]


@pytest.mark.parametrize("sha256", [False, True], ids=["without the digest", "with the digest"])
def test_each_file_is_compared_with_the_manifest(packed: Packed, tmp_path: Path, sha256: bool) -> None:
    """Also where the digest of the whole is right: whoever made it may have lied about a file."""
    data = packed.path.read_bytes()
    entry = next(file for file in packed.manifest.files if file.path == "block")
    lie = packed.manifest.to_bytes().replace(entry.sha256.encode(), b"0" * 64)
    start = BLOCK + len(lie) + len(padding(len(lie))) + 2 * BLOCK
    artifact = forged(lie, data[start : data.rindex(END_OF_ARCHIVE)])
    digest = Digest(hashlib.sha256(artifact).hexdigest()) if sha256 else None
    assert refused(artifact, tmp_path / "out", sha256=digest) == "block does not match the manifest"


def test_sizes_are_limited_before_anything_is_written(packed: Packed, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the limit is 100") as caught, packed.path.open("rb") as file:
        extract(file, tmp_path / "out", max_bytes=100)
    assert "/tmp" in caught.value.remedy
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + bytes(2000), bytes(4096), os.urandom(4096)])
def test_other_files_are_not_artifacts(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(ArtifactError):
        unpack(tmp_path / "file", tmp_path / "out")
    assert os.listdir(tmp_path) == ["file"]


def test_another_tar_is_not_an_artifact(tmp_path: Path, pipeline: Path) -> None:
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(pipeline, "pipeline")
    with pytest.raises(ArtifactError, match="this is not an artifact") as caught:
        unpack(tmp_path / "other.tar", tmp_path / "out")
    assert "spacy-lambda pack" in caught.value.remedy


def test_out_that_exists_is_left_alone(packed: Packed, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(ArtifactError, match="exists"):
        unpack(packed.path, tmp_path)
    assert os.listdir(tmp_path) == ["mine"]


def test_a_folder_is_verified(packed: Packed, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fresh() -> Path:
        shutil.rmtree(out, ignore_errors=True)
        unpack(packed.path, out)
        return out

    refused = {
        "is missing": lambda: os.unlink(fresh() / "block"),
        "is not in the manifest": lambda: (fresh() / "more").write_bytes(b""),
        "block' is refused: it is a link": lambda: link(fresh() / "block"),
    }
    for message, change in refused.items():
        change()
        with pytest.raises(ArtifactError, match=message):
            folder_digest(out, packed.manifest)
    for name, data in (("block", bytes(512)), ("nothing", b"x")):
        (fresh() / name).write_bytes(data)
        assert folder_digest(out, packed.manifest) != packed.sha256
    assert folder_digest(fresh(), packed.manifest) == packed.sha256


def link(path: Path) -> None:
    """Put a link to the same contents in a file's place."""
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def test_a_full_disk_is_reported(packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ArtifactError, match="No space left") as caught:
        unpack(packed.path, tmp_path / "out")
    assert "free disk space" in caught.value.remedy
    assert os.listdir(tmp_path) == []


def test_links_are_not_packed(pipeline: Path, tmp_path: Path) -> None:
    shutil.copytree(pipeline, tmp_path / "copy")
    (tmp_path / "copy" / "link").symlink_to("/etc/passwd")
    with pytest.raises(ArtifactError, match="is a link") as caught:
        pack(tmp_path / "copy", tmp_path / "out.tar")
    assert "cp -rL" in caught.value.remedy
    assert os.listdir(tmp_path) == ["copy"]


def snapshot(pipeline: Path, cache: Path) -> Path:
    """Write a pipeline as huggingface_hub caches it: links to files that are named by their digests."""
    repository = cache / "models--acme--metals"
    (repository / "blobs").mkdir(parents=True)
    made = repository / "snapshots" / ("0" * 40)
    for path in (path for path in pipeline.rglob("*") if path.is_file()):
        blob = repository / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copyfile(path, blob)
        place = made / path.relative_to(pipeline)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(blob, place.parent))
    return made


def test_a_snapshot_of_the_hub_is_packed(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    made = snapshot(pipeline, tmp_path / "cache")
    assert pack(made, tmp_path / "out.tar").sha256 == packed.sha256
    copy_folder(made, tmp_path / "copy")
    assert pack(tmp_path / "copy", tmp_path / "copy.tar").sha256 == packed.sha256
    (made / "alias").symlink_to("meta.json")
    assert pack(made, tmp_path / "more.tar").manifest.files[0].path == "alias"


@pytest.mark.parametrize("target", ["../../refs/main", "../../../secret", ".git/config", "vocab", "loop", "nowhere"])
def test_other_links_of_a_snapshot_are_refused(target: str, pipeline: Path, tmp_path: Path) -> None:
    made = snapshot(pipeline, tmp_path)
    (tmp_path / "models--acme--metals" / "refs").mkdir()
    (tmp_path / "models--acme--metals" / "refs" / "main").touch()
    (tmp_path / "secret").touch()
    (made / ".git").mkdir()
    (made / ".git" / "config").touch()
    (made / "loop").symlink_to(target)
    with pytest.raises(ArtifactError, match="is a link"):
        pack(made, tmp_path / "out.tar")


def test_a_folder_that_cannot_be_read_is_not_left_out(pipeline: Path, tmp_path: Path) -> None:
    scandir = os.scandir

    def denied(path: Any = ".") -> Any:
        if Path(path).name == "vocab":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", denied)
        with pytest.raises(ArtifactError, match="vocab cannot be read: Permission denied"):
            pack(pipeline, tmp_path / "out.tar")
        with pytest.raises(PermissionError):
            files_below(pipeline)
    assert os.listdir(tmp_path) == []


def test_a_copy_of_a_folder_that_is_read_only_can_be_changed(pipeline: Path, tmp_path: Path) -> None:
    shutil.copytree(pipeline, tmp_path / "original")
    for path in (tmp_path / "original", *(tmp_path / "original").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    copy_folder(tmp_path / "original", tmp_path / "copy")
    modes = {path.stat().st_mode & 0o200 for path in (tmp_path / "copy", *(tmp_path / "copy").rglob("*"))}
    assert modes == {0o200}


def test_no_pipeline_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(PipelineNotFoundError):
        pack(tmp_path, tmp_path / "out.tar")
