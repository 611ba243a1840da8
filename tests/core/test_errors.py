"""Errors that leave a process, or are kept as values."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from spacy_lambda import errors
from spacy_lambda.errors import SpacyLambdaError

ERRORS: dict[type[SpacyLambdaError], SpacyLambdaError] = {
    errors.MissingExtraError: errors.MissingExtraError("client", missing="boto3"),
    errors.ConfigError: errors.ConfigError("a.toml", [("key", "is bad", "mend it"), ("other", "is bad", "mend it")]),
    errors.UnsupportedPipelineError: errors.UnsupportedPipelineError([("reason", "remedy")]),
    errors.InvokeError: errors.InvokeError("it failed", remedy="mend it", key="texts[1]"),
    errors.RequestError: errors.RequestError("bad", remedy="mend it", key="text", status=413, keys=["text", "include"]),
    errors.OutOfTimeError: errors.OutOfTimeError("late", remedy="send less", key="text", status=413),
}
"""An error of each class whose arguments are its own."""


CLASSES = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, SpacyLambdaError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_are_pickled_and_copied_with_all_their_fields(kind: type[SpacyLambdaError]) -> None:
    error = ERRORS.get(kind) or kind("it failed", remedy="mend it")
    error.add_note("a note")
    for found in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(found) is kind
        assert (str(found), found.args, vars(found)) == (str(error), error.args, vars(error))
