"""A pipeline run one component after the other, so that annotations, failures and time are measured for each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

__all__ = ["ComponentRunner", "FailedDoc"]


@dataclass(frozen=True)
class FailedDoc:
    """Stands for a Doc on which a component raised.

    :param component: The component's name, or ``tokenizer``.
    :param error: The exception's class and message.
    """

    component: str
    error: str


class ComponentRunner:
    """Runs a pipeline's components one by one, and measures the time.

    :param nlp: The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        self._components = dict(nlp.pipeline)
        self._nlp = nlp
        self.seconds = 0.0

    def warm_up(self, texts: Sequence[str]) -> None:
        """Run once on texts like those that follow, so that the first run's preparations are not measured.

        :param texts: A batch as large as the measured ones: torch prepares itself for each new shape.
        """
        docs = self.tokenize(texts)
        for name in self._components:
            docs = self.run(name, docs)
        self.seconds = 0.0

    def tokenize(self, texts: Sequence[str]) -> list[Doc | FailedDoc]:
        """Make Docs of texts."""
        return [self._each("tokenizer", self._nlp.make_doc, text) for text in texts]

    def run(self, name: str, docs: Sequence[Doc | FailedDoc]) -> list[Doc | FailedDoc]:
        """Run one component on Docs, together if it can, else one by one."""
        alive = [doc for doc in docs if isinstance(doc, Doc)]
        done = iter(self._together(name, alive))
        return [next(done) if isinstance(doc, Doc) else doc for doc in docs]

    def _together(self, name: str, docs: list[Doc]) -> list[Doc | FailedDoc]:
        component: Any = self._components[name]
        begun = time.perf_counter()
        if hasattr(component, "pipe") and docs:
            try:
                found: list[Doc | FailedDoc] = list(component.pipe(iter(docs)))
                self.seconds += time.perf_counter() - begun
                if len(found) == len(docs):
                    return found
            except Exception:  # any exception of user code; on which text, is found out below
                self.seconds += time.perf_counter() - begun
        return [self._each(name, component, doc) for doc in docs]

    def _each(self, name: str, function: Any, value: Any) -> Doc | FailedDoc:
        begun = time.perf_counter()
        try:
            found: Doc = function(value)
        except Exception as exc:  # any exception of user code
            return FailedDoc(name, f"{type(exc).__name__}: {exc}")
        finally:
            self.seconds += time.perf_counter() - begun
        return found
