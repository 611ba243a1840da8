"""``spacy-lambda train``: an annotated corpus as a trained pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spacy_lambda.cli.console import print_json, print_lines, print_table
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import ForceOption, JsonOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import duration, paused
from spacy_lambda.cli.train_progress import train_progress
from spacy_lambda.core.counts import count

AFTERNOON_S = 4 * 3600.0
"""Seconds above which a faster way is named."""


def train(
    train_corpus: Annotated[
        Path, typer.Argument(metavar="TRAIN", help="Corpus to learn from: a .spacy file, or a folder of them.")
    ],
    dev_corpus: Annotated[
        Path, typer.Argument(metavar="DEV", help="Corpus to choose the best pipeline by, with other texts.")
    ],
    out: Annotated[Path, typer.Argument(callback=writable, help="Folder for the pipeline, its config and its curves.")],
    *,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FOLDER",
            help="Transformer to begin with: a name on the Hugging Face Hub, or the folder of one.",
            show_default=False,
        ),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Train for less than ten minutes, for a first pipeline.")
    ] = False,
    max_steps: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Number of steps.", show_default="12 epochs, on a GPU 40")
    ] = None,
    lang: Annotated[str, typer.Option(help="spaCy's code of the language.")] = "en",
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of all random numbers.", show_default="0")
    ] = None,
    gpu_id: Annotated[int, typer.Option(min=-1, max=255, help="Number of the GPU; -1 for the CPU.")] = -1,
    spacy_config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Your own config of spaCy, in place of the one that is written.", show_default=False
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a pipeline on a corpus. If it is interrupted, run the same command again to resume.

    Example: spacy-lambda train train.spacy dev.spacy trained --base sentence-transformers/all-MiniLM-L6-v2
    """
    from spacy_lambda.training import train_pipeline

    with train_progress(plain=as_json) as on_progress:
        trained = train_pipeline(
            train_corpus,
            dev_corpus,
            out,
            base=base,
            spacy_config=spacy_config,
            lang=lang,
            seed=seed,
            max_steps=max_steps,
            fast=fast,
            gpu_id=gpu_id,
            force=force,
            on_warning=_warn,
            on_estimate=_announce,
            on_progress=on_progress,
        )
    if as_json:
        print_json(trained.to_dict())
    else:
        _print(trained, dev_corpus)


def _warn(message: str) -> None:
    with paused():
        print_lines(f"warning: {message}", err=True)


def _announce(estimate: Any) -> None:
    steps = f"at most {count(estimate.steps, 'step')}" if estimate.steps else "an unknown number of steps"
    lines = [
        f"{count(estimate.documents, 'document')} with {estimate.words:,} tokens in all,"
        f" {count(len(estimate.labels), 'label')}: {', '.join(estimate.labels)}",
        f"{steps} of {estimate.step_seconds:.2g} s, measured here: about {duration(estimate.seconds)}",
    ]
    if estimate.seconds > AFTERNOON_S:
        lines.append("for a first pipeline in ten minutes: --fast; with a smaller --base, all steps take less time")
    with paused():
        print_lines(*lines, err=True)


def _print(trained: Any, dev_corpus: Path) -> None:
    if trained.was_finished:
        print_lines("this training has ended already; --force repeats it")
    ended = f"the best of {count(trained.steps, 'step')} was after {trained.step:,}"
    print_lines(f"{trained.path}: score {trained.score:.4f}; {ended}, in {duration(trained.seconds)}")
    print_table(
        ["label", ">precision", ">recall", ">F1"],
        [(label, *(f"{score[key]:.3f}" for key in ("p", "r", "f"))) for label, score in trained.labels.items()],
    )
    print_lines(f"config: {trained.config}; curves: {trained.config.with_name('curves.svg')}")
    compiled = trained.config.with_name("compiled")
    command = command_line("spacy-lambda", "compile", trained.path, compiled, "--verify", dev_corpus)
    print_lines(f"next: {command}")
