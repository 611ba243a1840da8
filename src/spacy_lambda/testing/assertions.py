"""Entities that were found and those that were expected -> an assertion whose message shows what differs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_lambda.deploy.expected_predictions import find_difference
from spacy_lambda.deploy.golden_lines import split_line

if TYPE_CHECKING:
    from spacy_lambda.local import LocalLambda

__all__ = ["assert_golden", "assert_same_entities"]

Entity = tuple[Any, ...]


def assert_golden(function: LocalLambda, golden: Mapping[str, Any]) -> None:
    """Assert that a function predicts what a line of golden tests expects, compared as ``deploy`` compares it.

    ::

        @pytest.mark.spacy_lambda_texts("golden.jsonl")
        def test_golden(spacy_lambda_function, golden):
            assert_golden(spacy_lambda_function, golden)

    :param function: The function, such as the fixture ``spacy_lambda_function``.
    :param golden: The line: a request, with or without ``expected``, or a document as ``spacy-lambda annotate`` writes
        it.
    :raises AssertionError: If the prediction differs, or the function returns an error.
    :raises DeployError: If what the line expects is invalid.
    """
    __tracebackhide__ = True  # pytest then shows the test
    request, expected = split_line(golden)
    invocation = function.invoke(request)
    if invocation.error is not None:
        raise AssertionError(
            f"{invocation.error.error_type}: {invocation.error.message}\n{invocation.log_tail}".rstrip()
        )
    difference = None if expected is None else find_difference(expected, invocation.answer)
    if difference is not None:
        shown = (json.dumps(value, ensure_ascii=False) for value in (expected, invocation.answer))
        raise AssertionError("\n".join([difference, *map("  {}: {}".format, ("expected", "predicted"), shown)]))


def assert_same_entities(found: Any, expected: Iterable[Any]) -> None:
    """Assert that both have the same entities, in any order.

    ::

        assert_same_entities(function.predict(text), [("iron oxide", "MATERIAL")])

    :param found: A prediction: entities, ``{"ents": [...]}``, or a spaCy Doc.
    :param expected: The same, or ``(text, label)``, or ``(start, end, label)`` in characters. Entities of the
        first form are compared by all four values.
    :raises AssertionError: If they differ; lists entities that are missing, and those that were not expected.
    :raises TypeError: If something else is given, or forms are mixed.
    """
    __tracebackhide__ = True  # pytest then shows the test
    wanted = _entities(expected)
    forms = {_form(entity) for entity in wanted}
    if len(forms) > 1:
        raise TypeError(f"the expected entities have different forms: {', '.join(sorted(forms))}")
    form = next(iter(forms), "text, label, start, end")
    have = Counter(_reduced(entity, form) for entity in _entities(found))
    want = Counter(_reduced(entity, form) for entity in wanted)
    if have != want:
        raise AssertionError(_message(form, missing=want - have, unexpected=have - want))


def _entities(value: Any) -> list[Any]:
    """Return entities as mappings or tuples."""
    if isinstance(value, Mapping):
        value = value.get("ents", [value])
    elif hasattr(value, "ents"):
        return [
            {"text": ent.text, "label": ent.label_, "start": ent.start_char, "end": ent.end_char} for ent in value.ents
        ]
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"entities are expected, not {value!r}")
    return list(value)


def _form(entity: Any) -> str:
    """Return the names of an entity's values.

    :raises TypeError: If it is not an entity.
    """
    if isinstance(entity, Mapping) and {"text", "label", "start", "end"} <= entity.keys():
        return "text, label, start, end"
    if isinstance(entity, Sequence) and not isinstance(entity, str):
        if len(entity) == 2:
            return "text, label"
        if len(entity) == 3:
            return "start, end, label"
    raise TypeError(f"{entity!r} is not an entity: a mapping, (text, label) or (start, end, label) is expected")


def _reduced(entity: Any, form: str) -> Entity:
    if not isinstance(entity, Mapping):
        return tuple(entity)
    return tuple(entity[name] for name in form.split(", "))


def _message(form: str, *, missing: Counter[Entity], unexpected: Counter[Entity]) -> str:
    lines = [f"the entities differ ({form})"]
    for name, entities in (("missing", missing), ("unexpected", unexpected)):
        lines += [f"  {name}: {entity!r}" for entity in sorted(entities.elements(), key=repr)]
    return "\n".join(lines)
