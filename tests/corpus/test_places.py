"""Places with surprises: files that must not be read, names that must not be paths, standard input."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.corpus import annotate
from spacy_lambda.corpus.files import find_files
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.shard_names import shard_names
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, write_jsonl


def names(*sources: Path | str, own: tuple[str, ...] = ()) -> list[str]:
    return [file.name for file in find_files([str(source) for source in sources], own=own)]


@pytest.mark.parametrize("destination", ["out", "sub/out", "all.jsonl", "link/out"])
@pytest.mark.parametrize("source", ["", "link", "**/*.jsonl"])
def test_the_output_is_not_part_of_the_corpus(
    tmp_path: Path, pipeline: Path, engine: InProcess, source: str, destination: str
) -> None:
    write_jsonl(tmp_path / "corpus" / "in.jsonl", [*TEXTS, None])
    (tmp_path / "link").symlink_to(tmp_path / "corpus")
    folder = tmp_path if source == "link" else tmp_path / "corpus"
    output = tmp_path / destination if destination.startswith("link") else tmp_path / "corpus" / destination
    for _ in range(2):
        summary = annotate(folder / source, output, pipeline=pipeline, on=engine, force=True)
        assert summary.counts.documents == len(TEXTS) + 1


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("out", "out is the destination\n"),
        ("out/sub", "sub is in the destination\n"),
        ("out/sub/a.jsonl", "is in the dest"),
        ("link", "is the dest"),
    ],
)
def test_a_source_in_the_destination_is_refused(
    tmp_path: Path, pipeline: Path, engine: InProcess, source: str, problem: str
) -> None:
    write_jsonl(tmp_path / "out" / "sub" / "a.jsonl", TEXTS)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with pytest.raises(CorpusError, match=problem):
        annotate(tmp_path / source, tmp_path / "out", pipeline=pipeline, on=engine)
    file = tmp_path / "out" / "sub" / "a.jsonl"
    with pytest.raises(CorpusError, match=r"a\.jsonl is the destination"):
        annotate(file, file, pipeline=pipeline, on=engine)
    errors = write_jsonl(file.with_name("a.errors.jsonl"), TEXTS)
    with pytest.raises(CorpusError, match="has the name of a file that the run writes beside the destination"):
        annotate(errors, file, pipeline=pipeline, on=engine)


def test_the_pipeline_is_neither_corpus_nor_destination(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    data, compiled = tmp_path / "data", tmp_path / "data" / "compiled"
    shutil.copytree(pipeline, compiled)
    source = write_jsonl(data / "a.jsonl", TEXTS)
    (compiled / "vocab.txt").write_text("iron\n", encoding="utf-8")
    for number, sources in enumerate((str(data), f"{data}/**/*", str(source))):
        summary = annotate(sources, tmp_path / f"out{number}", pipeline=compiled, on=engine)
        assert summary.counts.documents == len(TEXTS)
    for sources in (f"{compiled}/vocab.txt", f"{compiled}/*.txt"):
        assert annotate(sources, tmp_path / "own", pipeline=compiled, on=engine).counts.documents == 1
    for destination in (compiled, compiled / "out", compiled / "out.jsonl"):
        with pytest.raises(CorpusError, match="is in the pipeline's folder"):
            annotate(source, destination, pipeline=compiled, on=engine)


def test_results_of_an_earlier_run_below_a_source_are_a_warning(
    tmp_path: Path, pipeline: Path, engine: InProcess
) -> None:
    data, warnings = tmp_path / "data", list[str]()
    write_jsonl(data / "a.jsonl", TEXTS)
    for destination in ("old", "old.jsonl", "new"):
        annotate(data, data / destination, pipeline=pipeline, on=engine, on_warning=warnings.append)
    assert [str(data / "old") in one for one in warnings] == [True, True]
    assert ["and 1 other;" in one for one in warnings] == [False, True]
    for sources in ([data / "old"], [data / "a.jsonl", data / "old.jsonl"], f"{data}/a*.jsonl"):
        annotate(sources, tmp_path / "out", pipeline=pipeline, on=engine, on_warning=warnings.append, force=True)
    assert len(warnings) == 2


def test_hidden_files_and_loops(tmp_path: Path) -> None:
    for name in ("a.jsonl", ".hidden.jsonl", "_old.jsonl", ".git/b.jsonl", "_annotate/c.jsonl", "sub/d.jsonl"):
        write_jsonl(tmp_path / name, TEXTS)
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["a.jsonl", "sub/d.jsonl"]
    assert names(tmp_path / ".hidden.jsonl") == [".hidden.jsonl"]
    assert names(tmp_path, tmp_path / "a.jsonl", f"{tmp_path}/*.jsonl") == ["_old.jsonl", "a.jsonl", "sub/d.jsonl"]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    for source in (tmp_path, f"{tmp_path}/*.jsonl"):
        with pytest.raises(CorpusError, match=r"pipe\.jsonl: It is a pipe or a device"):
            names(source)
    with pytest.raises(CorpusError, match=r"pipe\.jsonl is a pipe") as caught:
        names(tmp_path / "pipe.jsonl")
    assert "'-'" in caught.value.remedy
    (tmp_path / "pipe.jsonl").unlink()
    (tmp_path / "broken.jsonl").symlink_to(tmp_path / "missing")
    with pytest.raises(CorpusError, match="No such file"):
        names(tmp_path)


@pytest.mark.parametrize(
    "place", ["", "gs://bucket/a.jsonl", "S3://bucket/a.jsonl", "s3:/bucket/out", "file:///a.jsonl"]
)
def test_what_is_neither_a_path_nor_in_s3_is_refused(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: Path, engine: InProcess
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_jsonl(tmp_path / "a.jsonl", TEXTS)
    message = "is not a path, and not in S3" if place else "a source or destination is empty"
    for sources, destination in (([place], "out"), ([str(source), place], "out"), (str(source), place)):
        with pytest.raises(CorpusError, match=message):
            annotate(sources, destination, pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match="there are no sources"):
        annotate([], "out", pipeline=pipeline, on=engine)
    assert list(tmp_path.iterdir()) == [source]


def test_a_name_that_cannot_be_recorded_is_refused_before_the_run(
    tmp_path: Path, pipeline: Path, engine: InProcess
) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", TEXTS)
    for name, message in ((f"{'x' * 225}.jsonl", "has 231 bytes"), (os.fsdecode(b"\xe4.jsonl"), "is not UTF-8")):
        with pytest.raises(CorpusError, match=message):
            annotate(source, tmp_path / name, pipeline=pipeline, on=engine)
    assert list(tmp_path.iterdir()) == [source]
    longest = tmp_path / f"{'x' * 224}.jsonl"
    for _ in range(2):
        assert annotate(source, longest, pipeline=pipeline, on=engine).counts.documents == len(TEXTS)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", TEXTS)
    (file,) = find_files([str(path)])
    found = file.documents(Columns())
    next(found)
    with path.open("a", encoding="utf-8") as more:
        more.write('{"text": "iron"}\n')
    with pytest.raises(CorpusError, match=r"a\.jsonl changed while it was read"):
        list(found)


def test_names_of_any_kind(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "in"
    awkward = [
        "a\nb.jsonl",
        "x" * 249 + ".jsonl",
        "A.jsonl",
        "a.jsonl",
        "\x7f\\.jsonl",
        "%0A.jsonl",
        os.fsdecode(b"\xe4.jsonl"),
    ]
    for name in [*awkward, "_sub/._x.jsonl"]:
        write_jsonl(source / name, [name.encode("utf-8", "replace").decode()])
    every = [*(source / name for name in awkward), source / "_sub" / "._x.jsonl"]
    for _ in range(2):
        annotate(every, tmp_path / "out", pipeline=pipeline, on=engine)
    assert len(engine.names) == len(every)
    written = content(tmp_path / "out")
    assert len({name.lower() for name in written}) == len(every)
    assert not any(part.startswith((".", "_")) for name in written for part in name.split("/"))
    found = {json.loads(line)["text"] for line in b"".join(written.values()).splitlines()}
    assert found == {name.encode("utf-8", "replace").decode() for name in [*awkward, "_sub/._x.jsonl"]}


@given(st.lists(st.text(max_size=300), unique=True, max_size=5))
def test_any_name_is_a_path_below_the_destination(groups: list[str]) -> None:
    found = shard_names(groups)
    assert list(found) == groups
    assert len({name.casefold() for name in found.values()}) == len(groups)
    for name in found.values():
        parts = name.split("/")
        assert all(part and len(part.encode()) <= 200 and not part.startswith((".", "_")) for part in parts)
        assert len(name.encode()) <= 900
        assert "\0" not in name


def test_names_do_not_depend_on_others() -> None:
    plain = ["a/b.jsonl", "ä.csv", "a b/c.txt"]
    assert shard_names(plain) == {name: name for name in plain}
    both = shard_names(["x\n", "y", "../z"])
    assert (both["y"], both["x\n"]) == ("y", shard_names(["x\n"])["x\n"])
    assert both["../z"].startswith("%2E./z~")


def test_a_name_in_a_folder_with_the_name_of_results_is_changed() -> None:
    found = shard_names(["d/a.jsonl", "d/A.jsonl-00000.jsonl/x.jsonl", "d/b.jsonl-00000.jsonl/x.jsonl"])
    assert list(found.values())[::2] == ["d/a.jsonl", "d/b.jsonl-00000.jsonl/x.jsonl"]
    assert found["d/A.jsonl-00000.jsonl/x.jsonl"].startswith("d/A.jsonl-00000.jsonl~/x.jsonl~")


def test_a_new_file_whose_name_differs_in_case_is_annotated(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "in"
    write_jsonl(source / "a.jsonl", ["iron"])
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    for name in ("A.jsonl", "Ä.jsonl", "ä.jsonl", "a.jsonl-00000.jsonl/x.jsonl"):
        write_jsonl(source / name, ["glass"])
    for resumed in (1, 5):
        assert annotate(source, tmp_path / "out", pipeline=pipeline, on=engine).resumed == resumed
    assert len(engine.names) == 5
    assert "a.jsonl-00000.jsonl" in content(tmp_path / "out")


class Input(io.BytesIO):
    """Standard input."""

    @property
    def buffer(self) -> io.BytesIO:
        return io.BytesIO(self.getvalue())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        (b'\xef\xbb\xbf\n {"text": "iron", "id": "x"}\n', None, [("x", "iron")]),
        (b"iron\n\nheat", None, [("stdin:1", "iron"), ("stdin:3", "heat")]),
        (b"", None, []),
        (b"text,id\niron,7\n", "csv", [("7", "iron")]),
        (b"iron\nheat\n", "text", [("stdin", "iron\nheat\n")]),
    ],
)
def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, packed: bool, text: bytes, form: str | None, expected: list[Any]
) -> None:
    monkeypatch.setattr("sys.stdin", Input(gzip.compress(text) if packed else text))
    (file,) = find_files(["-"], format_name=form)
    assert [(one.id, one.text) for one in file.documents(Columns())] == expected


class Slow(io.RawIOBase):
    """Bytes that arrive one by one."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._content.read(1)
        buffer[: len(content)] = content
        return len(content)


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_recognized_though_it_arrives_slowly(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    for text, expected in ((b'\xef\xbb\xbf\n \n{"text": "iron"}\n', ["iron"]), (b"\n[1] iron", ["[1] iron"])):
        slow = io.BufferedReader(Slow(gzip.compress(text) if packed else text))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(slow))
        (file,) = find_files(["-"])
        assert [one.text for one in file.documents(Columns())] == expected


def test_an_array_on_standard_input_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (b'[{"text": "iron"}]', b'\n[\n  {"text": "iron"}\n]\n'):
        monkeypatch.setattr("sys.stdin", Input(text))
        (file,) = find_files(["-"])
        with pytest.raises(CorpusError, match="the file is a JSON array"):
            list(file.documents(Columns()))


def test_standard_input_resumes(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS * 10).encode()
    monkeypatch.setattr("sys.stdin", Input(lines))
    with pytest.raises(KeyboardInterrupt):
        annotate("-", tmp_path / "out", pipeline=pipeline, on=InProcess(pipeline, fail_after=2), shard_bytes=1000)
    summary = annotate("-", tmp_path / "out", pipeline=pipeline, on=engine, shard_bytes=1000)
    assert summary.resumed > 0
    written = b"".join(content(tmp_path / "out").values())
    assert sorted(json.loads(line)["text"] for line in written.splitlines()) == sorted(TEXTS * 10)
    monkeypatch.setattr("sys.stdin", Input(lines[:-40]))
    with pytest.raises(CorpusError, match="the corpus has changed"):
        annotate("-", tmp_path / "out", pipeline=pipeline, on=engine, shard_bytes=1000)
    with pytest.raises(CorpusError, match="pass '-' alone"):
        find_files(["-", "a.jsonl"])


def test_parquet_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        @property
        def buffer(self) -> io.BytesIO:
            return self

    stream = Pipe()
    parquet.write_table(pa.table({"text": ["iron"]}), pa.PythonFile(stream, mode="w"))
    monkeypatch.setattr("sys.stdin", Pipe(stream.getvalue()))
    (file,) = find_files(["-"], format_name="parquet")
    assert [one.text for one in file.documents(Columns())] == ["iron"]


def test_parquet_from_standard_input_to_parquet(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pa.table({"text": ["iron"], "x": [1]}), stream)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stream.getvalue()))))
    annotate("-", tmp_path / "out.parquet", pipeline=pipeline, on=engine, input_format="parquet")
    (found,) = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (found["id"], found["x"], found["text"]) == ("stdin:1", 1, "iron")


@pytest.mark.parametrize("form", [None, "jsonl"])
def test_damaged_gzip_on_standard_input(monkeypatch: pytest.MonkeyPatch, form: str | None) -> None:
    monkeypatch.setattr("sys.stdin", Input(b"\x1f\x8bxxxxxxxxxxx"))
    with pytest.raises(CorpusError, match="stdin is not a whole gzip file"):
        [list(file.documents(Columns())) for file in find_files(["-"], format_name=form)]


def test_a_pattern_finds_a_file_once_though_a_link_is_a_loop(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("c.jsonl", "a/d.jsonl"):
        (tmp_path / name).write_bytes(b'{"text": "iron"}\n')
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "same.jsonl").symlink_to("c.jsonl")
    found = find_files([str(tmp_path / "**" / "*.jsonl")])
    assert [one.name for one in found] == ["a/d.jsonl", "c.jsonl", "same.jsonl"]
    assert [one.name for one in find_files([str(tmp_path)])] == [one.name for one in found]


def test_a_file_is_found_once_though_sources_lead_to_it_through_links(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "a.jsonl", TEXTS)
    (tmp_path / "folder").symlink_to("data")
    (tmp_path / "file.jsonl").symlink_to("data/a.jsonl")
    assert names(tmp_path / "data", tmp_path / "folder", tmp_path / "file.jsonl") == ["data/a.jsonl"]
    assert names(tmp_path / "data", tmp_path / "data" / "a.jsonl", f"{tmp_path}/folder/*") == ["data/a.jsonl"]


def test_links_to_nothing_in_the_destination_are_ignored(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", TEXTS)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "latest.txt").symlink_to("missing")
    (tmp_path / "out" / "loop").symlink_to("loop")
    for resumed in (0, len(TEXTS)):
        assert annotate(source, tmp_path / "out", pipeline=pipeline, on=engine).resumed == resumed
