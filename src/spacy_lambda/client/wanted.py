"""What is asked about texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InvokeError
from .transport import to_json

__all__ = ["DOC_PARTS", "LongText", "Wanted"]

DOC_PARTS = ("ents", "sents", "tokens", "cats", "spans")
"""What a Doc is built of."""

LongText = Literal["refuse", "split"]


@dataclass(frozen=True)
class Wanted:
    """What is asked about each text.

    :param include: Parts of the answer, or ``None`` for the entities alone.
    :param long_text: What becomes of a text over the function's limit.
    """

    include: tuple[str, ...] | None
    long_text: LongText

    @classmethod
    def of(cls, include: Sequence[str] | None, long_text: LongText, *, docs: bool) -> Wanted:
        """From what the user says.

        :raises InvokeError: When parts are named, and Docs wanted, which have all of them.
        """
        if docs and include is not None:
            raise InvokeError("include says nothing where Docs are wanted", remedy="leave include out")
        parts = DOC_PARTS if docs else include
        return cls(None if parts is None else tuple(parts), long_text)

    def body(self, **texts: Any) -> bytes:
        """The request for ``text`` or ``texts``."""
        include = {} if self.include is None else {"include": self.include}
        split = {} if self.long_text == "refuse" else {"long_text": self.long_text}
        return to_json({**texts, **include, **split})
