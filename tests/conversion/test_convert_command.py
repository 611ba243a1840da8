"""The command: its report as a table and as JSON, and options that are invalid."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_lambda.conversion import convert
from tests.cli.in_process import run_main
from tests.conversion.files import converted, write_files

LINES = '{"text": "Zinc melts.", "spans": [[0, 4, "m"], [0, 10, "p"], [1, 4, "m"]]}\n{"text": "Tin.", "spans": []}\n'


def test_the_report(tmp_path: Path) -> None:
    write_files(tmp_path, {"in.jsonl": LINES})
    words = ("convert", "in.jsonl", "out.spacy", "--lang", "xx", "--rename-label", "m=M")
    done = run_main(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "in.jsonl: jsonl, 3 entities",
        "entities\tnumber\texample",
        "kept\t1\t",
        "dropped, misaligned\t1\tin.jsonl:1: M 'inc': tokens: 'Zinc'",
        "dropped, overlapping\t1\tin.jsonl:1: M 'Zinc': p 'Zinc melts' is kept",
        "labels",
        "label\tentities\tkept",
        "M\t2\t0",
        "p\t1\t1",
        "out.spacy: 2 documents",
    ]
    done = run_main(*words, "--json", "--force", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (report["entities"], report["kept"], report["documents"]) == (3, 1, 2)
    assert report["examples"]["misaligned"][0]["place"] == "in.jsonl:1"


def test_documents_without_a_label_are_named_by_their_text(tmp_path: Path) -> None:
    rejected = {"text": "Zinc.", "spans": [{"start": 0, "end": 4, "label": "M"}], "answer": "reject"}
    write_files(tmp_path, {"in.jsonl": json.dumps(rejected | {"answer": "accept"}) + "\n" + json.dumps(rejected)})
    done = run_main("convert", "in.jsonl", "out.spacy", "--lang", "xx", cwd=tmp_path)
    assert "dropped, rejected\t1\tin.jsonl:2: 'Zinc.'" in done.stdout.splitlines()


def test_invalid_options(tmp_path: Path) -> None:
    write_files(tmp_path, {"in.jsonl": LINES})
    for words, problem in (
        (("--rename-label", "m"), "'m' is not OLD=NEW"),
        (("--to", "xml"), "unknown format 'xml'"),
        (("--split", "80"), "--split '80' is invalid"),
        (("--encoding", "latin-0"), "unknown encoding 'latin-0'"),
        (("--lang", "zz"), "spaCy cannot make a tokenizer of 'zz'"),
        (("--base", "nobody"), "there is no pipeline 'nobody'"),
    ):
        done = run_main("convert", "in.jsonl", "out.spacy", *words, cwd=tmp_path)
        assert done.returncode in (1, 2)
        assert problem in done.stderr
    assert not (tmp_path / "out.spacy").exists()


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    write_files(tmp_path, {"in.jsonl": LINES})
    os.mkfifo(tmp_path / "out")
    handle = os.open(tmp_path / "out", os.O_RDWR | os.O_NONBLOCK)
    try:
        for options in ([], ["--force"]):
            done = run_main("convert", "in.jsonl", "out", "--to", "jsonl", "--lang", "xx", *options, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert json.loads(os.read(handle, 10_000).splitlines()[0])["text"] == "Zinc melts."
    finally:
        os.close(handle)
    assert (tmp_path / "out").is_fifo()


def test_force_replaces_only_its_own_folders(tmp_path: Path) -> None:
    write_files(tmp_path, {"in.jsonl": LINES, "mine/todo.txt": "precious", "mine/budget.tsv": "1"})
    for name in ("brat", "webanno"):
        done = run_main("convert", "in.jsonl", "mine", "--to", name, "--lang", "xx", "--force", cwd=tmp_path)
        assert (done.returncode, "--force does not replace it" in done.stderr) == (1, True)
        words = ("convert", "in.jsonl", f"{name}-out", "--to", name, "--lang", "xx")
        assert run_main(*words, cwd=tmp_path).returncode == 0
        assert run_main(*words, "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "mine/todo.txt").read_text() == "precious"


@pytest.mark.parametrize(("name", "files"), [("brat", ("a.txt", "a.ann")), ("webanno", ("a.tsv",))])
def test_force_keeps_files_that_look_like_its_own(tmp_path: Path, name: str, files: tuple[str, ...]) -> None:
    write_files(tmp_path, {"in.jsonl": LINES, **{f"hand/{file}": "#FORMAT=WebAnno TSV 3.3\n" for file in files}})
    words = ("convert", "in.jsonl", "hand", "--to", name, "--lang", "xx", "--force")
    done = run_main(*words, cwd=tmp_path)
    assert (done.returncode, f"hand/{files[-1]} was not written by convert" in done.stderr) == (1, True)
    done = run_main("convert", "in.jsonl", "out", *words[3:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not convert(tmp_path / "out", tmp_path / "again.spacy", lang="xx").notes
    changed = sorted((tmp_path / "out").glob(f"*{files[-1][1:]}"))[0]
    changed.write_text(changed.read_text() + "\n")
    done = run_main("convert", "in.jsonl", "out", *words[3:], cwd=tmp_path)
    assert (done.returncode, f"{changed.name} was changed since convert wrote it" in done.stderr) == (1, True)


@pytest.mark.parametrize("out", ["c", "c.jsonl"])
def test_a_new_split_leaves_no_part_of_another(tmp_path: Path, out: str) -> None:
    lines = "".join(f'{{"text": "Text {number}.", "spans": []}}\n' for number in range(6))
    write_files(tmp_path, {"in.jsonl": lines})
    words = ("convert", "in.jsonl", out, "--to", "jsonl", "--lang", "xx")
    assert run_main(*words, "--split", "60/20/20", cwd=tmp_path).returncode == 0
    done = run_main(*words, "--split", "50/50", "--force", cwd=tmp_path)
    assert (done.returncode, "test.jsonl is a part of another split" in done.stderr) == (1, True)
    for path in [*tmp_path.rglob("*train.jsonl"), *tmp_path.rglob("*dev.jsonl")]:
        path.unlink()
    done = run_main(*words, "--split", "50/50", cwd=tmp_path)
    assert (done.returncode, "1 file beside the output that is not of this split" in done.stdout) == (0, True)


def test_an_output_in_the_source_would_be_its_part(tmp_path: Path) -> None:
    write_files(tmp_path, {"all/in.jsonl": LINES})
    done = run_main("convert", "all", "all/out.spacy", "--lang", "xx", cwd=tmp_path)
    assert (done.returncode, "all/out.spacy is in the source, all" in done.stderr) == (1, True)


def test_a_link_to_nothing_is_not_replaced_without_force(tmp_path: Path) -> None:
    write_files(tmp_path, {"in.jsonl": LINES})
    (tmp_path / "out.spacy").symlink_to(tmp_path / "missing")
    done = run_main("convert", "in.jsonl", "out.spacy", "--lang", "xx", cwd=tmp_path)
    assert (done.returncode, "out.spacy exists" in done.stderr) == (1, True)


def test_a_label_that_becomes_one_that_is_left_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"in.jsonl": '{"text": "Zinc melts.", "spans": [[0, 4, "a"], [5, 10, "b"]]}\n'})
    words = ("convert", "in.jsonl", "out.jsonl", "--to", "jsonl", "--lang", "xx")
    done = run_main(*words, "--rename-label", "a=b", "--rename-label", "b=", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (report["kept"], report["dropped"]) == (1, {"label left out": 1})


def test_values_of_another_kind_are_named(tmp_path: Path) -> None:
    for line in ('{"text": "a", "spans": 5}', '{"text": "a", "Comments": 3, "spans": [[0, 1, "m"]]}'):
        write_files(tmp_path, {"in.jsonl": line + "\n"})
        done = run_main("convert", "in.jsonl", "out.spacy", "--lang", "xx", "--force", cwd=tmp_path)
        assert "this is a bug" not in done.stderr
        assert done.returncode == 0 or "in.jsonl" in done.stderr


@pytest.mark.parametrize(
    ("out", "words", "problem"),
    [
        ("out.spacy", ("--rename-label", "m=B", "--rename-label", "m=C"), "'m' has two new names: 'B', 'C'"),
        ("out.spacy", ("--spans-key", "all"), "it needs --overlaps spans"),
        ("out.spacy", ("--to", "conll"), "out.spacy ends with .spacy, which is the suffix of another format"),
        ("out.csv", ("--to", "brat"), "out.csv ends with .csv, which is the suffix of another format"),
    ],
)
def test_options_that_contradict_each_other(tmp_path: Path, out: str, words: tuple[str, ...], problem: str) -> None:
    write_files(tmp_path, {"in.jsonl": LINES})
    done = run_main("convert", "in.jsonl", out, *words, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert problem in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "conll", "tsv", "parquet"])
def test_the_suffix_names_the_format(tmp_path: Path, suffix: str) -> None:
    convert(write_files(tmp_path, {"in.jsonl": LINES}) / "in.jsonl", tmp_path / f"out.{suffix}", lang="xx")
    names = {"tsv": "conll"}  # columns are read in the same way
    report = convert(tmp_path / f"out.{suffix}", tmp_path / "again.spacy", lang="xx")
    assert report.format in (suffix, names.get(suffix))


@pytest.mark.parametrize("name", ["brat", "webanno"])
def test_names_of_files_are_distinct_and_safe_on_every_system(tmp_path: Path, name: str) -> None:
    lines = "".join(json.dumps({"id": one, "text": "Tin.", "spans": []}) + "\n" for one in ("a", "A", "con", "Nul.x"))
    convert(write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl", tmp_path / "out", output_format=name, lang="xx")
    names = {path.stem for path in (tmp_path / "out").iterdir() if path.suffix in (".txt", ".tsv")}
    assert names == {"a", "A-2", "_con", "_Nul.x"}


def test_labels_of_brat_stay_distinct(tmp_path: Path) -> None:
    spans = [[0, 3, "a b"], [4, 9, "a_b"], [9, 10, "c;1"]]
    write_files(tmp_path, {"in.jsonl": json.dumps({"text": "Tin melts.", "spans": spans})})
    convert(tmp_path / "in.jsonl", tmp_path / "out", output_format="brat", lang="xx")
    (written,) = (tmp_path / "out").glob("*.ann")
    assert [line.split()[1] for line in written.read_text().splitlines()] == ["a_b_2", "a_b", "c_1"]


def test_texts_that_a_format_cannot_hold_are_left_out(tmp_path: Path) -> None:
    texts = ("Tin.", "Tin\0melts.", "nan")
    lines = "".join(json.dumps({"text": one, "spans": []}) + "\n" for one in texts)
    source = write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl"
    report = convert(source, tmp_path / "out.csv", lang="xx")
    assert (report.documents, [*report.destinations.values()], sum(report.left_out.values())) == (1, [1], 2)
    for name in ("conll", "brat"):
        left_out = convert(source, tmp_path / f"out-{name}", output_format=name, lang="xx").left_out
        assert left_out == {f"a text with a NUL character, which {name} cannot hold": 1}


@pytest.mark.parametrize(("name", "suffix"), [("brat", ""), ("conll", ".conll"), ("csv", ".csv")])
def test_a_text_with_a_byte_order_mark_is_kept_or_reported(tmp_path: Path, name: str, suffix: str) -> None:
    line = json.dumps({"text": "\ufeffTin melts .", "spans": [[0, 4, "M"]]})
    out = tmp_path / f"out{suffix}"
    report = convert(write_files(tmp_path, {"in.jsonl": line}) / "in.jsonl", out, output_format=name, lang="xx")
    _, (doc,) = converted(out, input_format=name)
    message = f"documents with a byte order mark at the beginning of a text or token, which {name} cannot hold"
    assert (message in report.notes) == (doc.text == "Tin melts .")
    assert [(ent.text.lstrip("\ufeff"), ent.label_) for ent in doc.ents] == [("Tin", "M")]


@pytest.mark.parametrize("label", ["NULL", "nan", "None"])
def test_a_label_that_tables_take_for_an_empty_cell_is_dropped_in_csv(tmp_path: Path, label: str) -> None:
    line = json.dumps({"text": "Tin melts.", "spans": [[0, 3, label], [4, 9, "M"]]})
    report = convert(write_files(tmp_path, {"in.jsonl": line}) / "in.jsonl", tmp_path / "out.csv", lang="xx")
    reason = "a label that tables take for an empty cell, which csv cannot hold"
    assert (report.entities, report.kept, dict(report.dropped)) == (2, 1, {reason: 1})
    again, _ = converted(tmp_path / "out.csv")
    assert (again.entities, again.kept) == (1, 1)


@pytest.mark.parametrize("name", ["conll", "bio", "biluo"])
def test_a_token_docstart_after_a_byte_order_mark_is_a_token(tmp_path: Path, name: str) -> None:
    doc = Doc(Vocab(), ["x", "\ufeff-DOCSTART-", "Tin"])
    doc.set_ents([Span(doc, 1, 2, "A"), Span(doc, 2, 3, "M")])
    DocBin(docs=[doc]).to_disk(tmp_path / "in.spacy")
    convert(tmp_path / "in.spacy", tmp_path / "out.tsv", output_format=name)
    _, (again,) = converted(tmp_path / "out.tsv", input_format=name)
    assert [(ent.text, ent.label_) for ent in again.ents] == [("-DOCSTART-", "A"), ("Tin", "M")]
