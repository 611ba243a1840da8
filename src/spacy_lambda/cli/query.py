"""``spacy-lambda query``: a model on the Hub, asked through the Hub's Inference API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from spacy_lambda.cli.console import say_json, say_table
from spacy_lambda.core.location import parse_location


def query(
    model: Annotated[str, typer.Argument(help="hf://owner/name")],
    text: Annotated[str, typer.Argument(help="The text.")],
    *,
    endpoint: Annotated[
        str | None, typer.Option(help="The API's address.", show_default="HF_INFERENCE_ENDPOINT, or the Hub's own")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as it came.")] = False,
) -> None:
    """Ask a model on the Hub, with the token of `hf auth login` or HF_TOKEN."""
    from spacy_lambda.store.hub_inference import query_model

    answer = query_model(parse_location(model), text, endpoint=endpoint)
    entities = answer if isinstance(answer, list) and all(isinstance(one, dict) for one in answer) else None
    if as_json or entities is None:
        say_json(answer)
        return
    say_table(["entity", "text", ">start", ">end", ">score"], map(_row, entities))


def _row(entity: Mapping[str, Any]) -> Sequence[object]:
    label = entity.get("entity_group") or entity.get("entity") or entity.get("label") or ""
    score = entity.get("score")
    shown = f"{score:.3f}" if isinstance(score, float) else score or ""
    return label, entity.get("word", ""), entity.get("start", ""), entity.get("end", ""), shown
