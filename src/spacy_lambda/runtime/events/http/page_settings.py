"""Environment variables of the page: whether it is served, its examples, and the function it compares this one with."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from spacy_lambda.core.env_names import COMPARE_VARIABLE, EXAMPLES_VARIABLE, PAGE_VARIABLE
from spacy_lambda.core.strict_json import parse_json

__all__ = ["OtherFunction", "example_texts", "has_page", "other_function"]


# The origin becomes part of the page's policy, so nothing is let through that could be more than a host. The policy's
# grammar has no IPv6 addresses (https://www.w3.org/TR/CSP3/#grammardef-host-part).
_STEPS = r"(?:[\w.~-]+/)"
_RELATIVE = re.compile(rf"/{_STEPS}*|{_STEPS}+", re.ASCII)
_ABSOLUTE = re.compile(rf"(?P<origin>https?://[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d{{1,5}})?)/{_STEPS}*", re.I | re.ASCII)

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class OtherFunction:
    """Another function.

    :param url: The URL of its API, with a slash at the end.
    :param origin: The origin that the page's policy has to allow; ``None`` if it is the page's own.
    """

    url: str
    origin: str | None


def has_page(environ: Mapping[str, str]) -> bool:
    """Return whether the page is served."""
    return environ.get(PAGE_VARIABLE) == "on"


def example_texts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the page's own examples; without them it shows general ones."""
    value = environ.get(EXAMPLES_VARIABLE, "").strip()
    return _read_examples(value) if value and has_page(environ) else ()


def other_function(environ: Mapping[str, str]) -> OtherFunction | None:
    """Return the function that the page compares with, if it is named."""
    value = environ.get(COMPARE_VARIABLE, "").strip()
    return _read(value) if value and has_page(environ) else None


@cache
def _read_examples(value: str) -> tuple[str, ...]:
    """Read the setting; an invalid value is logged, and leaves the general examples."""
    try:
        texts = parse_json(value)
    except ValueError:
        texts = None
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return tuple(text for text in texts if text.strip())
    _LOGGER.warning('%s is ignored: it is not a JSON array of strings, such as ["A text."]', EXAMPLES_VARIABLE)
    return ()


@cache
def _read(value: str) -> OtherFunction | None:
    """Read the setting; an invalid value disables the comparison and is logged."""
    url = value if value.endswith("/") else f"{value}/"
    absolute = _ABSOLUTE.fullmatch(url)
    if absolute:
        return OtherFunction(url, absolute["origin"].lower())
    if _RELATIVE.fullmatch(url):
        return OtherFunction(url, None)
    _LOGGER.warning(
        "%s is ignored: %r is neither a path nor http(s)://HOST/ without user, query and fragment",
        COMPARE_VARIABLE,
        value[:200],
    )
    return None
