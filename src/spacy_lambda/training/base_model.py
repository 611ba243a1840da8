"""Base models: a transformer's name on the Hub, or its folder, and the sizes that a config depends on."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from spacy_lambda.core.files import files_below
from spacy_lambda.core.pipelines import is_pipeline
from spacy_lambda.errors import TrainingError, first_line

__all__ = ["BaseModel", "find_base_model"]

UNLIMITED = 100_000
"""Wordpieces above which a tokenizer's limit stands for none."""


@dataclass(frozen=True)
class BaseModel:
    """Facts of a transformer.

    :param name: Its name on the Hub, or its folder.
    :param identity: The digest of its files, or its commit on the Hub.
    :param width: Size of its hidden states.
    :param max_wordpieces: Maximum wordpieces of a text; ``None`` if unlimited.
    :param parameters: Approximate number of its parameters.
    """

    name: str
    identity: str
    width: int
    max_wordpieces: int | None
    parameters: int


def find_base_model(name: str) -> BaseModel:
    """Read the configuration and the tokenizer of a base model.

    :raises TrainingError: If it is missing, or is not a transformer.
    """
    from transformers import AutoConfig, AutoTokenizer

    folder = Path(name)
    if folder.is_dir():
        _check_folder(folder)
    try:
        config = AutoConfig.from_pretrained(name)
        read_tokenizer: Any = AutoTokenizer.from_pretrained
        tokenizer = read_tokenizer(name, use_fast=True)
    except (OSError, ValueError, KeyError, ImportError, TypeError) as exc:
        raise TrainingError(
            f"the base model {name!r} cannot be read as a transformer: {first_line(exc)}", remedy=_remedy(folder)
        ) from exc
    positions = getattr(config, "max_position_embeddings", None)
    limits = [one for one in (positions, tokenizer.model_max_length) if isinstance(one, int) and 0 < one < UNLIMITED]
    return BaseModel(
        name=name,
        identity=_digest(folder) if folder.is_dir() else str(getattr(config, "_commit_hash", None)),
        width=config.hidden_size,
        max_wordpieces=min(limits, default=None),
        parameters=_parameters(config),
    )


def _check_folder(folder: Path) -> None:
    if is_pipeline(folder):
        raise TrainingError(
            f"{folder} is a spaCy pipeline, not a transformer",
            remedy="give the base model that it was trained from: a name on the Hub, or a folder with config.json",
        )
    if not (folder / "config.json").is_file():
        raise TrainingError(
            f"{folder} is not a transformer: it has no config.json",
            remedy="give a folder that save_pretrained wrote, with model and tokenizer, or a name on the Hub",
        )


def _remedy(folder: Path) -> str:
    if folder.is_dir():
        return "give a folder that save_pretrained wrote, with model and tokenizer"
    return (
        "check the name, such as allenai/scibert_scivocab_uncased, and the network; or give the folder of a model that"
        " `hf download NAME --local-dir FOLDER` wrote, here or on another machine"
    )


def _digest(folder: Path) -> str:
    digest = sha256()
    for file in files_below(folder):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _parameters(config: Any) -> int:
    """Return about how many parameters an encoder has: embeddings, and 12 squares of the width per layer."""
    layers = getattr(config, "num_hidden_layers", 12)
    return int(config.vocab_size * config.hidden_size + 12 * layers * config.hidden_size**2)
