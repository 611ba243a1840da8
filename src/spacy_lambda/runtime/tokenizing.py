"""Text -> Doc, in time that grows with the text and not with its square.

spaCy's rule-based tokenizer takes the square of a run without whitespace. For texts where that matters, a second one
with the same rules and faster searches (see :mod:`.affixes`) makes the same tokens. What is left of the square is
small, and bounded: a text beyond the bound is refused before it is tokenized.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from spacy.language import Language
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.tokens import Doc

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.affixes import anchored_prefix_search, anchored_suffix_search, linear_url_match

__all__ = ["Hardness", "Tokenizing", "hardness"]

SHORT = 32
"""Characters; shorter runs without whitespace are not looked at: their squares are small."""

EASY = 20_000
"""Steps that spaCy's own tokenizer may take: a few milliseconds."""

LONGEST_RUN = {True: 10_000, False: 1_500}
"""Characters that may be split off one by one, with faster searches and without: below half a second."""

SECONDS_PER_STEP = {True: 5e-9, False: 2e-7}
"""At most, on one CPU."""

EDGE = 64
"""Characters at the ends of a run that are looked at to count what is split off."""

OTHER_SEGMENT = 16_000
"""Characters of a segment for other tokenizers: SudachiPy, of Japanese pipelines, takes 49,149 bytes."""

LONG = re.compile(rf"(?<!\S)\S{{{SHORT},}}")
PEELED = re.compile(r"(?:[^\W_]{0,8}+[\W_])*+")
"""Characters that can be split off at a run's beginning: after nine letters or digits nothing is."""

SIGN = re.compile(r"[\W_]")
REPEATED = re.compile(r"\.{16,}|\d{16,}")
"""Runs that an expression for a suffix may try from each of their characters."""


@dataclass(frozen=True)
class Hardness:
    """Cost of a text for a tokenizer beyond its length, in steps: characters of a run times searches in it.

    :param looked: If every character that is no letter or digit is searched for; no text takes more.
    :param peeled: With faster searches: characters times those that are split off at the ends.
    :param searched: With spaCy's own searches.
    :param start: Where the hardest run begins.
    :param length: Its characters.
    """

    looked: int = 0
    peeled: int = 0
    searched: int = 0
    start: int = 0
    length: int = 0


NOTHING_HARD = Hardness()


def hardness(text: str) -> Hardness:
    """Estimate what a text costs, without tokenizing it."""
    if len(text) < SHORT or max(map(len, text.split()), default=0) < SHORT:
        return NOTHING_HARD
    looked = peeled = searched = worst = start = length = 0
    for run in LONG.finditer(text):
        chunk, size = run[0], run.end() - run.start()
        signs = len(SIGN.findall(chunk))
        ends = _peeled(chunk, signs)
        squares = sum(len(found[0]) ** 2 for found in REPEATED.finditer(chunk))
        looked += signs * size + squares
        peeled += ends * size
        # The measured parts: suffixes, URLs, and runs of dots, which each search for a suffix tries from every dot.
        searched += ends * size + chunk.count(":") * size // 8 + (ends + 2) * squares // 40
        if ends * size >= worst:
            worst, start, length = ends * size, run.start(), size
    return Hardness(looked, peeled, searched, start, length)


def _peeled(chunk: str, signs: int) -> int:
    """At most so many prefixes and suffixes are split off."""
    ends = (PEELED.match(chunk), PEELED.match(chunk[::-1]))
    return min(sum(len(SIGN.findall(end[0])) for end in ends if end), signs)


class Tokenizing:
    """A pipeline's tokenizer, and a faster one with the same tokens for hard texts.

    :param nlp: The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._fast: Tokenizer | None = None
        self._tried = False

    @property
    def is_rule_based(self) -> bool:
        """Return whether this is spaCy's own tokenizer; others are not bounded here."""
        return type(self._nlp.tokenizer) is Tokenizer

    def hardness(self, text: str) -> Hardness:
        """Return the cost of a text beyond its length. Call it outside of a memory zone.

        The faster tokenizer is made here, when the first text needs it: what is made in a memory zone ends with it.
        """
        found = hardness(text) if self.is_rule_based else NOTHING_HARD
        if found.looked <= EASY:
            return found
        fast = self._accelerated()
        if fast is not None and found.peeled > LONGEST_RUN[True] ** 2:
            return replace(found, peeled=_count(text, fast))
        return found

    def segment_limit(self, limit: int) -> int:
        """Return the maximum characters of a segment."""
        return limit if self.is_rule_based else min(limit, OTHER_SEGMENT)

    def seconds(self, hard: Hardness) -> float:
        """Estimate of what a text takes beyond its length, on one CPU."""
        steps, fast = self._steps(hard)
        return steps * SECONDS_PER_STEP[fast]

    def check(self, key: str, hard: Hardness) -> RequestError | None:
        """The refusal of a text that would take too long.

        :param key: Names the text.
        """
        steps, fast = self._steps(hard)
        limit = LONGEST_RUN[fast]
        if steps <= limit**2:
            return None
        return RequestError(
            f'"{key}" has {hard.length:,} characters without whitespace at character {hard.start:,}, most of them '
            f"punctuation or symbols that spaCy splits off one by one; the limit is {limit:,}",
            remedy="put whitespace between them, or leave them out",
            key=key,
            status=413,
        )

    def make_doc(self, text: str, hard: Hardness = NOTHING_HARD) -> Doc:
        """Tokenize a text.

        :param hard: Its :meth:`hardness`.
        :raises RequestError: If a tokenizer that is not spaCy's own does not take this text.
        """
        if self._fast is not None and hard.looked > EASY:
            doc: Doc = self._fast(text)
            return doc
        try:
            return self._nlp.make_doc(text)
        except Exception as exc:
            if self.is_rule_based or not self._takes(text[:SHORT]):
                raise
            raise RequestError(
                f"the tokenizer does not take a text of {len(text):,} characters: {str(exc)[:200]}",
                remedy='split the text and send the parts, or send "long_text": "split"',
                status=413,
            ) from exc

    def _steps(self, hard: Hardness) -> tuple[int, bool]:
        fast = self._fast is not None and hard.looked > EASY
        return hard.peeled if fast else hard.searched, fast

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
    """The same tokenizer with faster searches, if all of them are known."""
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
    """Steps that a text really takes: most signs within a run are not split off. It ends where they are too many."""
    steps = 0
    for run in LONG.finditer(text):
        steps += len(run[0]) * _splits(run[0], tokenizer, LONGEST_RUN[True] ** 2 // len(run[0]) + 1)
        if steps > LONGEST_RUN[True] ** 2:
            break
    return steps


def _splits(chunk: str, tokenizer: Tokenizer, most: int) -> int:
    """Prefixes and suffixes that are split off, as the tokenizer does, but seeing only the ends."""
    start, end, found = 0, len(chunk), 0
    while start < end and found < most:
        prefix = tokenizer.find_prefix(chunk[start : min(start + EDGE, end)])
        suffix = tokenizer.find_suffix(chunk[max(start + prefix, end - EDGE) : end])
        if not prefix and not suffix:
            break
        start, end, found = start + prefix, end - suffix, found + 1
    return found
