"""spaCy, imported without its command line.

``import spacy`` imports ``spacy.cli`` for the sake of one function, ``spacy.info``, and with it a web client, a
template engine and a project manager: a quarter of the import's time in every cold start. While spaCy is imported
here, an empty stand-in takes the place of ``spacy.cli``; afterwards it is gone, and code that imports ``spacy.cli``
gets the real one.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from spacy_lambda.runtime.gc_pause import gc_paused

__all__ = ["spacy"]


def _info(*args: Any, **kwargs: Any) -> Any:
    """``spacy.info``, importing the command line when it is called."""
    from spacy.cli.info import info

    return info(*args, **kwargs)


def _import_spacy() -> ModuleType:
    if "spacy" not in sys.modules:
        package, module = ModuleType("spacy.cli"), ModuleType("spacy.cli.info")
        package.__path__ = []
        module.info = _info  # type: ignore[attr-defined]
        stand_ins = {"spacy.cli": package, "spacy.cli.info": module}
        sys.modules.update(stand_ins)
        try:
            with gc_paused():
                import spacy
        finally:
            for name, stand_in in stand_ins.items():
                if sys.modules.get(name) is stand_in:
                    del sys.modules[name]
    import spacy

    return spacy


spacy: Any = _import_spacy()
