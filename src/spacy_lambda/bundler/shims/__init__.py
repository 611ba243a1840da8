"""Shims: small modules that replace large ones in a bundle. Each file has the name of the module that it replaces."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from spacy_lambda.bundler.slim import Removal

__all__ = ["install_shims"]

SHIMS = Path(__file__).parent


def install_shims(tree: Path) -> list[Removal]:
    """Replace modules by their shims, where a shim works with the version that is installed here and bundled.

    :returns: The removed files.
    """
    modules = sorted((tree / "blis").glob("py.*.so"))
    if len(modules) != 1 or not _works("blis_py"):
        return []
    size = modules[0].stat().st_size
    modules[0].unlink()
    shutil.copyfile(SHIMS / "blis_py.py", tree / "blis" / "py.py")
    return [Removal("blis/py.*.so", "blis/cy.*.so contains the same library; a shim calls it there", 1, size)]


def _works(shim: str) -> bool:
    """Return whether a shim works with the installed version of its package."""
    try:
        importlib.import_module(f"{__name__}.{shim}")
    except (ImportError, AttributeError, KeyError):
        return False
    return True
