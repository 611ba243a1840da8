"""Pairs of texts and contexts, and progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pytest

from spacy_lambda.client import Client
from spacy_lambda.errors import MissingExtraError, RequestError
from spacy_lambda.extras import install_command
from tests.client.fakes import Fake, answer_to, echo

TEXTS = ["iron", "zinc", "tin"]


def test_pairs() -> None:
    contexts: list[Any] = [{"id": 1}, None, [3]]
    fake = Fake(echo)
    pairs = Client(fake, concurrency=1).pipe(zip(TEXTS, contexts, strict=True), as_tuples=True, batch_size=2)
    found = list(pairs)
    assert found == [(answer_to(text), context) for text, context in zip(TEXTS, contexts, strict=True)]
    assert [context is given for (_, context), given in zip(found, contexts, strict=True)] == [True] * 3
    assert fake.sizes == [2, 1]


@pytest.mark.parametrize("pair", ["ab", b"ab", ("a",), ("a", 1, 2), None, 7])
def test_items_that_are_not_pairs(pair: Any) -> None:
    items: Any = [("iron", 1), pair]
    pairs = Client(Fake(echo)).pipe(items, as_tuples=True, on_error="return")
    assert next(pairs) == (answer_to("iron"), 1)
    with pytest.raises(RequestError, match="not a pair of a text and its context") as caught:
        next(pairs)
    assert caught.value.key == "texts[1]"
    assert "as_tuples" in caught.value.remedy


class Guess:
    """Texts whose length is given wrong."""

    def __init__(self, guess: int) -> None:
        self.guess = guess

    def __len__(self) -> int:
        return self.guess

    def __iter__(self) -> Any:
        return iter(TEXTS)


@pytest.mark.parametrize(
    ("texts", "totals"),
    [(TEXTS, [3, 3, 3]), (iter(TEXTS), [3, 3, 3]), ((t for t in TEXTS), [1, 2, 3]), (Guess(2), [2, 2, 3])],
)
def test_progress(texts: Iterable[str], totals: list[int]) -> None:
    seen: list[tuple[str, int, int]] = []
    client = Client(Fake(echo), concurrency=1)
    for number, _ in enumerate(client.pipe(texts, batch_size=1, progress=lambda *step: seen.append(step)), start=1):
        assert len(seen) == number
    assert [(step, done) for step, done, _ in seen] == [("predicting", 1), ("predicting", 2), ("predicting", 3)]
    assert all(total >= least for (_, _, total), least in zip(seen, totals, strict=True))
    assert seen[-1] == ("predicting", 3, 3)


def test_fewer_texts_than_expected() -> None:
    seen: list[tuple[str, int, int]] = []
    list(Client(Fake(echo)).pipe(Guess(5), progress=lambda *step: seen.append(step)))
    assert seen[-2:] == [("predicting", 3, 5), ("predicting", 3, 3)]


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert len(list(Client(Fake(echo)).pipe(TEXTS, progress=True))) == 3
    output = capsys.readouterr()
    assert "predicting" in output.err
    assert "3/3" in output.err
    assert output.out == ""


def test_no_bar_in_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    assert len(list(Client(Fake(echo)).pipe(TEXTS, progress=True))) == 3
    assert capsys.readouterr().err == ""


def test_a_bar_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(MissingExtraError) as caught:
        Client(Fake(echo)).pipe(TEXTS, progress=True)
    assert caught.value.remedy == install_command("cli")
