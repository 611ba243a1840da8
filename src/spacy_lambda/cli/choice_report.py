"""The precisions that ``compile --precision auto`` measured, as a table; ``inspect`` prints it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.cli.console import print_lines, print_table
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes

__all__ = ["print_choice"]


def print_choice(choice: Mapping[str, Any]) -> None:
    """Print a row for the original and for each precision.

    :param choice: ``choice`` in a compiled pipeline's metadata.
    """
    has_gold = any(one["drop"] is not None for one in choice["candidates"])
    measured = count(choice["measured_texts"], "text")
    print_table(
        ["precision", ">agreement", *([">gold F1"] if has_gold else []), ">words/s", ">speed", ">size", "result"],
        _rows(choice, has_gold=has_gold),
        title=f"measured on {measured}, calibrated on {choice['calibration_texts']:,} others",
    )
    refused = [one for one in choice["candidates"] if one["agreement"] is None]
    print_lines(*(f"{one['precision']} cannot be compiled: {one['reason']}" for one in refused))


def _rows(choice: Mapping[str, Any], *, has_gold: bool) -> Iterator[list[str]]:
    candidates = [one for one in choice["candidates"] if one["agreement"] is not None]
    gold = next((one["gold_original"] for one in candidates if one["drop"] is not None), None)
    speed = f"{choice['original_words_per_second']:,.0f}"
    yield [
        "original",
        "",
        *([_figure(gold)] if has_gold else []),
        speed,
        "1.00×",
        megabytes(choice["original_bytes"]),
        "",
    ]
    for one in candidates:
        yield [
            one["precision"],
            f"{one['agreement']:.4f}",
            *([_figure(one["gold_compiled"])] if has_gold else []),
            f"{one['words_per_second']:,.0f}",
            f"{one['speedup']:.2f}×",
            megabytes(one["bytes"]),
            "chosen" if one["precision"] == choice["precision"] else one["reason"] or "good enough",
        ]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
