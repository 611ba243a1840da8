"""Alignment against a plain reading of what it should say."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np

from spacy_lambda.runtime.alignment import TokenBounds, align
from spacy_lambda.runtime.windows import Windows, strided_windows
from spacy_lambda.runtime.wordpieces import Wordpieces

Offsets = list[tuple[int, int]]


def one_by_one(tokens: TokenBounds, windows: Windows, offsets: list[Offsets]) -> list[list[int]]:
    """For every token, the rows of the wordpieces that share a character with it, in a loop over characters."""
    rows: dict[int, list[int]] = defaultdict(list)
    first_row = 0
    for (start, end), window_offsets in zip(windows, offsets, strict=True):
        token_of_char = {}
        origin = int(tokens.starts[start])
        for token in range(start, end):
            after = (
                int(tokens.starts[token + 1])
                if token + 1 < end
                else int(tokens.starts[token] + tokens.lengths[token] + 1)
            )
            for char in range(int(tokens.starts[token]), after):
                token_of_char[char - origin] = token
        for row, (piece_start, piece_end) in enumerate(window_offsets):
            touched = {token_of_char[char] for char in range(piece_start, piece_end) if char in token_of_char}
            for token in touched:
                rows[token].append(first_row + row)
        first_row += len(window_offsets)
    return [sorted(rows[token]) for token in range(windows[0][0], windows[-1][1])]


def random_tokens(rng: random.Random, n_tokens: int) -> TokenBounds:
    starts, lengths, at = [], [], 0
    for _ in range(n_tokens):
        length = rng.randint(1, 6)
        starts.append(at)
        lengths.append(length)
        at += length + rng.choice([0, 1])
    return TokenBounds(np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64))


def random_offsets(rng: random.Random, n_chars: int) -> Offsets:
    """Wordpieces in the text's order: some special, some over several tokens, some that leave characters out."""
    offsets: Offsets = [(0, 0)]
    at = 0
    while at < n_chars:
        at += rng.choice([0, 0, 0, 1, 3])
        end = min(at + rng.choice([1, 1, 2, 3, 9]), n_chars)
        if at < end:
            offsets += [(at, end)] * rng.choice([1, 1, 1, 2])  # the bytes of one character share its offsets
        at = end
    return [*offsets, (0, 0)][: rng.choice([5, 1000])]


def test_against_one_by_one() -> None:
    found, expected = zip(*(aligned(random.Random(seed)) for seed in range(200)), strict=True)
    assert found == expected


def aligned(rng: random.Random) -> tuple[list[list[int]], list[list[int]]]:
    """Return the rows of each token of a random text, and those of a plain reading."""
    n_tokens = rng.randint(1, 30)
    tokens = random_tokens(rng, n_tokens)
    windows = strided_windows(n_tokens, window=rng.randint(1, 12), stride=rng.randint(1, 12))
    offsets = []
    for start, end in windows:
        first, last = tokens.text_bounds(start, end)
        offsets.append(random_offsets(rng, last - first))
    pieces = [Wordpieces(np.arange(len(own)), np.array(own, dtype=np.int64)) for own in offsets]
    found = align(tokens, windows, pieces)
    rows = np.split(found.rows, np.cumsum(found.lengths)[:-1])
    return [sorted(own.tolist()) for own in rows], one_by_one(tokens, windows, offsets)


def test_no_windows() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    found = align(TokenBounds(nothing, nothing), [], [])
    assert len(found.rows) == 0
    assert len(found.lengths) == 0
