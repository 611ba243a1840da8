"""Windows and Docs on which an original and its compiled transformer are compared."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.tokens import Doc
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex
from spacy.vocab import Vocab

__all__ = ["ORDINARY_TEXTS", "checked_lengths", "limit_docs", "sample_windows", "text_docs"]

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


def checked_lengths(longest: int, config: Any) -> list[int]:
    """Return lengths of windows, descending: increasing steps, and both sides of every length that the config names.

    :param longest: The longest of them.
    :param config: The model's ``PretrainedConfig``.
    """
    named = [
        value
        for name, value in config.to_dict().items()
        if THRESHOLD.search(name) and isinstance(value, int) and 1 < value <= longest + 1
    ]
    around = [value + step for value in (*named, longest) for step in (-1, 0, 1)]
    steps = [1, 2, 3, 7, *((1 << power) + 1 for power in range(4, 12))]
    return sorted({length for length in (*steps, *around) if 1 <= length <= longest}, reverse=True)


def sample_windows(tokenizer: Any, model: Any, lengths: Sequence[int]) -> list[list[int]]:
    """Return windows of random wordpieces between the tokenizer's special ones.

    Low ids are drawn more often, as vocabularies tend to be ordered by frequency. Padding is left out: its embedding
    may be all zeros, of which a layer norm makes NaN where its epsilon is 0.

    :param tokenizer: A fast tokenizer of transformers.
    :param model: A ``PreTrainedModel``.
    :param lengths: Wordpieces in each window; in the shortest there are special wordpieces only.
    """
    rng = np.random.default_rng(0)
    vocabulary = model.config.vocab_size
    padding = {tokenizer.pad_token_id, getattr(model.get_input_embeddings(), "padding_idx", None)} - {None}
    opening, closing = _special(tokenizer)
    windows = []
    for length in lengths:
        inner = max(length - len(opening) - len(closing), 0)
        ids = np.minimum(np.exp(rng.uniform(0, np.log(vocabulary), size=inner)).astype(int), vocabulary - 1)
        ids[np.isin(ids, list(padding))] = vocabulary - 1
        windows.append([*opening, *ids.tolist(), *closing][:length])
    return [window for window in windows if window]


def text_docs(vocab: Vocab, tokenizer: Any) -> list[Doc]:
    """Return Docs of :data:`ORDINARY_TEXTS`, and of every special wordpiece as text."""
    special = " and ".join(map(str, tokenizer.all_special_tokens))
    tokenize = _tokenizer(vocab)
    docs = [tokenize(text) for text in (*ORDINARY_TEXTS, f"Before {special} after", special.replace(" and ", ""))]
    for doc in docs:
        for token in doc:
            token.is_sent_start = token.i % SENTENCE == 0
    return [doc for doc in docs if len(doc)]


def _tokenizer(vocab: Vocab) -> Tokenizer:
    """Return spaCy's tokenizer without a language's exceptions: a Language cannot be created for a given vocabulary."""
    defaults = Language.Defaults
    return Tokenizer(
        vocab,
        prefix_search=compile_prefix_regex(defaults.prefixes or ()).search,
        suffix_search=compile_suffix_regex(defaults.suffixes or ()).search,
        infix_finditer=compile_infix_regex(defaults.infixes or ()).finditer,
    )


def limit_docs(vocab: Vocab, tokenizer: Any, lengths: Sequence[int]) -> Iterator[Doc]:
    """Yield Docs of a few long tokens, each a single window of about the given number of wordpieces.

    :param lengths: Wordpieces, special ones included.
    """
    words = "a b c d e f g h 1 2 3 4 iron glass Heat , .".split()
    for length in lengths:
        chosen: list[str] = []
        # The bound is for tokenizers that make one unknown wordpiece of many words.
        while (missing := length - _count(tokenizer, chosen)) > 0 and len(chosen) < 8 * length:
            chosen += [words[(len(chosen) + i) % len(words)] for i in range(max(missing // 3, 1))]
        text = " ".join(chosen)
        cuts = sorted({0, len(text) // 5, len(text) // 2, len(text) - 1, len(text)})
        parts = [text[begin:end] for begin, end in itertools.pairwise(cuts)]
        yield Doc(
            vocab,
            words=parts,
            spaces=[False] * len(parts),
            sent_starts=[index == 0 for index in range(len(parts))],
        )


def _count(tokenizer: Any, words: Sequence[str]) -> int:
    return len(tokenizer(" ".join(words), verbose=False)["input_ids"])


def _special(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the special wordpieces before and after a text's own."""
    encoded = tokenizer("a text", return_special_tokens_mask=True)
    ids, mask = list(encoded["input_ids"]), list(encoded["special_tokens_mask"])
    if 0 not in mask:
        return [], []
    first, last = mask.index(0), len(mask) - mask[::-1].index(0)
    return ids[:first], ids[last:]
