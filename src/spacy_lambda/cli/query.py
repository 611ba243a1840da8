"""``spacy-lambda query``: query a model through the Hub's Inference API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from spacy_lambda.cli.console import print_json, print_lines, print_table
from spacy_lambda.cli.options import JsonOption
from spacy_lambda.core.location import parse_location


def query(
    model: Annotated[str, typer.Argument(help="The model, as hf://owner/name.")],
    text: Annotated[str, typer.Argument(help="The text.")],
    *,
    endpoint: Annotated[
        str | None, typer.Option(help="URL of the API.", show_default="HF_INFERENCE_ENDPOINT, or the Hub's own")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Query a model on the Hub, with the token of `hf auth login` or HF_TOKEN.

    Example: spacy-lambda query hf://owner/name "Thin films of iron oxide."
    """
    from spacy_lambda.client.hub_inference import query_model

    answer = query_model(parse_location(model), text, endpoint=endpoint)
    entities = answer if isinstance(answer, list) and all(isinstance(one, dict) for one in answer) else None
    if as_json or entities is None:
        print_json(answer)
        return
    if not entities:
        print_lines("no entities")
        return
    print_table(["entity", "text", ">start", ">end", ">score"], map(_row, entities))


def _row(entity: Mapping[str, Any]) -> Sequence[object]:
    label = entity.get("entity_group") or entity.get("entity") or entity.get("label") or ""
    score = entity.get("score")
    shown = f"{score:.3f}" if isinstance(score, float) else score or ""
    return label, entity.get("word", ""), entity.get("start", ""), entity.get("end", ""), shown
