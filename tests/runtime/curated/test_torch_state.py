"""Weights in torch's file format, read without torch."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from spacy_lambda.runtime.curated.torch_state import read_state_dict


def archive(state: object, *, storage: bytes = b"\0" * 16, byteorder: bytes = b"little") -> bytes:
    """Return a file in torch's format with any pickle in it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("archive/data.pkl", state if isinstance(state, bytes) else pickle.dumps(state))
        file.writestr("archive/byteorder", byteorder)
        file.writestr("archive/data/0", storage)
    return data.getvalue()


def saved(state: Any) -> bytes:
    torch = pytest.importorskip("torch")
    data = io.BytesIO()
    torch.save(state, data)
    return data.getvalue()


def test_the_tensors_of_a_state_dict() -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24, dtype=torch.float32)
    state = OrderedDict(
        plain=torch.tensor([1.5, -2.0]),
        view=base[4:16].reshape(3, 4).T,
        every_other=base[::2],
        scalar=torch.tensor(3.0),
        empty=torch.zeros(0, 4),
        half=torch.tensor([0.5], dtype=torch.float16),
        double=torch.tensor([0.1], dtype=torch.float64),
    )
    read = read_state_dict(saved(state))
    assert list(read) == list(state)
    for name, tensor in state.items():
        assert read[name].dtype == tensor.numpy().dtype
        assert np.array_equal(read[name], tensor.numpy())


def test_the_state_of_a_module() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(3, 2)
    read = read_state_dict(saved(module.state_dict()))
    assert {name: array.shape for name, array in read.items()} == {"weight": (2, 3), "bias": (2,)}


class _Call:
    def __reduce__(self) -> Any:
        return print, ("called",)


def test_nothing_else_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"builtins\.print is unsupported"):
        read_state_dict(archive(_Call()))
    assert capsys.readouterr().out == ""


def test_a_whole_module_is_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="is unsupported"):
        read_state_dict(saved(torch.nn.Linear(3, 2)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zip file",
        archive([1, 2]),
        archive({"a": 1}),
        archive(b"\x80"),
        archive(OrderedDict(), byteorder=b"big"),
    ],
)
def test_anything_else_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="these weights"):
        read_state_dict(data)


@pytest.mark.parametrize(
    ("offset", "size", "stride"), [(0, (5,), (1,)), (4, (1,), (1,)), (0, (2, 2), (3, 2)), (-1, (1,), (1,))]
)
def test_no_tensor_exceeds_its_storage(offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    good = saved({"a": torch.zeros(4)})
    with zipfile.ZipFile(io.BytesIO(good)) as file:
        pickled = next(file.read(name) for name in file.namelist() if name.endswith("data.pkl"))
    assert read_state_dict(archive(pickled))["a"].shape == (4,)

    class Tensor:
        def __reduce__(self) -> Any:
            return torch._utils._rebuild_tensor_v2, (Storage(), offset, size, stride, False, OrderedDict())

    class Storage:
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if isinstance(obj, Storage) else None

    out = io.BytesIO()
    Pickler(out, protocol=2).dump({"a": Tensor()})
    with pytest.raises(ValueError, match="a tensor"):
        read_state_dict(archive(out.getvalue()))
