"""Python processes in the user's folder do not import its files, which may have the names of modules."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "spacy_lambda"
COMMAND = re.compile(r"sys\.executable, (.*)")


def test_python_is_started_without_the_current_folder_on_its_path() -> None:
    found = [
        (path.relative_to(SOURCE).as_posix(), command)
        for path in SOURCE.rglob("*.py")
        for command in COMMAND.findall(path.read_text(encoding="utf-8"))
        if command.startswith('"')
    ]
    # A bundle's own folder is the current one there.
    others = [path for path, command in found if not command.startswith(('"-P"', '"-I"'))]
    assert (len(found), others) == (6, ["local/requirements.py"])
