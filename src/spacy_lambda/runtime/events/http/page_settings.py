"""Environment variables of the page: whether it is served, its examples, and the function it compares this one with."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from spacy_lambda.core.env_names import COMPARE_VARIABLE, EXAMPLES_VARIABLE, PAGE_VARIABLE
from spacy_lambda.core.strict_json import parse_json

__all__ = ["GENERAL", "OtherFunction", "example_texts", "has_page", "other_function"]

GENERAL = {
    "de": (
        "Im März 2021 eröffneten das norwegische Unternehmen Equinor und die Universität Oslo ein Labor in Bergen.",
    ),
    "en": (
        "In March 2021 the Norwegian company Equinor and the University of Oslo opened a laboratory in Bergen.",
        "Dear Ms Novak, thank you for your order of 12 May. Both lamps, €89.90 each, will be sent to Vienna on Friday.",
    ),
    "es": ("En marzo de 2021, la empresa noruega Equinor y la Universidad de Oslo abrieron un laboratorio en Bergen.",),
    "fr": (
        "En mars 2021, l'entreprise norvégienne Equinor et l'université d'Oslo ont ouvert un laboratoire à Bergen.",
    ),
}
"""Examples of no special domain, by the pipeline's language; a pipeline for another language has none."""


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


def example_texts(environ: Mapping[str, str], meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the page's examples: the function's, else the pipeline's, else general ones in its language.

    :param meta: The pipeline's ``meta.json``.
    """
    value = environ.get(EXAMPLES_VARIABLE, "").strip()
    own = _read_examples(value) if value else ()
    return own or _texts(meta.get("examples")) or GENERAL.get(str(meta.get("lang")), ())


def other_function(environ: Mapping[str, str]) -> OtherFunction | None:
    """Return the function that the page compares with, if it is named."""
    value = environ.get(COMPARE_VARIABLE, "").strip()
    return _read(value) if value and has_page(environ) else None


@cache
def _read_examples(value: str) -> tuple[str, ...]:
    """Read the setting; an invalid value is logged, and leaves the other examples."""
    try:
        texts = parse_json(value)
    except ValueError:
        texts = None
    found = _texts(texts)
    if found is None:
        _LOGGER.warning('%s is ignored: it is not a JSON array of strings, such as ["A text."]', EXAMPLES_VARIABLE)
    return found or ()


def _texts(value: object) -> tuple[str, ...] | None:
    """Return the texts of an array of strings, without blank ones; ``None`` if it is something else."""
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(text for text in value if text.strip())
    return None


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
