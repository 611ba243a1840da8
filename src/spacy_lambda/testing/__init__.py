"""Tests of a function by its users: in their own suite, with pytest, without Docker and without an account.

::

    pipeline or bundle ──plugin──▶ local.served_pipeline ──▶ the handler, as Lambda runs it
    texts ──events──▶ event ──────────────┘ └──▶ entities ──assertions──▶ a readable difference

pytest loads ``plugin``, which imports the rest only for tests that use its fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.local.served_pipeline import serve_function
    from spacy_lambda.testing.assertions import assert_golden, assert_no_failures, assert_same_entities
    from spacy_lambda.testing.events import EVENT_KINDS, make_event

__all__ = ["EVENT_KINDS", "assert_golden", "assert_no_failures", "assert_same_entities", "make_event", "serve_function"]

_LAZY_IMPORTS = {
    "EVENT_KINDS": "spacy_lambda.testing.events",
    "assert_golden": "spacy_lambda.testing.assertions",
    "assert_no_failures": "spacy_lambda.testing.assertions",
    "assert_same_entities": "spacy_lambda.testing.assertions",
    "make_event": "spacy_lambda.testing.events",
    "serve_function": "spacy_lambda.local.served_pipeline",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
