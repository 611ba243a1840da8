"""A pipeline run one component after the other, so that each one's annotations, failures and time are its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

__all__ = ["Failure", "Stages"]


@dataclass(frozen=True)
class Failure:
    """Stands for a Doc on which a component raised.

    :param component: Its name; ``tokenizer`` likewise.
    :param error: What it raised.
    """

    component: str
    error: str


class Stages:
    """Runs a pipeline's components, and counts the time.

    :param nlp: The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        self._components = dict(nlp.pipeline)
        self._nlp = nlp
        self.seconds = 0.0

    def warm_up(self, texts: Sequence[str]) -> None:
        """Run once on texts like those that follow, so that what is loaded or prepared at first is not counted.

        :param texts: A batch as large as the ones that count: torch prepares itself for each new shape.
        """
        docs = self.tokenize(texts)
        for name in self._components:
            docs = self.run(name, docs)
        self.seconds = 0.0

    def tokenize(self, texts: Sequence[str]) -> list[Doc | Failure]:
        """Make Docs of texts."""
        return [self._each("tokenizer", self._nlp.make_doc, text) for text in texts]

    def run(self, name: str, docs: Sequence[Doc | Failure]) -> list[Doc | Failure]:
        """Run one component on Docs, together if it can, else one by one."""
        alive = [doc for doc in docs if isinstance(doc, Doc)]
        done = iter(self._together(name, alive))
        return [next(done) if isinstance(doc, Doc) else doc for doc in docs]

    def _together(self, name: str, docs: list[Doc]) -> list[Doc | Failure]:
        component: Any = self._components[name]
        begun = time.perf_counter()
        if hasattr(component, "pipe") and docs:
            try:
                found: list[Doc | Failure] = list(component.pipe(iter(docs)))
                self.seconds += time.perf_counter() - begun
                if len(found) == len(docs):
                    return found
            except Exception:  # whatever the pipeline's own code raises; on which text, is found out below
                self.seconds += time.perf_counter() - begun
        return [self._each(name, component, doc) for doc in docs]

    def _each(self, name: str, function: Any, value: Any) -> Doc | Failure:
        begun = time.perf_counter()
        try:
            found: Doc = function(value)
        except Exception as exc:  # whatever the pipeline's own code raises
            return Failure(name, f"{type(exc).__name__}: {exc}")
        finally:
            self.seconds += time.perf_counter() - begun
        return found
