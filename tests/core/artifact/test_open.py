"""Wheels and zips from outside: taken where they are what they should be, refused where they are not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spacy_lambda.core.artifact.open import ZipLimits, extract_zip, pipeline_folder
from spacy_lambda.core.artifact.pack import Packed, pack
from spacy_lambda.errors import ArtifactError, PipelineNotFoundError

ROOT = Path(__file__).parents[3]


def zipped(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
    return path


def message(path: Path, folder: Path, limits: ZipLimits = ZipLimits()) -> str:  # noqa: B008
    with pytest.raises(ArtifactError) as caught:
        extract_zip(path, folder, limits=limits)
    assert caught.value.remedy
    return caught.value.message


def test_every_input_gives_the_same_artifact(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    files = {path.relative_to(pipeline).as_posix(): path.read_bytes() for path in pipeline.rglob("*") if path.is_file()}
    inner = {f"en_metals/en_metals-1.2.3/{name}": data for name, data in files.items()}
    package = {"en_metals/__init__.py": b"", "en_metals/meta.json": files["meta.json"]}
    sources = [
        pipeline,
        packed.path,
        zipped(tmp_path / "bare.zip", files),
        zipped(tmp_path / "folder.zip", {f"metals/{name}": data for name, data in files.items()}),
        zipped(tmp_path / "en_metals-1.2.3-py3-none-any.whl", {**package, **inner}),
    ]
    for number, source in enumerate(sources):
        with pipeline_folder(source) as folder:
            assert pack(folder, tmp_path / f"{number}.tar").sha256 == packed.sha256


def test_the_bundled_wheel_is_accepted(tmp_path: Path) -> None:
    (wheel,) = (ROOT / "pipelines").glob("*.whl")
    with pipeline_folder(wheel) as folder:
        result = pack(folder, tmp_path)
    assert result.manifest.pipeline["name"] == "scienceie_minilm"
    assert result.manifest.pipeline["precision"] == "int8"


def test_errors_name_the_users_file(tmp_path: Path, pipeline: Path) -> None:
    files = {path.relative_to(pipeline).as_posix(): path.read_bytes() for path in pipeline.rglob("*") if path.is_file()}
    path = zipped(tmp_path / "metals.zip", {f"metals/{name}": data for name, data in files.items()})
    with pytest.raises(ArtifactError) as caught, pipeline_folder(path) as folder:
        raise ArtifactError(f"{folder}/config.cfg is invalid", remedy=f"correct {folder}")
    assert str(caught.value) == f"{path}/config.cfg is invalid\nremedy: correct {path}"


def test_backslashes_and_capitals_of_windows(tmp_path: Path, pipeline: Path, packed: Packed) -> None:
    files = {str(path.relative_to(pipeline)): path.read_bytes() for path in pipeline.rglob("*") if path.is_file()}
    path = zipped(tmp_path / "METALS.ZIP", {f"metals\\{name}".replace("/", "\\"): files[name] for name in files})
    with pipeline_folder(path) as folder:
        assert pack(folder, tmp_path / "a.tar").sha256 == packed.sha256


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil", "leads out of the folder"),
        ("a/../../evil", "leads out of the folder"),
        ("/tmp/evil", "is absolute"),
        ("..\\evil", "leads out of the folder"),
        ("C:\\evil", "backslash"),
        ("a/./b", "not in its shortest form"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, why: str) -> None:
    path = zipped(tmp_path / "a.zip", {"good": b"good", name: b"evil"})
    assert why in message(path, tmp_path / "deep" / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_special_files_are_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "'link' is a link or a special file" in message(tmp_path / "a.zip", tmp_path / "out")


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"file{i}": b"" for i in range(10_000)})
    assert "10,000 entries; the limit is 5,000" in message(path, tmp_path / "out")


def test_a_bomb_is_refused_by_its_ratio_and_its_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    block = bytes(1 << 24)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as file:
        for _ in range(8):
            file.write(block)
    assert path.stat().st_size < 1 << 20
    assert "more than 200 times its size" in message(path, tmp_path / "out")
    small = ZipLimits(total_bytes=1 << 24, ratio=10**6)
    assert "holds 134,217,728 bytes; the limit is 16,777,216" in message(path, tmp_path / "out", small)
    assert os.listdir(tmp_path) == ["bomb.zip"]


def test_a_header_that_lies_about_the_size_is_found_out(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"zeros": bytes(5_000_000)})
    data = path.read_bytes()
    path.write_bytes(data.replace((5_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    assert "cannot be unpacked" in message(path, tmp_path / "out")
    written = sum(file.stat().st_size for file in (tmp_path / "out").rglob("*"))
    assert written <= 1000


def test_names_twice_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("config.cfg", "good")
        archive.writestr("CONFIG.cfg", "evil")
    assert "occurs twice" in message(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x05\x06" + bytes(10)])
def test_broken_archives_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert "cannot be unpacked" in message(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damaged_contents_are_refused(tmp_path: Path, compression: int) -> None:
    data = bytes(range(256)) * 40
    whole = bytearray(zipped(tmp_path / "whole.zip", {"file": data}, compression).read_bytes())
    refused = 0
    for place in range(34, len(whole) // 2, 3):
        (tmp_path / "a.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            extract_zip(tmp_path / "a.zip", tmp_path / f"out{place}")
        except ArtifactError:
            refused += 1
        else:  # a byte that does not matter, such as LZMA's version
            assert (tmp_path / f"out{place}" / "file").read_bytes() == data
    assert refused > 10


def test_an_archive_must_hold_one_pipeline(pipeline: Path, tmp_path: Path) -> None:
    files = {path.relative_to(pipeline).as_posix(): path.read_bytes() for path in pipeline.rglob("*") if path.is_file()}
    none = zipped(tmp_path / "none.zip", {"readme": b""})
    two = zipped(tmp_path / "two.zip", {f"{i}/{name}": data for i in "ab" for name, data in files.items()})
    for path, what in ((none, "no pipeline"), (two, "2 pipelines")):
        with pytest.raises(ArtifactError, match=what), pipeline_folder(path):
            pass


def test_other_endings_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.rar").touch()
    with pytest.raises(ArtifactError, match=r"unknown suffix '\.rar'"), pipeline_folder(tmp_path / "a.rar"):
        pass
    with pytest.raises(PipelineNotFoundError), pipeline_folder(tmp_path / "nothing"):
        pass


@pytest.mark.parametrize("name", ["en_x-1.0.tar.gz", "en_x-1.0.tgz", "en_x.tar.xz"])
def test_a_source_distribution_is_called_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ArtifactError, match="source distribution") as caught, pipeline_folder(tmp_path / name):
        pass
    assert "spacy package --build wheel" in caught.value.remedy


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spacy_lambda", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_commands(pipeline: Path, packed: Packed, tmp_path: Path) -> None:
    done = run("pack", pipeline, tmp_path / "a.tar", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["sha256"], result["pipeline"]["name"]) == (packed.sha256, "metals")
    assert f"sha256={packed.sha256}" in run("pack", pipeline, tmp_path / "a.tar", "--force").stdout
    done = run("unpack", tmp_path / "a.tar", tmp_path / "out", "--sha256", packed.sha256.upper())
    assert done.returncode == 0, done.stderr
    assert "all verified" in done.stdout
    for digest, remedy in (("00", "64 lower-case hexadecimal digits"), ("00" * 32, "check the location")):
        done = run("unpack", tmp_path / "a.tar", tmp_path / "other", "--sha256", digest)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert remedy in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "out"]
