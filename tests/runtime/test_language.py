"""A compiled pipeline used as any spaCy pipeline: copied, pickled, saved, taken apart, and called in many ways."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config, load_model_from_config

from spacy_lambda.errors import EncoderError, PipelineLoadError, TrainingError
from spacy_lambda.runtime.encoder import GRAPH_FILE, WEIGHTS_FILE, Encoder

TEXTS = [
    "Thin films of iron oxide were grown on silicon by molecular beam epitaxy.",
    "",
    "We simulate heat transfer with a finite element method. " * 8,
    " \n ",
]
UNPICKLE = """
import json, pickle, sys
from pathlib import Path
nlp = pickle.loads(Path(sys.argv[1]).read_bytes())
print(json.dumps([doc.to_json() for doc in nlp.pipe(json.load(sys.stdin))]))
"""
FROM_BYTES = """
import json, sys
from pathlib import Path
from spacy.util import load_config, load_model_from_config
folder = Path(sys.argv[1])
nlp = load_model_from_config(load_config(folder / "config.cfg")).from_bytes((folder / "nlp").read_bytes())
print(json.dumps([doc.to_json() for doc in nlp.pipe(json.load(sys.stdin))]))
"""


@pytest.fixture
def fresh(bundled_path: Path) -> Language:
    """The bundled pipeline, loaded by spaCy: its encoder is not open yet."""
    return spacy.load(bundled_path)


@pytest.fixture(scope="module")
def expected(bundled: Language) -> list[dict[str, Any]]:
    found = [bundled(text).to_json() for text in TEXTS]
    assert found[0]["ents"]
    return found


def answers(nlp: Language) -> list[dict[str, Any]]:
    return [nlp(text).to_json() for text in TEXTS]


def in_a_fresh_process(program: str, path: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def encoder_of(nlp: Language) -> Encoder:
    encoder = nlp.get_pipe("transformer")._encoder  # type: ignore[attr-defined]
    assert isinstance(encoder, Encoder)
    return encoder


@pytest.mark.slow
@pytest.mark.parametrize("used", [False, True])
def test_copies(fresh: Language, expected: list[dict[str, Any]], used: bool) -> None:
    if used:
        fresh("iron")
    deep = copy.deepcopy(fresh)
    assert encoder_of(deep) is encoder_of(fresh)  # of a hundred megabytes
    assert answers(pickle.loads(pickle.dumps(fresh))) == expected
    assert answers(deep) == answers(fresh) == expected
    deep.vocab["Iron"].is_stop = True
    assert not fresh.vocab["Iron"].is_stop


@pytest.mark.slow
def test_a_pickle_is_read_without_the_folder(bundled: Language, expected: list[dict[str, Any]], tmp_path: Path) -> None:
    bundled.to_disk(tmp_path / "moved")
    nlp = spacy.load(tmp_path / "moved")
    (tmp_path / "pickle").write_bytes(pickle.dumps(nlp))
    (tmp_path / "moved" / "transformer" / WEIGHTS_FILE).unlink()
    assert in_a_fresh_process(UNPICKLE, tmp_path / "pickle") == expected
    with pytest.raises(EncoderError, match="from which the encoder was loaded"):
        pickle.dumps(nlp)


@pytest.mark.slow
def test_bytes_are_read_in_a_fresh_process(fresh: Language, expected: list[dict[str, Any]], tmp_path: Path) -> None:
    fresh.config.to_disk(tmp_path / "config.cfg")
    (tmp_path / "nlp").write_bytes(fresh.to_bytes())
    assert in_a_fresh_process(FROM_BYTES, tmp_path) == expected


def test_the_config_makes_the_pipeline_without_weights(
    fresh: Language, expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    nlp = load_model_from_config(fresh.config, auto_fill=False, validate=True)
    assert nlp.config == fresh.config
    with pytest.raises(PipelineLoadError, match="it was made from a config"):
        nlp("iron")
    fresh.config.to_disk(tmp_path / "config.cfg")
    nlp = load_model_from_config(load_config(tmp_path / "config.cfg"), auto_fill=True)
    assert answers(nlp.from_bytes(fresh.to_bytes())) == expected


@pytest.mark.slow
def test_a_folder_that_is_mapped_is_replaced(fresh: Language, expected: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = tmp_path / "transformer"
    fresh.to_disk(tmp_path)
    first = spacy.load(tmp_path)
    first("iron")
    mapped = (folder / WEIGHTS_FILE).stat().st_ino
    first.to_disk(tmp_path)
    assert (folder / WEIGHTS_FILE).stat().st_ino == mapped
    for other in (fresh, pickle.loads(pickle.dumps(fresh))):
        other.to_disk(tmp_path)
        assert (folder / WEIGHTS_FILE).stat().st_ino != mapped
        assert answers(first) == answers(spacy.load(tmp_path)) == expected
    assert sorted(path.name for path in folder.iterdir()) == [GRAPH_FILE, WEIGHTS_FILE, "tokenizer.json"]


def test_a_relative_path_is_kept(
    bundled_path: Path, expected: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundled_path.parent)
    nlp = spacy.load(Path(bundled_path.name))
    monkeypatch.chdir(tmp_path)
    assert answers(nlp) == expected


def test_docs_and_contexts(bundled: Language, expected: list[dict[str, Any]]) -> None:
    assert [bundled(bundled.make_doc(text)).to_json() for text in TEXTS] == expected
    docs = list(bundled.pipe(map(bundled.make_doc, TEXTS), batch_size=3))
    assert [doc.to_json() for doc in docs] == expected
    with pytest.warns(UserWarning, match="W102"):  # hidden states are not merged
        merged = Doc.from_docs([docs[0], docs[2]])
    assert [ent.text for ent in merged.ents] == [ent.text for doc in docs for ent in doc.ents]
    pairs = list(bundled.pipe(zip(TEXTS, range(4), strict=True), as_tuples=True))
    assert [(doc.to_json(), number) for doc, number in pairs] == list(zip(expected, range(4), strict=True))


@pytest.mark.slow
def test_components_are_selected_renamed_replaced_and_removed(
    fresh: Language, expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    others = [name for name in fresh.pipe_names if name not in ("transformer", "ner")]
    with fresh.select_pipes(disable=others):
        assert [ent.text for ent in fresh(TEXTS[0]).ents]
    fresh.disable_pipe("ner")
    assert not fresh(TEXTS[0]).ents
    fresh.enable_pipe("ner")
    fresh.rename_pipe("transformer", "encoder")
    fresh.to_disk(tmp_path / "renamed")
    assert answers(fresh) == answers(spacy.load(tmp_path / "renamed")) == expected
    fresh.replace_pipe("ner", "entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    assert [ent.label_ for ent in fresh(TEXTS[0]).ents] == ["METAL"]
    fresh.remove_pipe("encoder")
    fresh.to_disk(tmp_path / "removed")
    assert [ent.label_ for ent in spacy.load(tmp_path / "removed")(TEXTS[0]).ents] == ["METAL"]


@pytest.mark.slow
def test_components_of_another_pipeline(bundled: Language, bundled_path: Path, expected: list[dict[str, Any]]) -> None:
    nlp = spacy.blank("en")
    for name in bundled.pipe_names:
        nlp.add_pipe(name, source=bundled)
    assert encoder_of(nlp) is encoder_of(bundled)
    assert answers(nlp) == answers(pickle.loads(pickle.dumps(nlp))) == expected
    config = spacy.blank("en").config
    config["nlp"]["pipeline"] = list(bundled.pipe_names)
    config["components"] = {name: {"source": str(bundled_path)} for name in bundled.pipe_names}
    assert answers(load_model_from_config(config, auto_fill=True)) == expected


def test_analysis_and_memory_zones(bundled: Language, expected: list[dict[str, Any]]) -> None:
    analysis: Any = bundled.analyze_pipes()
    assert not any(analysis["problems"].values())
    assert "doc.ents" in analysis["summary"]["ner"]["assigns"]
    with bundled.memory_zone():
        assert answers(bundled) == expected
    assert answers(bundled) == expected


def test_threads_share_one_encoder(fresh: Language, expected: list[dict[str, Any]]) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(answers(fresh))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_it_is_evaluated_but_not_trained(fresh: Language) -> None:
    examples = [Example(fresh.make_doc(text), fresh(text)) for text in TEXTS]
    assert fresh.evaluate(examples)["ents_f"] == 1.0
    with pytest.raises(TrainingError, match="a compiled pipeline cannot be trained") as caught:
        fresh.update(examples)
    assert "train the original" in caught.value.remedy
    with pytest.raises(TrainingError, match="component 'transformer' is compiled: it cannot be initialized") as caught:
        fresh.initialize(lambda: examples)
    assert "train the original" in caught.value.remedy
    assert fresh.evaluate(examples)["ents_f"] == 1.0
    with pytest.raises(TrainingError, match="listeners of component 'ner' cannot be replaced") as caught:
        fresh.replace_listeners("transformer", "ner", ["model.tok2vec"])
    assert "on the original" in caught.value.remedy
    assert fresh.evaluate(examples)["ents_f"] == 1.0


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the memory map of a process is Linux's")
def test_forked_processes_map_the_same_weights(bundled: Language) -> None:
    bundled("iron")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        bundled("iron")
        os.write(writing, json.dumps(_private_kilobytes()).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as file:
        mappings = json.load(file)
    assert mappings
    assert set(mappings) == {0}


def _private_kilobytes() -> list[int]:
    """Return the changed kilobytes of each mapping of the weights' file."""
    found: list[int] = []
    is_weights = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if not first.endswith(":"):
            is_weights = line.endswith(WEIGHTS_FILE)
        elif is_weights and first == "Private_Dirty:":
            found.append(int(line.split()[1]))
    return found
