"""Training on a tiny corpus: an interrupted run, what is refused, and what is written."""

from __future__ import annotations

import errno
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train as train_of_spacy
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.util import load_config
from typer.main import get_command

from spacy_lambda.cli import make_app
from spacy_lambda.errors import CorpusError, TrainingError
from spacy_lambda.training import TrainedPipeline, TrainingEstimate, TrainingProgress, train_pipeline
from spacy_lambda.training.checkpoint import Checkpoint, write_checkpoint
from spacy_lambda.training.training_plan import EPOCHS_CPU, EPOCHS_GPU
from tests.cli.in_process import run_main
from tests.training.corpora import TRAIN_TEXTS, write_corpus, write_transformer

STEPS = 8
DEV_TEXTS = ("Iron grows on glass.", "Heat falls into silicon near light.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both corpora and the base model."""
    path = tmp_path_factory.mktemp("training")
    write_corpus(path / "train.spacy")
    write_corpus(path / "dev.spacy", DEV_TEXTS)
    write_transformer(path / "base")
    return path


def run(folder: Path, out: Path, **changes: Any) -> TrainedPipeline:
    options: dict[str, Any] = {"base": str(folder / "base"), "lang": "xx", "max_steps": STEPS} | changes
    corpora = options.pop("train", folder / "train.spacy"), options.pop("dev", folder / "dev.spacy")
    return train_pipeline(*corpora, out, **options)


@pytest.fixture(scope="module")
def trained(folder: Path) -> TrainedPipeline:
    return run(folder, folder / "out")


def curves(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "curves.json").read_text())
    return [{key: value for key, value in one.items() if key != "seconds"} for one in found]


def interrupt_after(step: int) -> Any:
    def on_progress(progress: TrainingProgress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return on_progress


def test_the_trained_pipeline_is_an_ordinary_one(trained: TrainedPipeline) -> None:
    nlp = spacy.load(trained.path)
    assert nlp.pipe_names == ["transformer", "ner"]
    assert isinstance(nlp("Iron grows."), Doc)
    assert trained.steps == STEPS
    assert nlp.meta["training"]["base_model"] == "base"
    assert nlp.meta["training"]["training_documents"] == len(TRAIN_TEXTS)
    assert set(trained.labels) == {"MATERIAL", "PROCESS"}
    assert sorted(path.name for path in trained.path.parent.iterdir()) == [
        "config.cfg",
        "curves.json",
        "curves.svg",
        "curves.tsv",
        "model-best",
        "training.json",
    ]


def test_spacy_train_takes_the_config(trained: TrainedPipeline, tmp_path: Path) -> None:
    train_of_spacy(trained.config, tmp_path, overrides={"training.max_steps": 1})
    assert (tmp_path / "model-best" / "meta.json").is_file()
    assert "spacy_lambda" not in trained.config.read_text()


def test_curves_are_a_table_and_a_plot(trained: TrainedPipeline) -> None:
    header, *rows = (trained.config.with_name("curves.tsv")).read_text().splitlines()
    assert header.split("\t")[:6] == ["step", "epoch", "seconds", "words", "loss", "score"]
    assert [int(row.split("\t")[0]) for row in rows] == list(range(STEPS + 1))
    assert ET.fromstring((trained.config.with_name("curves.svg")).read_text()).tag.endswith("svg")


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 5])
def test_an_interrupted_run_goes_on_at_its_last_evaluation(
    step: int, folder: Path, trained: TrainedPipeline, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path, on_progress=interrupt_after(step))
    seen: list[int] = []
    resumed = run(folder, tmp_path, on_progress=lambda progress: seen.append(progress.step))
    assert (resumed.resumed_at, seen) == (step, list(range(step + 1, STEPS + 1)))
    for own, whole in zip(curves(tmp_path), curves(trained.path.parent), strict=True):
        assert {key: own[key] for key in ("step", "epoch", "words")} == {
            key: whole[key] for key in ("step", "epoch", "words")
        }
        assert own["loss"] == pytest.approx(whole["loss"], rel=1e-3)
        assert own["score"] == pytest.approx(whole["score"], abs=0.01)


@pytest.mark.slow
def test_steps_since_the_last_evaluation_are_repeated(folder: Path, tmp_path: Path) -> None:
    # 21 steps and more have evaluations that are more than one step apart.
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path, max_steps=40, on_progress=interrupt_after(3))
    seen: list[int] = []

    def on_progress(progress: TrainingProgress) -> None:
        seen.append(progress.step)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path, max_steps=40, on_progress=on_progress)
    assert seen == [3, 4]


@pytest.mark.slow
def test_a_pipeline_that_was_being_replaced_is_put_back(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path, on_progress=interrupt_after(STEPS - 1))
    (tmp_path / "model-best").rename(tmp_path / ".model-best.old")
    (tmp_path / ".checkpoint.npz.killed").write_bytes(b"half")
    assert (run(folder, tmp_path).path / "meta.json").is_file()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_full_disk_loses_nothing_that_was_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_two(checkpoint: Checkpoint, path: Path) -> None:
        if checkpoint.step == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write_checkpoint(checkpoint, path)

    with monkeypatch.context() as patch:
        patch.setattr("spacy_lambda.training.training_loop.write_checkpoint", write_two)
        with pytest.raises(OSError, match="No space left on device"):
            run(folder, tmp_path)
    assert run(folder, tmp_path).resumed_at == 1


def test_a_damaged_checkpoint_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path, on_progress=interrupt_after(0))
    (tmp_path / "checkpoint.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(TrainingError, match=r"checkpoint\.npz is damaged"):
        run(folder, tmp_path)


def test_the_command_prints_scores_and_the_next_command(folder: Path, trained: TrainedPipeline) -> None:
    words = ["train.spacy", "dev.spacy", "out", "--base", "base", "--lang", "xx", "--max-steps", str(STEPS)]
    done = run_main("train", *words, cwd=folder)
    lines = done.stdout.splitlines()
    assert lines[0] == "this training has ended already; --force repeats it"
    assert [line.split("\t")[0] for line in lines[2:5]] == ["label", "MATERIAL", "PROCESS"]
    assert lines[-1] == "next: spacy-lambda compile out/model-best out/compiled --verify dev.spacy"


def test_a_finished_run_is_not_repeated(folder: Path, trained: TrainedPipeline) -> None:
    seen: list[object] = []
    again = run(folder, trained.path.parent, on_progress=seen.append)
    assert (again.was_finished, again.score, seen) == (True, trained.score, [])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 1}, "--seed was None and is 1"),
        ({"max_steps": 9}, "--max-steps was 8 and is 9"),
        ({"train": "dev.spacy"}, "the training corpus has changed"),
    ],
)
def test_other_input_is_refused(changes: dict[str, Any], named: str, folder: Path, trained: TrainedPipeline) -> None:
    changes = {key: folder / value if key == "train" else value for key, value in changes.items()}
    with pytest.raises(TrainingError, match=named) as caught:
        run(folder, trained.path.parent, **changes)
    assert "--force" in caught.value.remedy


@pytest.mark.slow
def test_a_changed_config_is_refused_and_a_missing_one_begins_again(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path, on_progress=interrupt_after(0))
    config = tmp_path / "config.cfg"
    config.write_text(config.read_text() + "# other\n")
    with pytest.raises(TrainingError, match=r"config\.cfg has changed") as caught:
        run(folder, tmp_path)
    assert "--spacy-config" in caught.value.remedy
    with pytest.raises(TrainingError, match="is in the output folder"):
        run(folder, tmp_path, base=None, spacy_config=config, force=True)
    config.unlink()  # as if the process had been killed before it was written
    assert run(folder, tmp_path).resumed_at is None


def test_a_folder_of_something_else_is_refused_even_with_force(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(TrainingError, match="was not written by spacy-lambda train"):
        run(folder, tmp_path, force=True)
    assert (tmp_path / "letter.txt").read_text() == "Dear"


def test_an_output_in_the_base_model_or_at_a_file_is_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match="is in the base model's folder"):
        run(folder, folder / "base" / "trained")
    assert not (folder / "base" / "trained").exists()
    with pytest.raises(TrainingError, match=r"train\.spacy is not a folder"):
        run(folder, folder / "train.spacy")


def test_a_disk_without_space_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("spacy_lambda.training.train.shutil.disk_usage", lambda path: usage)
    with pytest.raises(TrainingError, match=r"training needs about .* MB in .*, where 0\.0 MB are free"):
        run(folder, tmp_path / "out")


def wrong_corpora(folder: Path) -> Iterator[tuple[Path, Path, str]]:
    """Pairs of corpora, and what is wrong with them."""
    good, dev = folder / "train.spacy", folder / "dev.spacy"
    yield write_corpus(folder / "none.spacy", labels={}), dev, "no entities"
    yield good, write_corpus(folder / "other.spacy", labels={"iron": "METAL"}), "1 label that .* lacks: 'METAL'"
    yield good, write_corpus(folder / "spans.spacy", spans_key="sc"), "annotates doc.ents, but .* doc.spans"


def test_corpora_that_cannot_be_learned_are_refused(folder: Path, tmp_path: Path) -> None:
    for train, dev, problem in wrong_corpora(folder):
        with pytest.raises(TrainingError, match=problem):
            run(folder, tmp_path / "out", train=train, dev=dev)
    DocBin().to_disk(tmp_path / "empty.spacy")
    (tmp_path / "broken.spacy").write_bytes(b"not a corpus")
    (tmp_path / "folder").mkdir()
    (tmp_path / "windows").mkdir()
    write_corpus(tmp_path / "windows" / "TRAIN.SPACY")
    for name, problem in (
        ("empty.spacy", "has no texts"),
        ("broken.spacy", "cannot be read as a DocBin"),
        ("folder", "has no .spacy file"),
        ("missing.spacy", "does not exist"),
        ("windows", "spaCy would not train on .*TRAIN.SPACY"),
    ):
        with pytest.raises(CorpusError, match=problem):
            run(folder, tmp_path / "out", train=tmp_path / name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("train.spacy", "cannot be read as a transformer"),
        (".", "it has no config.json"),
        ("out/model-best", "is a spaCy pipeline, not a transformer"),
    ],
)
def test_other_bases_are_refused(
    base: str, problem: str, folder: Path, trained: TrainedPipeline, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=problem):
        run(folder, tmp_path / "new", base=str(folder / base))


def test_a_run_needs_a_base_or_a_config(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the base model is missing"):
        run(folder, tmp_path, base=None)
    with pytest.raises(TrainingError, match="--fast chooses the number of steps"):
        run(folder, tmp_path, base=None, spacy_config=folder / "x.cfg", fast=True)


def test_texts_in_both_corpora_are_reported(folder: Path, tmp_path: Path) -> None:
    warnings: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run(
            folder,
            tmp_path,
            dev=write_corpus(tmp_path.with_suffix(".spacy"), ("Heat moves in one hour.", *DEV_TEXTS)),
            on_warning=warnings.append,
            on_progress=interrupt_after(0),
        )
    assert "1 text of" in warnings[0]
    assert "'Heat moves in one hour.'" in warnings[0]


@pytest.mark.slow
def test_spans_are_learned_by_spancat_in_limited_time_from_an_own_config(folder: Path, tmp_path: Path) -> None:
    corpora = [write_corpus(folder / f"spans_{name}.spacy", spans_key="parts") for name in ("train", "dev")]
    estimates: list[TrainingEstimate] = []
    options: dict[str, Any] = {"train": corpora[0], "dev": corpora[1], "on_progress": interrupt_after(0)}
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "one", max_steps=None, fast=True, on_estimate=estimates.append, **options)
    assert estimates[0].labels == ("MATERIAL", "PROCESS")
    assert estimates[0].seconds < 600
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "two", base=None, spacy_config=tmp_path / "one" / "config.cfg", max_steps=2, **options)
    nlp = init_nlp(load_config(tmp_path / "two" / "config.cfg", interpolate=False))
    assert nlp.pipe_names == ["transformer", "spancat"]
    assert nlp.config.interpolate()["training"]["max_steps"] == 2
    assert nlp.config.interpolate()["components"]["spancat"]["spans_key"] == "parts"


def test_an_own_config_that_is_invalid_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.cfg").write_text("[nlp\nlang = 7")
    with pytest.raises(TrainingError, match=r"bad\.cfg cannot be used"):
        run(folder, tmp_path / "out", base=None, spacy_config=tmp_path / "bad.cfg")


def test_the_help_states_the_number_of_epochs() -> None:
    command: Any = get_command(make_app())
    (steps,) = [one for one in command.commands["train"].params if one.name == "max_steps"]
    assert steps.show_default == f"{EPOCHS_CPU} epochs, on a GPU {EPOCHS_GPU}"
