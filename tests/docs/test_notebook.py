"""The example notebook runs from its first cell to its last, and shows no folder of a machine."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from tests.docs.blocks import ROOT

NOTEBOOK = ROOT / "examples" / "abstracts.ipynb"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell, and return the value of its last line, as a notebook shows it."""
    *statements, last = ast.parse(source).body
    exec(compile(ast.Module(statements, []), NOTEBOOK.name, "exec"), names)
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names)


@pytest.mark.slow
def test_every_cell_runs() -> None:
    names: dict[str, Any] = {}
    shown, predicted, table, labels, _ = [run("".join(cell["source"]), names) for cell in CELLS]
    assert shown.count("<mark") == len(predicted) > 0
    assert set(table["year"]) == {2019, 2021}
    assert set(labels.index) <= set(names["nlp"].pipe_labels["ner"])
    assert labels.sum() == len(table)


def test_its_results_are_kept_without_warnings_and_folders() -> None:
    outputs = [output for cell in CELLS for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"display_data", "execute_result"}
    assert ".venv" not in json.dumps(outputs)
