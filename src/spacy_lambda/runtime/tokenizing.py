"""Text -> Doc, in time that grows with the text and not with its square.

spaCy's rule-based tokenizer takes the square of a run without whitespace. For texts where that matters, a second one
with the same rules and faster searches (see :mod:`.affixes`) makes the same tokens. What is left of the square is
small, and bounded: a text beyond the bound is refused before it is tokenized.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

from spacy.language import Language
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.tokens import Doc

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.affixes import anchored_prefix_search, anchored_suffix_search, linear_url_match
from spacy_lambda.runtime.frequent_words import FrequentWords

__all__ = ["Tokenizing", "TokenizingCost", "tokenizing_cost"]

MIN_RUN = 32
"""Characters; shorter runs without whitespace are not counted: their squares are small."""

EASY_STEPS = 20_000
"""Steps that spaCy's own tokenizer may take: a few milliseconds."""

MAX_RUN = {True: 10_000, False: 1_500}
"""Characters that may be split off one by one, with faster searches and without: below half a second."""

SECONDS_PER_STEP = {True: 5e-9, False: 2e-7}
"""Maximum seconds for each step on one CPU, with faster searches and without."""

EDGE_CHARACTERS = 64
"""Characters at the ends of a run that are examined to count the prefixes and suffixes."""

OTHER_SEGMENT = 16_000
"""Characters of a segment for other tokenizers: SudachiPy, of Japanese pipelines, takes 49,149 bytes."""

LONG_RUN = re.compile(rf"(?<!\S)\S{{{MIN_RUN},}}")
SPLITTABLE = re.compile(r"(?:[^\W_]{0,8}+[\W_])*+")
"""Characters that can be split off at a run's beginning: after nine letters or digits there are none."""

SYMBOL = re.compile(r"[\W_]")
REPEATED = re.compile(r"\.{16,}|\d{16,}")
"""Runs that an expression for a suffix may try from each of their characters."""


@dataclass(frozen=True)
class TokenizingCost:
    """Cost of a text for a tokenizer beyond its length, in steps: characters of a run times searches in it.

    :param max_steps: Upper bound: a search at every character that is not a letter or a digit.
    :param fast_steps: With faster searches: characters times the number that is split off at the ends.
    :param own_steps: With spaCy's own searches.
    :param start: First character of the most expensive run.
    :param length: Number of its characters.
    """

    max_steps: int = 0
    fast_steps: int = 0
    own_steps: int = 0
    start: int = 0
    length: int = 0


NO_COST = TokenizingCost()


def tokenizing_cost(text: str) -> TokenizingCost:
    """Estimate the cost of a text, without tokenizing it."""
    if len(text) < MIN_RUN or max(map(len, text.split()), default=0) < MIN_RUN:
        return NO_COST
    max_steps = fast_steps = own_steps = worst = start = length = 0
    for run in LONG_RUN.finditer(text):
        chunk, size = run[0], run.end() - run.start()
        symbols = len(SYMBOL.findall(chunk))
        ends = _count_ends(chunk, symbols)
        squares = sum(len(found[0]) ** 2 for found in REPEATED.finditer(chunk))
        max_steps += symbols * size + squares
        fast_steps += ends * size
        # The measured parts: suffixes, URLs, and runs of dots, which each search for a suffix tries from every dot.
        own_steps += ends * size + chunk.count(":") * size // 8 + (ends + 2) * squares // 40
        if ends * size >= worst:
            worst, start, length = ends * size, run.start(), size
    return TokenizingCost(max_steps, fast_steps, own_steps, start, length)


def _count_ends(chunk: str, symbols: int) -> int:
    """Return the maximum number of prefixes and suffixes that are split off."""
    ends = (SPLITTABLE.match(chunk), SPLITTABLE.match(chunk[::-1]))
    return min(sum(len(SYMBOL.findall(end[0])) for end in ends if end), symbols)


class Tokenizing:
    """A pipeline's tokenizer, and a faster one with the same tokens for slow texts.

    :param nlp: The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._fast: Tokenizer | None = None
        self._tried = False
        self._frequent = FrequentWords(nlp.tokenizer)

    @property
    def is_rule_based(self) -> bool:
        """``True`` for spaCy's own tokenizer; others are not bounded here."""
        return type(self._nlp.tokenizer) is Tokenizer

    def cost(self, text: str) -> TokenizingCost:
        """Return the cost of a text beyond its length. Call it outside of a memory zone.

        The faster tokenizer is created here, when the first text needs it: objects of a memory zone end with it.
        """
        found = tokenizing_cost(text) if self.is_rule_based else NO_COST
        if found.max_steps <= EASY_STEPS:
            return found
        fast = self._accelerated()
        if fast is not None and found.fast_steps > MAX_RUN[True] ** 2:
            return replace(found, fast_steps=_count(text, fast))
        return found

    def learn(self, texts: Iterable[str]) -> None:
        """Keep the tokens of words that are frequent in a corpus. Call it outside of a memory zone."""
        if self.is_rule_based:
            self._frequent.learn(texts)

    def segment_limit(self, limit: int) -> int:
        """Return the maximum characters of a segment."""
        return limit if self.is_rule_based else min(limit, OTHER_SEGMENT)

    def seconds(self, cost: TokenizingCost) -> float:
        """Estimate the seconds that a text takes beyond its length, on one CPU."""
        steps, fast = self._steps(cost)
        return steps * SECONDS_PER_STEP[fast]

    def check(self, key: str, cost: TokenizingCost) -> RequestError | None:
        """Return the refusal of a text that would take too long, or ``None``.

        :param key: The text's key in the request.
        """
        steps, fast = self._steps(cost)
        limit = MAX_RUN[fast]
        if steps <= limit**2:
            return None
        # Several runs count together, and a run of dots or digits counts as a longer one of other symbols.
        most = "" if cost.length > limit else f", which with others of the text take the time of {isqrt(steps):,}"
        return RequestError(
            f'"{key}" has {cost.length:,} characters without whitespace at character {cost.start:,}, most of them '
            f"punctuation or symbols that spaCy splits off one by one{most}; the limit is {limit:,}",
            remedy="put whitespace between them, or leave them out",
            key=key,
            status=413,
        )

    def make_doc(self, text: str, cost: TokenizingCost = NO_COST) -> Doc:
        """Tokenize a text.

        :param cost: Its :meth:`cost`.
        :raises RequestError: If a tokenizer that is not spaCy's own does not take this text.
        """
        if self._fast is not None and cost.max_steps > EASY_STEPS:
            doc: Doc = self._fast(text)
            return doc
        try:
            return self._nlp.make_doc(text)
        except Exception as exc:
            if self.is_rule_based or not self._takes(text[:MIN_RUN]):
                raise
            refused = f"the tokenizer does not take a text of {len(text):,} characters"
            remedy = 'split the text and send the parts, or send "long_text": "split"'
            loggable = RequestError(f"{refused}: {type(exc).__name__}", remedy=remedy, status=413)
            raise RequestError(f"{refused}: {str(exc)[:200]}", remedy=remedy, status=413, loggable=loggable) from exc

    def _steps(self, cost: TokenizingCost) -> tuple[int, bool]:
        fast = self._fast is not None and cost.max_steps > EASY_STEPS
        return cost.fast_steps if fast else cost.own_steps, fast

    def _accelerated(self) -> Tokenizer | None:
        if not self._tried:
            self._tried = True
            self._fast = _accelerated(self._nlp.tokenizer)
        return self._fast

    def _takes(self, text: str) -> bool:
        try:
            self._nlp.make_doc(text)
        except Exception:
            return False
        return True


def _accelerated(slow: Any) -> Tokenizer | None:
    """Return the same tokenizer with faster searches, if all of them are known."""
    prefix, suffix = anchored_prefix_search(slow.prefix_search), anchored_suffix_search(slow.suffix_search)
    url = linear_url_match(slow.url_match) if slow.url_match else None
    if (slow.prefix_search and not prefix) or (slow.suffix_search and not suffix) or (slow.url_match and not url):
        return None
    return Tokenizer(
        slow.vocab,
        rules=slow.rules,
        prefix_search=prefix,
        suffix_search=suffix,
        infix_finditer=slow.infix_finditer,
        token_match=slow.token_match,
        url_match=url,
        faster_heuristics=slow.faster_heuristics,
    )


def _count(text: str, tokenizer: Tokenizer) -> int:
    """Count the actual steps of a text, up to the limit: most symbols within a run are not split off."""
    steps = 0
    for run in LONG_RUN.finditer(text):
        steps += len(run[0]) * _splits(run[0], tokenizer, MAX_RUN[True] ** 2 // len(run[0]) + 1)
        if steps > MAX_RUN[True] ** 2:
            break
    return steps


def _splits(chunk: str, tokenizer: Tokenizer, limit: int) -> int:
    """Count the prefixes and suffixes that are split off, as the tokenizer does, but seeing only the ends."""
    start, end, found = 0, len(chunk), 0
    while start < end and found < limit:
        prefix = tokenizer.find_prefix(chunk[start : min(start + EDGE_CHARACTERS, end)])
        suffix = tokenizer.find_suffix(chunk[max(start + prefix, end - EDGE_CHARACTERS) : end])
        if not prefix and not suffix:
            break
        start, end, found = start + prefix, end - suffix, found + 1
    return found
