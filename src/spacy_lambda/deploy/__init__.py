"""From a file that says what is wanted to functions on AWS.

The constructs are of use without the rest: ``NerFunction`` in an app of one's own. They are loaded when they are asked
for, because the CDK starts Node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy_lambda.errors import MissingExtraError

if TYPE_CHECKING:
    from spacy_lambda.cdk.function_stack import FunctionStack
    from spacy_lambda.cdk.ner_function import NerFunction
    from spacy_lambda.cdk.settings import FunctionConfig
    from spacy_lambda.cdk.shared_stack import SharedStack
    from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, SharedSpec, ZipCode

__all__ = [
    "FunctionConfig",
    "FunctionSpec",
    "FunctionStack",
    "ImageCode",
    "NerFunction",
    "SharedSpec",
    "SharedStack",
    "ZipCode",
]

_MODULES = {
    "FunctionConfig": "settings",
    "FunctionSpec": "spec",
    "FunctionStack": "function_stack",
    "ImageCode": "spec",
    "NerFunction": "ner_function",
    "SharedSpec": "spec",
    "SharedStack": "shared_stack",
    "ZipCode": "spec",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"spacy_lambda.cdk.{_MODULES[name]}")
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("spacy_lambda"):
            raise
        raise MissingExtraError("deploy", missing=str(exc.name)) from exc
    return getattr(module, name)
