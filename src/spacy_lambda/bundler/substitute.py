"""Large modules of a bundle's folder -> small ones that do the same (see :mod:`.stand_ins`)."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from spacy_lambda.bundler.slim import Removal

__all__ = ["substitute_modules"]

STAND_INS = Path(__file__).parent / "stand_ins"


def substitute_modules(tree: Path) -> list[Removal]:
    """Put each stand-in in its module's place, where it works with the version that is installed here and bundled.

    :returns: What was removed for it.
    """
    modules = sorted((tree / "blis").glob("py.*.so"))
    if len(modules) != 1 or not _works("blis_py"):
        return []
    size = modules[0].stat().st_size
    modules[0].unlink()
    shutil.copyfile(STAND_INS / "blis_py.py", tree / "blis" / "py.py")
    return [Removal("blis/py.*.so", "the same library is in blis/cy.*.so, and a stand-in calls it there", 1, size)]


def _works(stand_in: str) -> bool:
    """Whether it finds what it needs: no other version of a package has promised it."""
    try:
        importlib.import_module(f"spacy_lambda.bundler.stand_ins.{stand_in}")
    except (ImportError, AttributeError, KeyError):
        return False
    return True
