"""From a file that says what is wanted to functions on AWS.

The constructs are of use without the rest: ``NerFunction`` in an app of one's own. They are loaded when they are asked
for, because the CDK starts Node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy_lambda.errors import MissingExtraError

if TYPE_CHECKING:
    from spacy_lambda.deploy.cdk.function_stack import FunctionStack
    from spacy_lambda.deploy.cdk.ner_function import NerFunction
    from spacy_lambda.deploy.cdk.shared_stack import SharedStack

__all__ = ["FunctionStack", "NerFunction", "SharedStack"]

_MODULES = {"FunctionStack": "function_stack", "NerFunction": "ner_function", "SharedStack": "shared_stack"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"{__name__}.cdk.{_MODULES[name]}")
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("spacy_lambda"):
            raise
        raise MissingExtraError("deploy", missing=str(exc.name)) from exc
    return getattr(module, name)
