"""Paths on the server -> functions, as with a proxy in front of several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from spacy_lambda.core.env_names import COMPARE_VARIABLE
from spacy_lambda.local.function_url import FunctionUrl
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.settings import FunctionSettings, LocalFunction
from spacy_lambda.runtime.events.http.cors import allowed_origins

__all__ = ["COMPARE_PATH", "RoutedFunction", "Router", "side_by_side"]

COMPARE_PATH = "/compare/"
COMPARE_SUFFIX = "-compare"


@dataclass(frozen=True)
class RoutedFunction:
    """A function as callers reach it.

    :param settings: The function.
    :param invoke: Serves one request.
    """

    settings: FunctionSettings
    invoke: Callable[[InvokeRequest], Awaitable[Outcome]]


class Router:
    """The Function URLs of one server; each function sees its own paths only.

    :param targets: The functions by the path below which they are: ``/``, which has to be there, ``/compare/``, ...
    """

    def __init__(self, targets: Mapping[str, RoutedFunction]) -> None:
        longest_first = sorted(targets.items(), key=lambda item: len(item[0]), reverse=True)
        self._urls = [
            (path.encode("ascii"), FunctionUrl(target.settings, target.invoke)) for path, target in longest_first
        ]
        self._origins = {
            path.encode("ascii"): allowed_origins(target.settings.environment) for path, target in targets.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one call on."""
        # As it was sent: "/compare%2Fx" is one step of a path, which its decoded form does not tell.
        raw: bytes = scope["raw_path"]
        path, url = self._found(raw)
        own = raw[len(path) - 1 :] or b"/"
        await url({**scope, "raw_path": own, "path": unquote(own.decode("ascii"))}, receive, send)

    def origins(self, scope: Scope) -> tuple[str, ...]:
        """Origins whose pages may call the function that a call is for."""
        return self._origins[self._found(scope["raw_path"])[0]]

    def _found(self, raw: bytes) -> tuple[bytes, FunctionUrl]:
        return next((found for found in self._urls if _is_below(raw, found[0])), self._urls[-1])


def _is_below(raw: bytes, path: bytes) -> bool:
    return raw.startswith(path) or raw == path[:-1]


def side_by_side(first: LocalFunction, second: LocalFunction) -> dict[str, LocalFunction]:
    """Two functions for one server; the first one's page can compare itself with the second.

    The second is named after the first, and is below ``/compare/``.
    """
    environment = {COMPARE_VARIABLE: COMPARE_PATH.lstrip("/"), **first.settings.environment}
    name = first.settings.name + COMPARE_SUFFIX
    return {
        "/": replace(first, settings=replace(first.settings, environment=environment)),
        COMPARE_PATH: replace(second, settings=replace(second.settings, name=name)),
    }
