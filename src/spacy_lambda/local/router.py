"""The paths of several functions on one server, as behind a proxy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from spacy_lambda.core.env_names import BASE_PATH_VARIABLE, COMPARE_VARIABLE
from spacy_lambda.local.function_url import FunctionUrl
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.settings import FunctionSettings, LocalFunction
from spacy_lambda.runtime.events.http.cors import allowed_origins

__all__ = ["COMPARE_PATH", "RoutedFunction", "Router", "side_by_side"]

COMPARE_PATH = "/compare/"
COMPARE_SUFFIX = "-compare"


@dataclass(frozen=True)
class RoutedFunction:
    """A function that can be called.

    :param settings: The function.
    :param invoke: Serves one request.
    """

    settings: FunctionSettings
    invoke: Callable[[InvokeRequest], Awaitable[Outcome]]


class Router:
    """The Function URLs of one server; each function sees only its own paths.

    :param functions: The functions by the path of their URLs: ``/``, which is required, ``/compare/``, ...
    """

    def __init__(self, functions: Mapping[str, RoutedFunction]) -> None:
        longest_first = sorted(functions.items(), key=lambda item: len(item[0]), reverse=True)
        self._urls = [
            (path.encode("ascii"), FunctionUrl(function.settings, function.invoke)) for path, function in longest_first
        ]
        self._origins = {
            path.encode("ascii"): allowed_origins(function.settings.environment) for path, function in functions.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one call on."""
        # As it was sent: "/compare%2Fx" is one step of a path, which decoding would hide.
        raw: bytes = scope["raw_path"]
        path, url = self._find_url(raw)
        own = raw[len(path) - 1 :] or b"/"
        await url({**scope, "raw_path": own, "path": unquote(own.decode("ascii"))}, receive, send)

    def origins(self, scope: Scope) -> tuple[str, ...]:
        """Return the origins whose pages may call the function of a call."""
        return self._origins[self._find_url(scope["raw_path"])[0]]

    def _find_url(self, raw: bytes) -> tuple[bytes, FunctionUrl]:
        return next((found for found in self._urls if _is_below(raw, found[0])), self._urls[-1])


def _is_below(raw: bytes, path: bytes) -> bool:
    return raw.startswith(path) or raw == path[:-1]


def side_by_side(first: LocalFunction, second: LocalFunction) -> dict[str, LocalFunction]:
    """Return two functions by their paths; the page of the first one can compare with the second.

    The second is named after the first, and its path is ``/compare/``.

    :param first: The function at ``/``.
    :param second: The function at ``/compare/``.
    """
    environment = {COMPARE_VARIABLE: COMPARE_PATH.lstrip("/"), **first.settings.environment}
    below = {BASE_PATH_VARIABLE: COMPARE_PATH.rstrip("/"), **second.settings.environment}
    name = first.settings.name + COMPARE_SUFFIX
    return {
        "/": replace(first, settings=replace(first.settings, environment=environment)),
        COMPARE_PATH: replace(second, settings=replace(second.settings, name=name, environment=below)),
    }
