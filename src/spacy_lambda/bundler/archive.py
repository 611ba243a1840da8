"""A folder -> a zip, the same bytes each time."""

from __future__ import annotations

import zipfile
from pathlib import Path

__all__ = ["write_zip"]

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o100644 << 16
PROGRAM_MODE = 0o100755 << 16


def write_zip(tree: Path, out: Path) -> None:
    """Write every file, sorted by path, with one date and one of two modes."""
    with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(name, FIRST_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = PROGRAM_MODE if name.endswith(".so") else FILE_MODE
            archive.writestr(entry, (tree / name).read_bytes())
