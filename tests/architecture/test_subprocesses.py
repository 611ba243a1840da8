"""Python processes in the user's folder do not import its files, which may have the names of modules."""

from __future__ import annotations

import re

from tests.architecture.source_files import MODULES, relative

COMMAND = re.compile(r"sys\.executable, (.*)")


def test_python_is_started_without_the_current_folder_on_its_path() -> None:
    found = [
        (relative(path), command)
        for path in MODULES
        for command in COMMAND.findall(path.read_text(encoding="utf-8"))
        if command.startswith('"')
    ]
    # A bundle's own folder is the current one there.
    others = [path for path, command in found if not command.startswith(('"-P"', '"-I"'))]
    assert (len(found), others) == (6, ["local/requirements.py"])
