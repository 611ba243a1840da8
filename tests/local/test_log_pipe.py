from __future__ import annotations

import pytest

from spacy_lambda.local.log_pipe import STACK, without_empty_stacks


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([], []),
        (["[ERROR] RequestError: x", STACK], ["[ERROR] RequestError: x"]),
        (["[ERROR] RequestError: x", STACK, "END RequestId: 1"], ["[ERROR] RequestError: x", "END RequestId: 1"]),
        ([STACK, "\xa0\xa0File 'a'", "x"], [STACK, "\xa0\xa0File 'a'", "x"]),
        ([STACK, "  File 'a'"], [STACK, "  File 'a'"]),
    ],
)
def test_no_stack_that_is_empty(lines: list[str], kept: list[str]) -> None:
    assert without_empty_stacks(lines) == kept
