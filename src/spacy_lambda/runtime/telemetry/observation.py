"""Counts and times of one invocation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.tokens import Doc

from spacy_lambda.core.metric_names import CHARACTERS, EMPTY_ANSWERS, ENTITIES, TEXTS, TOKENS, TRUNCATED_TEXTS
from spacy_lambda.runtime.encoder_output import get_encoding

__all__ = ["Observation", "TextCounts", "add_counts", "count_text"]


@dataclass(frozen=True)
class TextCounts:
    """One text in numbers.

    :param characters: Its length.
    :param tokens: Its tokens.
    :param entities: The number of entities of each label.
    :param is_blank: ``True`` if it has only whitespace.
    :param truncated: Windows of which the encoder did not see the end.
    """

    characters: int
    tokens: int
    entities: Counter[str]
    is_blank: bool
    truncated: int


@dataclass
class Observation:
    """The facts of one invocation, recorded while it is processed.

    :param source: The event source, as AWS calls it.
    :param texts: Every text with a prediction.
    :param error: The type of the error that the caller got.
    :param init_ms: Duration of the init, if the caller waited for it.
    :param is_ping: The event has no request, and nobody waits for the response.
    """

    source: str = "direct"
    texts: list[TextCounts] = field(default_factory=list)
    error: str | None = None
    init_ms: float = 0.0
    is_ping: bool = False

    def counts(self) -> dict[str, int]:
        """Return the sums. A prediction is empty if a text that is not blank has no entity."""
        return {
            TEXTS: len(self.texts),
            CHARACTERS: sum(text.characters for text in self.texts),
            TOKENS: sum(text.tokens for text in self.texts),
            ENTITIES: sum(text.entities.total() for text in self.texts),
            EMPTY_ANSWERS: sum(not text.is_blank and not text.entities for text in self.texts),
            TRUNCATED_TEXTS: sum(text.truncated > 0 for text in self.texts),
        }

    def entities(self) -> Counter[str]:
        """Return the number of entities by label."""
        return sum((text.entities for text in self.texts), Counter())


def count_text(docs: Sequence[Doc]) -> TextCounts:
    """Count one text.

    :param docs: Its pieces: one, unless it was split.
    """
    return TextCounts(
        characters=sum(len(doc.text) for doc in docs),
        tokens=sum(map(len, docs)),
        entities=Counter(entity.label_ for doc in docs for entity in doc.ents),
        is_blank=all(token.is_space for doc in docs for token in doc),
        truncated=sum(_truncated(doc) for doc in docs),
    )


def add_counts(segments: Sequence[TextCounts]) -> TextCounts:
    """Count one text that was split."""
    if len(segments) == 1:
        return segments[0]
    return TextCounts(
        characters=sum(segment.characters for segment in segments),
        tokens=sum(segment.tokens for segment in segments),
        entities=sum((segment.entities for segment in segments), Counter()),
        is_blank=all(segment.is_blank for segment in segments),
        truncated=sum(segment.truncated for segment in segments),
    )


def _truncated(doc: Any) -> int:
    encoding = get_encoding(doc)
    return encoding.truncated if encoding else 0
