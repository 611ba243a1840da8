"""The command: its report as a table and as JSON, and options that are invalid."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.in_process import run_main
from tests.conversion.files import write_files

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
