"""Named pipes and devices in place of files are refused at once, without waiting for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import spacy

from spacy_lambda.compiler.texts import read_docs
from spacy_lambda.errors import VerifyError
from tests.cli.in_process import run_main

COMMANDS = [
    ("unpack", "PIPE.tar", "out"),
    ("pack", "PIPE.zip"),
    ("pull", "./PIPE.tar", "out"),
    ("status", "--config", "PIPE.toml"),
    ("status", "--config", "/dev/zero"),
    ("push", "ok", "store", "--sign", "PIPE.pem"),
    ("init", "--pipeline", "ok", "--out", "PIPE.toml", "--force"),
    ("run-bundle", "PIPE.zip", "--port", "0"),
    ("invoke", "--endpoint", "http://127.0.0.1:9", "--event", "/dev/zero"),
    ("invoke", "--endpoint", "http://127.0.0.1:9", "--event", "PIPE.json"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pipes")
    for ending in ("tar", "zip", "toml", "pem", "json", "txt", "jsonl", "spacy"):
        os.mkfifo(made / f"PIPE.{ending}")
    spacy.blank("en", meta={"name": "ok", "version": "1.0"}).to_disk(made / "ok")
    return made


@pytest.mark.parametrize("ending", ["txt", "jsonl", "spacy"])
def test_texts_are_read_from_files_only(ending: str, folder: Path) -> None:
    with pytest.raises(VerifyError) as caught:
        read_docs(folder / f"PIPE.{ending}", spacy.blank("en"))
    assert caught.value.remedy


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_refuse_pipes_and_devices(words: tuple[str, ...], folder: Path) -> None:
    done = run_main(*words, cwd=folder)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert "\nremedy: " in done.stderr
