"""Everything that the next step depends on, as a file: weights, the optimizer's state and states of random numbers.

The file is an ``.npz`` that is read without pickle; it replaces the one before as a whole. Optimizers key their state
by numbers that a process counts up, so these are replaced by the positions of the layers.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from thinc.api import Model, Optimizer
from thinc.shims import Shim

from spacy_lambda.core.files import replacing
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import TrainingError
from spacy_lambda.training.curves import TrainingEvaluation

__all__ = ["Checkpoint", "capture", "read_checkpoint", "restore", "write_checkpoint"]

MOMENTS = ("mom1", "mom2", "averages")
"""Arrays that an optimizer keeps for each parameter."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The state after an evaluation.

    :param step: The step after which it was taken.
    :param evaluations: All evaluations so far.
    :param updates: Number of the optimizer's updates of each parameter.
    :param arrays: Weights, the optimizer's arrays and states of random numbers, by their names.
    """

    step: int
    evaluations: tuple[TrainingEvaluation, ...]
    updates: dict[str, int]
    arrays: dict[str, Array]


def capture(nlp: Language, optimizer: Optimizer, *, step: int, evaluations: Sequence[TrainingEvaluation]) -> Checkpoint:
    """Take a checkpoint of a training in progress; it shares the optimizer's arrays."""
    arrays = {f"model/{name}": np.frombuffer(model.to_bytes(), dtype=np.uint8) for name, model in _models(nlp)}
    names = _parameter_names(nlp, optimizer)
    for moment in MOMENTS:
        kept = getattr(optimizer, moment) or {}
        arrays |= {f"{moment}/{name}": _to_numpy(kept[key]) for key, name in names.items() if key in kept}
    updates = {name: int(optimizer.nr_update[key]) for key, name in names.items()}
    return Checkpoint(step, tuple(evaluations), updates, arrays | _random_states())


def restore(nlp: Language, optimizer: Optimizer, checkpoint: Checkpoint) -> None:
    """Put a pipeline, its optimizer and the generators of random numbers into the state of a checkpoint.

    :param nlp: The pipeline, initialized as the checkpoint's was.
    """
    for name, model in _models(nlp):
        model.from_bytes(checkpoint.arrays[f"model/{name}"].tobytes())
    owners = _owners(nlp)
    ops: Any = next(model.ops for _, model in _models(nlp))
    for name, updates in checkpoint.updates.items():
        number, _, parameter = name.partition("/")
        key = (owners[int(number)].id, parameter)
        optimizer.nr_update[key] = updates
        for moment in MOMENTS:
            if f"{moment}/{name}" in checkpoint.arrays:
                getattr(optimizer, moment)[key] = ops.asarray(checkpoint.arrays[f"{moment}/{name}"])
    _set_random_states(checkpoint.arrays)


def _models(nlp: Language) -> Iterator[tuple[str, Model[Any, Any]]]:
    """Yield the trainable components' models."""
    for name, component in nlp.pipeline:
        model = getattr(component, "model", None)
        if getattr(component, "is_trainable", False) and isinstance(model, Model):
            yield name, model


def _owners(nlp: Language) -> list[Model[Any, Any] | Shim]:
    """Return everything that has parameters, in an order that is the same in every process."""
    owners: list[Model[Any, Any] | Shim] = []
    for _, model in _models(nlp):
        for node in model.walk():
            owners += [node, *node.shims]
    return owners


def _parameter_names(nlp: Language, optimizer: Optimizer) -> dict[tuple[int, str], str]:
    """Return a name of each parameter that was updated, by the optimizer's key."""
    nodes: dict[tuple[int, str], int] = {}
    shims: dict[int, int] = {}
    for number, owner in enumerate(_owners(nlp)):
        if isinstance(owner, Model):
            nodes |= {(owner.id, parameter): number for parameter in owner.param_names}
        else:
            shims[owner.id] = number
    return {key: f"{nodes.get(key, shims.get(key[0]))}/{key[1]}" for key in optimizer.nr_update}


def _to_numpy(array: Any) -> Array:
    return array if isinstance(array, np.ndarray) else np.asarray(array.get())


def _random_states() -> dict[str, Array]:
    import torch

    version, numbers, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state()  # as a tuple, by default
    states = {
        "random/python": np.array(json.dumps([version, numbers, gauss])),
        "random/numpy": np.asarray(keys),
        "random/numpy_position": np.array([position, has_gauss]),
        "random/numpy_cached": np.array([cached]),
        "random/torch": torch.get_rng_state().numpy(),
    }
    for device in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        states[f"random/cuda{device}"] = torch.cuda.get_rng_state(device).numpy()
    return states


def _set_random_states(arrays: dict[str, Array]) -> None:
    import torch

    version, numbers, gauss = parse_json(str(arrays["random/python"]))
    random.setstate((version, tuple(numbers), gauss))
    position, has_gauss = arrays["random/numpy_position"].tolist()
    cached = float(arrays["random/numpy_cached"][0])
    np.random.set_state(("MT19937", arrays["random/numpy"], position, has_gauss, cached))
    torch.set_rng_state(torch.from_numpy(arrays["random/torch"].copy()))
    for device in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"random/cuda{device}" in arrays:
            torch.cuda.set_rng_state(torch.from_numpy(arrays[f"random/cuda{device}"].copy()), device)


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint in place of the one before.

    :raises OSError: If it cannot be written; the one before is kept.
    """
    evaluations = [asdict(one) for one in checkpoint.evaluations]
    state = json.dumps({"step": checkpoint.step, "evaluations": evaluations, "updates": checkpoint.updates})
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, state=np.array(state), **checkpoint.arrays)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint, if there is one.

    :raises TrainingError: If it is damaged.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        state = parse_json(str(arrays.pop("state")))
        evaluations = tuple(TrainingEvaluation(**one) for one in state["evaluations"])
        return Checkpoint(state["step"], evaluations, state["updates"], arrays)
    except Exception as exc:  # of zipfile, numpy and json alike
        raise TrainingError(
            f"the checkpoint {path} is damaged: {system_reason(exc)}", remedy="start training again with --force"
        ) from exc
