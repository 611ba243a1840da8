"""The output folder of a training.

::

    training.json      settings and digests of what is read, by which a run is resumed; later its result
    config.cfg         the config
    checkpoint.npz     while training
    curves.tsv, .json, .svg
    model-best/        the pipeline of the best evaluation, as of ``spacy train``
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_lambda.core.files import folder_beside, replacing
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import TrainingError

__all__ = ["TrainedFolder"]

RECORD = "training.json"
OWN = (
    RECORD,
    "config.cfg",
    "checkpoint.npz",
    "curves.tsv",
    "curves.json",
    "curves.svg",
    "model-best",
    ".model-best.old",
)


class TrainedFolder:
    """The files of a training.

    :param path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.cfg"
        self.checkpoint = path / "checkpoint.npz"
        self.pipeline = path / "model-best"
        self.lock = path / ".lock"
        self._old = path / ".model-best.old"

    def read_record(self) -> dict[str, Any] | None:
        """Return the record of the run that was begun here, if there is one.

        :raises TrainingError: If the folder has other files, or the record is damaged.
        """
        record = self.path / RECORD
        if not record.is_file():
            if self.path.is_file() or (self.path.is_dir() and any(one != self.lock for one in self.path.iterdir())):
                raise TrainingError(
                    f"{self.path} exists and was not written by spacy-lambda train", remedy="choose another folder"
                )
            return None
        try:
            found: dict[str, Any] = parse_json(record.read_bytes())
            return found
        except ValueError as exc:
            raise TrainingError(f"{record} is damaged: {exc}", remedy="start training again with --force") from exc

    def begin(self, config: str, record: Mapping[str, Any]) -> None:
        """Write the record of a run, then its config, without which the run has not begun."""
        self.write_record({**record, "config_sha256": sha256(config.encode()).hexdigest()})
        with replacing(self.config) as file:
            file.write(config.encode())

    def check_config(self, record: Mapping[str, Any]) -> None:
        """Check that the config is the one that the run was begun with.

        :raises TrainingError: If it has changed.
        """
        if sha256(self.config.read_bytes()).hexdigest() != record["config_sha256"]:
            raise TrainingError(
                f"{self.config} has changed since the training was begun",
                remedy="copy it, and train with it in another folder: --spacy-config; or start again with --force",
            )

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write the record in place of the one before."""
        with replacing(self.path / RECORD) as file:
            file.write((json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())

    def clear(self) -> None:
        """Remove the files of a training; the record first, without which they are not resumed."""
        for name in OWN:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def replace_pipeline(self, nlp: Language) -> None:
        """Write a pipeline in place of the one before: until it is whole, that one is kept."""
        with folder_beside(self.pipeline) as scratch:
            nlp.to_disk(scratch / "pipeline")
            shutil.rmtree(self._old, ignore_errors=True)
            if self.pipeline.exists():
                os.replace(self.pipeline, self._old)
            os.replace(scratch / "pipeline", self.pipeline)
        shutil.rmtree(self._old, ignore_errors=True)

    def recover(self) -> None:
        """Restore a pipeline that was being replaced when the process was killed, and remove unfinished files."""
        if self._old.exists() and not self.pipeline.exists():
            os.replace(self._old, self.pipeline)
        for name in OWN:
            for leftover in self.path.glob(f".{name}.*"):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
