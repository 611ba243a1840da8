"""Windows and Docs on which an original and its compiled transformer are compared."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.tokens import Doc
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex
from spacy.vocab import Vocab

__all__ = ["ORDINARY_TEXTS", "checked_lengths", "limit_docs", "sample_windows", "text_docs", "words_of"]

THRESHOLD = re.compile(r"position|window|block|chunk|length|local|context|n_ctx|segment|bucket|seq")
"""Settings of a model's config that may be a length at which it changes."""

ORDINARY_TEXTS = (
    "The quick brown fox jumps over the lazy dog, twice; then it sleeps for 12 hours.",
    "Dr. O'Neil's co-workers (in Zürich) paid €1,250.00 on 2024-05-03: see https://example.org/a?b=c#d.",
    "iron",
    "a",
    " \n\t  ",
    "  leading and   inner    spaces  \n\n and a line's end \r\n",
    "Iron 🧑‍🔬 films 👩🏽‍🚀 of 🇩🇪 silicon 😀😀.",
    "e\u0301\u0302\u0303 combined, ﬁ ligature, İstanbul, ŒUVRE, ㎏ Ⅷ, straße, ﷺ",
    "zero\u200bwidth \u200d \u2060 \ufeff and \u00a0 no-break \u3000 spaces \u2028 lines \x85 end",
    "control \x00 \x01 \x07 \x7f \x1b[0m characters \ufffd \ue000",
    "שלום עולם مرحبا بالعالم नमस्ते สวัสดี 铁玻璃 こんにちは 안녕하세요",
    "x" * 300 + " " + "ab" * 150,
    "[SEP] [CLS] [PAD] [MASK] [UNK] <s> </s> <pad> <mask> <unk> <|endoftext|> <sep> <cls> ##ing ▁a Ġa",
    "CamelCase snake_case UPPER lower MiXeD 3.14e-10 #hashtag @user ... --- !!! ???",
)
"""Edge cases of tokenizers."""

SENTENCE = 7
"""Tokens in a sentence, for models whose windows are sentences."""


def checked_lengths(longest: int, config: Mapping[str, Any]) -> list[int]:
    """Return lengths of windows, descending: increasing steps, and both sides of every length that the config names.

    :param longest: The longest of them.
    :param config: The model's settings.
    """
    named = [
        value
        for name, value in config.items()
        if THRESHOLD.search(name) and isinstance(value, int) and 1 < value <= longest + 1
    ]
    around = [value + step for value in (*named, longest) for step in (-1, 0, 1)]
    steps = [1, 2, 3, 7, *((1 << power) + 1 for power in range(4, 12))]
    return sorted({length for length in (*steps, *around) if 1 <= length <= longest}, reverse=True)


def sample_windows(
    vocabulary: int, *, special: tuple[Sequence[int], Sequence[int]], without: set[int], lengths: Sequence[int]
) -> list[list[int]]:
    """Return windows of random wordpieces between special ones.

    Low ids are drawn more often, as vocabularies tend to be ordered by frequency.

    :param vocabulary: Number of wordpieces.
    :param special: The special wordpieces before and after a text's own.
    :param without: Ids that are left out, such as padding: its embedding may be all zeros, of which a layer norm
        makes NaN where its epsilon is 0. The last id takes their place.
    :param lengths: Wordpieces in each window; in the shortest there are special wordpieces only.
    """
    rng = np.random.default_rng(0)
    opening, closing = special
    windows = []
    for length in lengths:
        inner = max(length - len(opening) - len(closing), 0)
        ids = np.minimum(np.exp(rng.uniform(0, np.log(vocabulary), size=inner)).astype(int), vocabulary - 1)
        ids[np.isin(ids, list(without))] = vocabulary - 1
        windows.append([*opening, *ids.tolist(), *closing][:length])
    return [window for window in windows if window]


def text_docs(vocab: Vocab, special_wordpieces: Iterable[str]) -> list[Doc]:
    """Return Docs of :data:`ORDINARY_TEXTS`, and of every special wordpiece as text."""
    special = " and ".join(special_wordpieces)
    tokenize = words_of(vocab)
    docs = [tokenize(text) for text in (*ORDINARY_TEXTS, f"Before {special} after", special.replace(" and ", ""))]
    for doc in docs:
        for token in doc:
            token.is_sent_start = token.i % SENTENCE == 0
    return [doc for doc in docs if len(doc)]


def words_of(vocab: Vocab) -> Tokenizer:
    """Return spaCy's tokenizer without a language's exceptions: a Language cannot be created for a given vocabulary."""
    defaults = Language.Defaults
    return Tokenizer(
        vocab,
        prefix_search=compile_prefix_regex(defaults.prefixes or ()).search,
        suffix_search=compile_suffix_regex(defaults.suffixes or ()).search,
        infix_finditer=compile_infix_regex(defaults.infixes or ()).finditer,
    )


def limit_docs(vocab: Vocab, count: Callable[[str], int], lengths: Sequence[int]) -> Iterator[Doc]:
    """Yield Docs of a few long tokens, each a single window of about the given number of wordpieces.

    :param count: Returns the number of wordpieces of a text.
    :param lengths: Wordpieces, special ones included.
    """
    words = "a b c d e f g h 1 2 3 4 iron glass Heat , .".split()
    for length in lengths:
        chosen: list[str] = []
        # The bound is for tokenizers that make one unknown wordpiece of many words.
        while (missing := length - count(" ".join(chosen))) > 0 and len(chosen) < 8 * length:
            chosen += [words[(len(chosen) + i) % len(words)] for i in range(max(missing // 3, 1))]
        text = " ".join(chosen)
        if not text:  # the special wordpieces alone are as many
            continue
        cuts = sorted({0, len(text) // 5, len(text) // 2, len(text) - 1, len(text)})
        parts = [text[begin:end] for begin, end in itertools.pairwise(cuts)]
        yield Doc(
            vocab,
            words=parts,
            spaces=[False] * len(parts),
            sent_starts=[index == 0 for index in range(len(parts))],
        )
