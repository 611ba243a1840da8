"""What is asked about texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from spacy_lambda.client.call_errors import CHECK
from spacy_lambda.client.transport import to_json
from spacy_lambda.core.doc_parts import DOC_PARTS
from spacy_lambda.errors import InvokeError

__all__ = ["LongText", "Wanted"]

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

    def check(self, answer: Any) -> None:
        """Whether an answer has the form of one to this.

        :raises InvokeError: When it has not.
        """
        if self.include is None:
            fits = isinstance(answer, list) and all(isinstance(entity, dict) for entity in answer)
        else:
            fits = isinstance(answer, dict) and set(self.include) <= answer.keys()
        if not fits:
            wanted = "a list of entities" if self.include is None else f"an object with {', '.join(self.include)}"
            raise InvokeError(f"the function answered {_kind(answer)}, and not {wanted}", remedy=CHECK)

    def body(self, **texts: Any) -> bytes:
        """The request for ``text`` or ``texts``."""
        include = {} if self.include is None else {"include": self.include}
        split = {} if self.long_text == "refuse" else {"long_text": self.long_text}
        return to_json({**texts, **include, **split})


def _kind(answer: Any) -> str:
    if isinstance(answer, dict):
        return f"an object with {', '.join(sorted(map(str, answer)))[:200] or 'no keys'}"
    return "a list of something else" if isinstance(answer, list) else f"{str(answer)[:40]!r}"
