"""Code that needs torch on rare texts only is found by reading it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import catalogue
import pytest

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.torch_code import torch_uses
from spacy_lambda.errors import CompileError
from tests.compiler.pipelines import append, blank, component, distribution, write

NEEDED = {
    "at the top": ("import torch", "torch"),
    "under another name": ("import torch.nn as nn", "torch.nn"),
    "one of several": ("import os, transformers", "transformers"),
    "from": ("from spacy_transformers.data_classes import TransformerData", "spacy_transformers.data_classes"),
    "in a function": ("def f():\n    from curated_transformers import models", "curated_transformers"),
    "in a method": ("class A:\n    async def f(self):\n        import torch", "torch"),
    "by importlib": ("import importlib\nimportlib.import_module('torch.nn')", "torch.nn"),
    "by its import_module": (
        "from importlib import import_module as m, import_module\nimport_module(name='torch')",
        "torch",
    ),
    "by the builtin": ("x = lambda: __import__('spacy_curated_transformers')", "spacy_curated_transformers"),
    "in a branch": ("if 0:\n    pass\nelse:\n    import torch", "torch"),
    "where another error is caught": ("try:\n    import torch\nexcept ValueError:\n    pass", "torch"),
    "where the error is handled": ("try:\n    pass\nexcept ImportError:\n    import torch", "torch"),
    "when nothing was raised": ("try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import torch", "torch"),
    "in a function made where it is caught": (
        "try:\n    def f():\n        import torch\nexcept ImportError:\n    pass",
        "torch",
    ),
    "where type checkers do not look": ("if TYPE_CHECKING:\n    pass\nelse:\n    import torch", "torch"),
}


@pytest.mark.parametrize("how", NEEDED)
def test_uses_of_torch_are_found_with_their_lines(tmp_path: Path, how: str) -> None:
    code, module = NEEDED[how]
    file = write(tmp_path / "code.py", f"# a comment\n{code}\n")
    (found,) = torch_uses(file)
    last = max(i for i, line in enumerate(code.splitlines(), 2) if module.partition(".")[0] in line)
    assert (found.module, found.line) == (module, last)
    assert str(found).startswith(f"{file}:{last} ")


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    import torch\nexcept ImportError:\n    torch = None",
        "try:\n    import torch\nexcept (ValueError, ModuleNotFoundError):\n    torch = None",
        "def f():\n    try:\n        if 1:\n            from transformers import x\n    except:\n        pass",
        "try:\n    importlib.import_module('torch')\nexcept Exception:\n    pass",
        "with contextlib.suppress(ImportError):\n    import torch",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n    x: doc._.trf_data",
        "import typing\nif typing.TYPE_CHECKING:\n    import torch",
        "from . import torch\nfrom .transformers import x\nimport torchless",
        "x = 'torch and doc._.trf_data'\ntorch = 1",
        "def f(doc):\n    return doc._.trf_data, getattr(doc._, 'trf_data', None)",
        "this is not Python",
    ],
)
def test_code_that_does_not_need_torch_is_ignored(tmp_path: Path, code: str) -> None:
    assert not list(torch_uses(write(tmp_path / "code.py", code)))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["file", "package", "distribution"])
def test_code_that_needs_torch_on_rare_texts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    library = "spacy_transformers" if where == "file" else "transformers"
    rare = f"if 'zebra' in doc.text:\n    import {library}"
    name = f"rare_{where}"
    source = component(tmp_path / "made" / f"{name}.py", rare)
    code = [source]
    if where == "package":
        code = [tmp_path / "made" / f"{name}_package"]
        write(code[0] / "__init__.py", "from . import inner")
        source = source.rename(code[0] / "inner.py")
    if where == "distribution":
        points = f"[spacy_factories]\n{name} = {name}:{name}\n"
        distribution(tmp_path / "site", name, {f"{name}.py": source.read_text()}, entry_points=points)
        monkeypatch.syspath_prepend(tmp_path / "site")
        # spaCy reads the entry points once in a process.
        monkeypatch.setattr(catalogue, "AVAILABLE_ENTRY_POINTS", entry_points())
        source, code = tmp_path / "site" / f"{name}.py", []
    pipeline = blank(tmp_path / "source", change=append(name))
    with pytest.raises(CompileError, match="uses torch") as caught:
        compile_pipeline(str(pipeline), tmp_path / "out", code=code)
    assert f"{source}:" in caught.value.message
    assert "try/except ImportError" in caught.value.remedy
    assert ("spacy.registry has span_getters" in caught.value.remedy) == (where == "file")
    assert not (tmp_path / "out").exists()
