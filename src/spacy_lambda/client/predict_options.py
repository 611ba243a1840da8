"""Options of a prediction -> the body of a request, and the check of its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.client.call_errors import CHECK
from spacy_lambda.client.transport import to_json
from spacy_lambda.core.request_options import DOC_PARTS, LongText
from spacy_lambda.errors import InvokeError

__all__ = ["PredictOptions"]


@dataclass(frozen=True)
class PredictOptions:
    """The options of a request.

    :param include: Parts of a prediction, or ``None`` for the entities alone.
    :param long_text: Treatment of texts over the function's limit: refused or split.
    """

    include: tuple[str, ...] | None
    long_text: LongText

    @classmethod
    def of(cls, include: Sequence[str] | None, long_text: LongText, *, docs: bool) -> PredictOptions:
        """Return the options for the user's arguments.

        :param docs: True if Docs are built of the predictions, which requires every part.
        :raises InvokeError: If parts are named for Docs.
        """
        if docs and include is not None:
            raise InvokeError("include has no meaning for Docs, which have every part", remedy="leave include out")
        parts = DOC_PARTS if docs else include
        return cls(None if parts is None else tuple(parts), long_text)

    def body(self, **texts: Any) -> bytes:
        """Return the request for ``text`` or ``texts``."""
        include = {} if self.include is None else {"include": self.include}
        split = {} if self.long_text == "refuse" else {"long_text": self.long_text}
        return to_json({**texts, **include, **split})

    def check(self, prediction: Any) -> None:
        """Check the form of the prediction for one text.

        :raises InvokeError: If it does not have the form that these options request.
        """
        if self.include is None:
            fits = isinstance(prediction, list) and all(isinstance(entity, dict) for entity in prediction)
        else:
            fits = isinstance(prediction, dict) and set(self.include) <= prediction.keys()
        if not fits:
            expected = "a list of entities" if self.include is None else f"an object with {', '.join(self.include)}"
            raise InvokeError(f"the function returned {_kind(prediction)}, not {expected}", remedy=CHECK)


def _kind(prediction: Any) -> str:
    if isinstance(prediction, dict):
        return f"an object with {', '.join(sorted(map(str, prediction)))[:200] or 'no keys'}"
    return "a list of something else" if isinstance(prediction, list) else f"{str(prediction)[:40]!r}"
