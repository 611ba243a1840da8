"""spaCy's registry, populated without the tokenizers of other languages.

When it is first used, spaCy registers the tokenizers of five languages and imports all of their data, for a pipeline of
any language. Here, small functions are registered in their place, which import a language when its tokenizer is made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["populate_registry"]

Factory = Callable[..., Any]


def populate_registry() -> None:
    """Populate the registry, unless it is."""
    from spacy import registrations

    with _stand_ins():
        try:
            registrations.populate_registry()
        except ImportError:  # another version of spaCy imports something else
            pass
        else:
            return
    registrations.populate_registry()


def _japanese(split_mode: str | None = None) -> Factory:
    return _real("ja", "create_tokenizer")(split_mode=split_mode)


def _korean() -> Factory:
    return _real("ko", "create_tokenizer")()


def _thai() -> Factory:
    return _real("th", "create_thai_tokenizer")()


def _vietnamese(use_pyvi: bool = True) -> Factory:
    return _real("vi", "create_vietnamese_tokenizer")(use_pyvi=use_pyvi)


def _chinese(segmenter: str = "char") -> Factory:
    return _real("zh", "create_chinese_tokenizer")(segmenter=segmenter)


STAND_INS: Mapping[str, tuple[str, Factory]] = {
    "ja": ("create_tokenizer", _japanese),
    "ko": ("create_tokenizer", _korean),
    "th": ("create_thai_tokenizer", _thai),
    "vi": ("create_vietnamese_tokenizer", _vietnamese),
    "zh": ("create_chinese_tokenizer", _chinese),
}
"""Name and stand-in of the function that each language registers; the stand-in has the function's parameters."""


def _real(language: str, name: str) -> Callable[..., Factory]:
    function: Callable[..., Factory] = getattr(import_module(f"spacy.lang.{language}"), name)
    return function


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Put modules with the stand-ins in the place of languages that are not imported."""
    placed: dict[str, ModuleType] = {}
    for language, (name, factory) in STAND_INS.items():
        module = ModuleType(f"spacy.lang.{language}")
        setattr(module, name, factory)
        if module.__name__ not in sys.modules:
            sys.modules[module.__name__] = placed[module.__name__] = module
    try:
        yield
    finally:
        for full_name, module in placed.items():
            if sys.modules.get(full_name) is module:
                del sys.modules[full_name]
