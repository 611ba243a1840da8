"""Entities that were found and those that were expected -> an assertion whose message shows what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_lambda.deploy.expected_predictions import find_difference
from spacy_lambda.deploy.golden_lines import split_line

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import Invocation
    from spacy_lambda.local import LocalLambda

__all__ = ["assert_golden", "assert_no_failures", "assert_same_entities"]

Entity = tuple[Any, ...]

FULL = "text, label, start, end"
"""The form of an entity as predictions have it."""


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
    _raise_error(invocation)
    difference = None if expected is None else find_difference(expected, invocation.answer)
    if difference is not None:
        shown = (json.dumps(value, ensure_ascii=False) for value in (expected, invocation.answer))
        raise AssertionError("\n".join([difference, *map("  {}: {}".format, ("expected", "predicted"), shown)]))


def assert_no_failures(invocation: Invocation) -> None:
    """Assert that a function ended without an error, and has reported no record of a batch as failed.

    A batch of SQS or Kinesis in which records fail is not an error: the response names them, so that they are retried.

    ::

        assert_no_failures(function.invoke(make_event("sqs", texts=["Films of iron oxide."])))

    :param invocation: The result of ``invoke``.
    :raises AssertionError: If the function has failed, or records have; with the end of the log.
    """
    __tracebackhide__ = True  # pytest then shows the test
    _raise_error(invocation)
    answer = invocation.answer
    failures = answer.get("batchItemFailures") if isinstance(answer, Mapping) else None
    if failures:
        names = ", ".join(str(one.get("itemIdentifier")) for one in failures)
        raise AssertionError(f"records failed: {names}\n{invocation.log_tail}".rstrip())


def _raise_error(invocation: Invocation) -> None:
    __tracebackhide__ = True
    if invocation.error is not None:
        raise AssertionError(
            f"{invocation.error.error_type}: {invocation.error.message}\n{invocation.log_tail}".rstrip()
        )


def assert_same_entities(found: Any, expected: Iterable[Any]) -> None:
    """Assert that both have the same entities, in any order.

    ::

        assert_same_entities(function.predict(text), [("iron oxide", "MATERIAL")])

    :param found: A prediction: entities, ``{"ents": [...]}``, or a spaCy Doc.
    :param expected: The same, or ``(text, label)``, or ``(start, end, label)`` in characters, also mixed. Each is
        compared by the values that it has.
    :raises AssertionError: If they differ; lists entities that are missing, and those that were not expected.
    :raises TypeError: If something else is given.
    """
    __tracebackhide__ = True  # pytest then shows the test
    wanted = [(_form(entity), entity) for entity in _entities(expected)]
    forms = {form for form, _ in wanted}
    shown = next(iter(forms)) if len(forms) == 1 else FULL
    missing: list[Entity] = []
    unexpected = _entities(found)
    # Longer forms come first: a shorter one may fit several entities.
    for form, entity in sorted(wanted, key=lambda one: -len(one[0])):
        value = _reduced(entity, form)
        fitting = next((number for number, one in enumerate(unexpected) if _reduced(one, form) == value), None)
        if fitting is None:
            missing.append(value)
        else:
            del unexpected[fitting]
    if missing or unexpected:
        raise AssertionError(_message(shown, missing=missing, unexpected=[_reduced(one, shown) for one in unexpected]))


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
        return FULL
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


def _message(form: str, *, missing: Sequence[Entity], unexpected: Sequence[Entity]) -> str:
    lines = [f"the entities differ ({form})"]
    for name, entities in (("missing", missing), ("unexpected", unexpected)):
        lines += [f"  {name}: {entity!r}" for entity in sorted(entities, key=repr)]
    return "\n".join(lines)
