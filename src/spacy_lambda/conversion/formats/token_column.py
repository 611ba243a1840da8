"""The column of the tokens: the first that has neither numbers of tokens, nor names of sentences, nor gaps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise

__all__ = ["TokenColumn", "token_column"]

MAX_DIGITS = 9
"""Digits that the number of a token has at most."""

PAIR = re.compile(r"\d{1,9}[-.:_]\d{1,9}")
"""The numbers of a sentence and of its token, as in ``1-2``."""

PARTS_OF_SPEECH = frozenset(
    "ADJ ADP ADV AUX CCONJ CONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
    " CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP TO UH VB VBD VBG VBN VBP VBZ"
    " WDT WP WP$ WRB -LRB- -RRB- HYPH NFP ADD AFX $ # . , : `` '' ( ) \" _ -X-".split()
)
"""Parts of speech of Universal Dependencies and of the Penn Treebank."""

Rows = Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class TokenColumn:
    """The column of the tokens.

    :param index: Its index.
    :param is_certain: False if another column may have the tokens.
    :param sentences: The column with identifiers of sentences, if nothing else separates them.
    """

    index: int
    is_certain: bool = True
    sentences: int | None = None


def token_column(sentences: Sequence[Rows], number: int) -> TokenColumn:
    """Return the column of the tokens.

    :param sentences: Rows of each sentence.
    :param number: Number of columns before the tags.
    """
    if number < 2:
        return TokenColumn(0)
    is_certain, names = True, None
    columns = [[[row[column] for row in rows] for rows in sentences] for column in range(number)]
    gaps = [_has_gaps([*chain.from_iterable(parts)]) for parts in columns]
    for column, parts in enumerate(columns):
        cells = [*chain.from_iterable(parts)]
        if gaps[column] and not all(gaps[column:]):
            is_certain, names = False, column if len(parts) == 1 and names is None else names
        elif len(parts) == 1 and _are_names(cells):
            is_certain, names = False, column if names is None else names
        elif _are_numbers(cells):
            is_certain = is_certain and max(map(int, cells)) > 1
        elif _are_pairs(cells) or _are_constant(parts):
            is_certain = False
        elif column and PARTS_OF_SPEECH.issuperset(cells):
            break
        else:
            return TokenColumn(column, is_certain, names)
    return TokenColumn(0, is_certain=False)


def _has_gaps(cells: Sequence[str]) -> bool:
    """Return whether most cells are empty, as where a name is in the first row of each sentence."""
    return 2 * sum(not cell.strip() for cell in cells) >= len(cells)


def _are_numbers(cells: Sequence[str]) -> bool:
    """Return whether a column has the numbers of the tokens in each sentence."""
    if len(cells) < 2 or not all(cell.isdecimal() and len(cell) <= MAX_DIGITS for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return numbers[0] < 2 and all(number in (0, 1, last + 1) for last, number in pairwise(numbers)) and max(numbers) > 0


def _are_pairs(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and all(PAIR.fullmatch(cell) for cell in cells) and len({*cells}) == len(cells)


def _are_constant(parts: Sequence[Sequence[str]]) -> bool:
    """Return whether a column has one value in each sentence."""
    return all(len({*cells}) < 2 for cells in parts) and any(len(cells) > 1 for cells in parts)


def _are_names(cells: Sequence[str]) -> bool:
    """Return whether a column names the sentence of each token: several names with digits, each in adjacent lines."""
    runs = [name for name, _ in groupby(cells)]
    has_digits = all(any(character.isdecimal() for character in name) for name in runs)
    return has_digits and 1 < len(runs) == len({*runs}) <= len(cells) // 2
