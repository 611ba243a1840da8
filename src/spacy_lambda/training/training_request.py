"""The arguments of a training with digests of all that they name: a run is resumed with the same ones only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from spacy_lambda.errors import TrainingError
from spacy_lambda.training.annotated_corpus import corpus_digest
from spacy_lambda.training.base_model import BaseModel

__all__ = ["TrainingRequest"]

NAMES = {
    "train": "the training corpus",
    "dev": "the development corpus",
    "base": "--base",
    "base_identity": "the base model's files",
    "spacy_config": "the file of --spacy-config",
    "lang": "--lang",
    "seed": "--seed",
    "fast": "--fast",
    "max_steps": "--max-steps",
    "gpu": "--gpu-id",
}


@dataclass(frozen=True)
class TrainingRequest:
    """Arguments of a run.

    :param train: Digest of the training corpus.
    :param dev: Digest of the development corpus.
    :param base: The base model.
    :param base_identity: Digest of its files, or its commit.
    :param spacy_config: Digest of the user's own config.
    :param lang: spaCy's code of the language.
    :param seed: Seed of all random numbers; ``None`` for the seed in the user's config.
    :param fast: True for a run in limited time.
    :param max_steps: Steps, if they were given.
    :param gpu: True for a GPU.
    """

    train: str
    dev: str
    base: str | None
    base_identity: str | None
    spacy_config: str | None
    lang: str
    seed: int | None
    fast: bool
    max_steps: int | None
    gpu: bool

    @classmethod
    def of(
        cls, train: Path, dev: Path, *, base: BaseModel | None, spacy_config: Path | None, **arguments: Any
    ) -> TrainingRequest:
        """Make the request, with digests of its files."""
        return cls(
            train=corpus_digest(train),
            dev=corpus_digest(dev),
            base=None if base is None else base.name,
            base_identity=None if base is None else base.identity,
            spacy_config=None if spacy_config is None else sha256(spacy_config.read_bytes()).hexdigest(),
            **arguments,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return asdict(self)

    def check_same(self, begun: Mapping[str, Any], *, folder: Path) -> None:
        """Compare with the request of the run that was begun in a folder.

        :raises TrainingError: If they differ; names what has changed.
        """
        own = self.to_dict()
        if begun.get("base_identity") == self.base_identity and self.base is not None and Path(self.base).is_dir():
            own["base"] = begun.get("base")  # the same files, under another path
        changed = [
            f"{name} {_change(begun.get(key), own[key], several=name.endswith('files'))}"
            for key, name in NAMES.items()
            if begun.get(key) != own[key]
        ]
        if changed:
            raise TrainingError(
                f"{folder} has a training that was begun with other input: " + "; ".join(changed),
                remedy="run the command as it was to resume it, choose another folder, or start again with --force",
            )


def _change(before: Any, now: Any, *, several: bool) -> str:
    if isinstance(before, str) and len(before) == 64:
        return "have changed" if several else "has changed"
    return f"was {before!r} and is {now!r}"
