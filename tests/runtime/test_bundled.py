"""The bundled pipeline where the function has it: with the base install only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import EncoderError, PipelineLoadError
from spacy_lambda.runtime.encoder import Encoder
from spacy_lambda.runtime.encoder_output import get_encoding
from spacy_lambda.runtime.loading import load_pipeline, locate_pipeline
from tests.runtime.fakes import BUNDLED

TEXT = (
    "Thin films of iron oxide were grown on silicon by molecular beam epitaxy. "
    "We simulate heat transfer in the films with a finite element method."
)
CALL = """
import json, sys
from spacy_lambda.runtime.handler import handler
print(json.dumps(handler(json.load(sys.stdin), None)))
"""


def entities(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def call(event: Any, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Call the handler in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", CALL],
        input=json.dumps(event),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_finds_something(bundled: Language) -> None:
    found = entities(bundled(TEXT))
    assert ("iron oxide", "MATERIAL") in found
    assert {label for _, label in found} <= {"MATERIAL", "PROCESS", "TASK"}


def test_pipe_equals_call(bundled: Language) -> None:
    texts = [TEXT, "", "iron", TEXT * 8, " \n ", TEXT]
    together = [entities(doc) for doc in bundled.pipe(texts, batch_size=4)]
    assert together == [entities(bundled(text)) for text in texts]


def test_hidden_states_are_left_for_every_wordpiece(bundled: Language) -> None:
    encoding = get_encoding(bundled(TEXT))
    assert encoding is not None
    assert encoding.hidden.dtype == np.float32
    assert encoding.lengths.sum() == len(encoding.rows) <= len(encoding.hidden)
    assert (encoding.lengths > 0).all()


def test_it_needs_the_base_install_only() -> None:
    names = {
        requirement.split(">")[0].split("=")[0].strip().replace("_", "-") for requirement in requires(BUNDLED) or []
    }
    assert "spacy-lambda" in names
    assert not names & {"torch", "transformers", "spacy-transformers"}


@pytest.mark.slow
def test_bytes_and_folders_carry_it(bundled: Language, tmp_path: Path) -> None:
    expected = entities(bundled(TEXT))
    bundled.to_disk(tmp_path / "copy")
    assert entities(spacy.load(tmp_path / "copy")(TEXT)) == expected
    # Written over itself, as nlp.to_disk does when a pipeline is loaded and saved in place.
    loaded = spacy.load(tmp_path / "copy")
    loaded.to_disk(tmp_path / "copy")
    assert entities(spacy.load(tmp_path / "copy")(TEXT)) == expected
    copy = spacy.blank("en").from_config(bundled.config).from_bytes(bundled.to_bytes())
    assert entities(copy(TEXT)) == expected


def test_docs_serialise_with_their_encoding(bundled: Language) -> None:
    doc = bundled(TEXT)
    copy = Doc(bundled.vocab).from_bytes(doc.to_bytes())
    assert entities(copy) == entities(doc)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_opens_the_encoder_again(bundled: Language) -> None:
    expected = [entities(bundled(TEXT))] * 3
    found = [entities(doc) for doc in bundled.pipe([TEXT] * 3, n_process=2, batch_size=1)]
    assert found == expected


def test_handler(bundled: Language, tmp_path: Path) -> None:
    """With telemetry, onnxruntime would keep an identifier of the machine below the home folder."""
    done = call({"text": TEXT}, {"HOME": str(tmp_path), "SPACY_LAMBDA_PIPELINE": BUNDLED})
    assert done.returncode == 0, done.stderr
    assert [(ent["text"], ent["label"]) for ent in json.loads(done.stdout)] == entities(bundled(TEXT))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.slow
def test_handler_without_a_pipeline_names_the_variable() -> None:
    done = call({"text": TEXT}, {})
    assert done.returncode == 1
    assert "SPACY_LAMBDA_PIPELINE is not set" in done.stderr


def test_paths_start_at_the_task_root(bundled_path: Path) -> None:
    environ = {"SPACY_LAMBDA_PIPELINE": bundled_path.name, "LAMBDA_TASK_ROOT": str(bundled_path.parent)}
    assert locate_pipeline(environ).path == bundled_path


@pytest.mark.parametrize("value", ["", "no/such/folder", "no_such_package", "json"])
def test_no_such_pipeline(value: str) -> None:
    with pytest.raises(PipelineLoadError) as caught:
        locate_pipeline({"SPACY_LAMBDA_PIPELINE": value})
    assert "set SPACY_LAMBDA_PIPELINE" in caught.value.remedy


@pytest.mark.slow
def test_a_broken_pipeline_names_what_is_broken(bundled: Language, tmp_path: Path) -> None:
    bundled.to_disk(tmp_path)
    for name in ("encoder.onnx.data", "encoder.onnx"):
        file = tmp_path / "transformer" / name
        content = file.read_bytes()
        file.write_bytes(content[:1000])
        with pytest.raises(EncoderError, match=r"encoder\.onnx") as caught:
            load_pipeline(tmp_path)
        assert "compile the pipeline again" in caught.value.remedy
        file.unlink()
        with pytest.raises(PipelineLoadError, match=f"{name} is missing"):
            load_pipeline(tmp_path)
        file.write_bytes(content)
    (tmp_path / "config.cfg").unlink()
    with pytest.raises(PipelineLoadError, match="does not load"):
        load_pipeline(tmp_path)


def test_windows_that_the_encoder_refuses(bundled_path: Path) -> None:
    encoder = Encoder(bundled_path / "transformer")
    with pytest.raises(EncoderError, match="a window of 2 wordpieces"):
        encoder([np.array([1, 10**7])])


@pytest.mark.slow
def test_a_long_lived_process_does_not_grow(bundled: Language) -> None:
    """The vocabulary after many requests full of new words is what it was after the first ones."""
    from spacy_lambda.runtime.predictor import Predictor
    from spacy_lambda.runtime.request import parse_request

    def ask(number: int) -> None:
        words = " ".join(f"word{number}x{i}" for i in range(20))
        Predictor(bundled, {}).predict(parse_request({"text": f"{words} of iron"}, max_length=10_000))

    ask(-1)
    strings, lexemes = len(bundled.vocab.strings), len(list(bundled.vocab))
    for number in range(50):
        ask(number)
    assert len(bundled.vocab.strings) == strings
    assert len(list(bundled.vocab)) == lexemes
