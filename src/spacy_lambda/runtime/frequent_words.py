"""Words that occur again and again in a corpus -> the cache of spaCy's tokenizer.

In a memory zone, the tokenizer keeps no tokens of words, and the vocabulary forgets them at its end: each word would be
split by regular expressions each time, and made anew in each batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["MAX_WORDS", "FrequentWords"]

MAX_WORDS = 8_000
"""Words that are kept: somewhat fewer than the tokenizer's cache takes, which is filled with the first ones."""

MAX_SEEN = 100_000
"""Words that have occurred once, and are counted until they occur again; when there are more, all are forgotten."""

MAX_LENGTH = 24
"""Characters of a word; longer runs without whitespace are rarely words."""


class FrequentWords:
    """The words that have occurred in two texts, and their tokens. What a tokenizer returns does not depend on it.

    :param tokenizer: spaCy's own tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._seen = set[str]()
        self._kept = set[str]()

    def learn(self, texts: Iterable[str]) -> None:
        """Keep the tokens of words that occur for the second time. Call it outside of a memory zone."""
        if len(self._kept) == MAX_WORDS:
            return
        for text in texts:
            words = set(text.split()) - self._kept
            for word in words & self._seen:
                if len(self._kept) < MAX_WORDS:
                    self._tokenizer(word)
                    self._kept.add(word)
            self._seen.update(word for word in words - self._kept if len(word) <= MAX_LENGTH)
            if len(self._seen) > MAX_SEEN:
                self._seen.clear()
