"""A prediction -> the Doc that the function made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_lambda.client.call_errors import CHECK
from spacy_lambda.client.validation import check_shape
from spacy_lambda.errors import InvokeError, first_line, shorten

__all__ = ["doc_of"]

Item = Mapping[str, Any]


def doc_of(text: str, prediction: Mapping[str, Any], vocab: Vocab) -> Doc:
    """Build a Doc whose text is the text.

    Attributes that no component of the pipeline set are not set here either. Predictions have no vectors, no scores of
    spans, no ids of entities and nothing of ``Doc._``.

    :param text: As it was sent.
    :param prediction: With all of :data:`~spacy_lambda.core.request_options.DOC_PARTS`.
    :raises InvokeError: If it is not a prediction of this text, or its tokens do not add up to the text.
    """
    try:
        check_shape(text, prediction)
        return _built(text, prediction, vocab)
    except InvokeError:
        raise
    except Exception as exc:  # of check_shape, and of spaCy for other invalid values
        why = shorten(first_line(exc), 300)
        raise InvokeError(f"the prediction cannot be converted to a Doc: {why}", remedy=CHECK) from exc


def _built(text: str, prediction: Mapping[str, Any], vocab: Vocab) -> Doc:
    tokens = prediction["tokens"]
    sentences = {sentence["start"] for sentence in prediction["sents"]}
    doc = Doc(
        vocab,
        words=[token["text"] for token in tokens],
        spaces=_spaces(text, tokens),
        sent_starts=[token["start"] in sentences for token in tokens] if sentences else None,
        **_annotations(tokens),
    )
    starts = {token["start"]: number for number, token in enumerate(tokens)}
    ends = {token["end"]: number + 1 for number, token in enumerate(tokens)}

    def span(item: Item) -> Span:
        return Span(doc, starts[item["start"]], ends[item["end"]], label=item["label"])

    doc.set_ents([span(item) for item in prediction["ents"]])
    doc.cats = dict(prediction["cats"])
    for key, group in prediction["spans"].items():
        doc.spans[key] = [span(item) for item in group]
    return doc


def _spaces(text: str, tokens: Sequence[Item]) -> list[bool]:
    """Return which tokens have a space after them, which is all that a Doc has between tokens."""
    bounds = [(token["start"], token["end"]) for token in tokens]
    gaps = [text[end:start] for (_, end), (start, _) in pairwise([(0, 0), *bounds, (len(text), len(text))])]
    whole = all(text[start:end] == token["text"] for (start, end), token in zip(bounds, tokens, strict=True))
    if not whole or gaps[0] or not set(gaps) <= {"", " "}:
        raise InvokeError(
            "the tokens of the prediction do not add up to the text",
            remedy="the pipeline's tokenizer changes texts; call it without as_doc",
        )
    return [gap == " " for gap in gaps[1:]]


def _annotations(tokens: Sequence[Item]) -> dict[str, Any]:
    """Return the tokens' attributes under the names of a Doc's arguments; heads only if there is a parse."""
    names = {"lemma": "lemmas", "pos": "pos", "tag": "tags", "morph": "morphs", "dep": "deps"}
    found = {names[key]: [token[key] for token in tokens] for key in names if any(token[key] for token in tokens)}
    if "deps" in found:
        found["heads"] = [token["head"] for token in tokens]
    return found
