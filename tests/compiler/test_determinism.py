"""Annotations that change from run to run are left out; differences beside them are not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.tokens import Doc, Span

from tests.compiler.comparisons import compare_changes, set_ents, set_user_data


def counted(change: Callable[[Doc, int], None]) -> Callable[[Doc], None]:
    """Annotate in another way each time."""
    numbers = itertools.count()
    return lambda doc: change(doc, next(numbers))


UNSTEADY: dict[str, tuple[Callable[[Doc, int], None], str]] = {
    "a value": (lambda doc, n: set_user_data(doc, "k", n), "user_data[k]"),
    "a label": (lambda doc, n: set_ents(doc, label=f"L{n}"), "ents"),
    "a link": (lambda doc, n: set_ents(doc, kb_id=f"Q{n}"), "ents.kb_id"),
    "a score": (lambda doc, n: doc.cats.update(A=0.5 + n / 100), "cats.scores"),
    "a place": (lambda doc, n: doc.set_ents([Span(doc, n % 3, n % 3 + 1, "A")]), "ents"),
}


@pytest.mark.parametrize(("change", "annotation"), UNSTEADY.values(), ids=UNSTEADY.keys())
def test_annotations_that_change_from_run_to_run_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Doc, int], None], annotation: str
) -> None:
    report = compare_changes(tmp_path, monkeypatch, counted(change), lambda doc: change(doc, 101))
    rows = {row.annotation: row for row in report.components if row.component == "annotates"}
    assert rows[annotation].unsteady_documents == 1
    assert report.agreement in (None, 1.0)
    assert (report.differences, report.identical_documents) == ((), 3)
    assert not [row for row in report.components if row.component == "mute"]


def test_a_difference_next_to_unsteady_annotations_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(doc: Doc, number: int) -> None:
        doc.set_ents([Span(doc, 0, 1, f"L{number}"), Span(doc, 1, 2, "A")])

    def change_other(doc: Doc) -> None:
        doc.set_ents([Span(doc, 0, 1, "L"), Span(doc, 1, 2, "B")])

    report = compare_changes(tmp_path, monkeypatch, counted(change), change_other)
    (ents,) = (row for row in report.components if row.annotation == "ents")
    assert (ents.original, ents.compiled, ents.shared, ents.unsteady_documents) == (1, 1, 0, 1)
    assert report.agreement == 0.0
    assert {(one.original, one.compiled) for one in report.differences} == {("A", "B")}
