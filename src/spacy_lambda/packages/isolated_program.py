"""Load and query a pipeline in this process, which sees the packages of one folder and no others.

``python -I -S isolated_program.py REQUEST RESPONSE``, both JSON files; started by :mod:`.isolation`, perhaps under
another Python, so nothing but the standard library is imported before the folder is on the path. The caller's
queries are a Python file with ``load(pipeline)`` and ``query(loaded, request)``. Missing modules and unreadable files
are recorded even where the pipeline catches the error.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import sysconfig
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

__all__ = ["Failure", "describe_failure", "main"]

NAMED_BY = {"from_config": "pipe_name", "add_pipe": "name", "create_pipe": "name", "__call__": "name", "_pipe": "name"}
NAMED_BY |= {"from_disk": "key"}
"""Functions of spaCy, and the variable of each that holds a component's name."""


@dataclass(frozen=True)
class Failure:
    """An exception in a form that can be sent to another process.

    :param component: The component at work, where it is known.
    :param kind: The exception's class.
    :param message: Its message.
    :param where: File and line of the frame that raised it.
    :param missing: Modules that could not be found, in it or in its causes.
    """

    component: str | None
    kind: str
    message: str
    where: str
    missing: list[str] = field(default_factory=list)


def describe_failure(exc: BaseException, component: str | None = None) -> Failure:
    """Describe an exception and its causes, by the first of them that is not spacy-lambda's.

    :param component: The component at work; by default, the one named in spaCy's own stack frames.
    """
    chain = list(_causes(exc))
    missing = [link.name for link in chain if isinstance(link, ImportError) and link.name]
    raised = next((link for link in chain if not type(link).__module__.startswith("spacy_lambda")), exc)
    frames = traceback.extract_tb(raised.__traceback__)
    return Failure(
        component=component or next(filter(None, map(_component_at_work, chain)), None),
        kind=type(raised).__name__,
        message=str(raised),
        where=f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?",
        missing=list(dict.fromkeys(missing)),
    )


def main() -> None:
    """Read the request, run it, and write the response."""
    request, response = map(Path, sys.argv[1:])
    found = _run(json.loads(request.read_bytes()))
    response.write_text(json.dumps(found), encoding="utf-8")


def _run(request: dict[str, Any]) -> dict[str, Any]:
    sys.path.insert(0, request["root"])
    finder, blocked = _MissingModules(), list[str]()
    found: dict[str, Any] = {"failure": None, "loading": True, "missing": finder.names, "blocked": blocked}
    try:
        queries = _import_file(Path(request["queries"]))
        # From here on: optional imports of spaCy itself are not the pipeline's.
        sys.meta_path.append(finder)
        if request["readable"] is not None:
            _block_files(request["readable"], blocked)
        began = time.perf_counter()
        loaded = queries.load(Path(request["pipeline"]))
        found |= {"loading": False, "load_s": time.perf_counter() - began}
        found["results"] = queries.query(loaded, request)
    except BaseException as exc:  # any exception of user code
        found["failure"] = asdict(describe_failure(exc))
    return {**found, "peak_mb": _peak_mb(), "modules": sorted(_modules_below(request["root"]))}


def _peak_mb() -> int | None:
    """Return the peak of the memory without pages of mapped files; ``None`` without a ``/proc``."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        peak, mapped = (int(status.partition(name)[2].split()[0]) for name in ("VmHWM:", "RssFile:"))
    except (OSError, ValueError, IndexError):
        return None
    return (peak - mapped) // 1024


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("spacy_lambda_queries", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _MissingModules(MetaPathFinder):
    """Records the modules that are not found: as the last finder, it is called for modules that no other finds."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Record the name, and the file that imports it."""
        frame = sys._getframe(1)
        while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        entry = [fullname, frame.f_code.co_filename]
        if entry not in self.names:
            self.names.append(entry)
        return None


def _block_files(readable: list[str], blocked: list[str]) -> None:
    """Allow opening files below some folders only, as the others will be missing in the function.

    :param readable: Files and folders, in addition to the standard library.
    :param blocked: Receives the others that were opened.
    """
    stdlib = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    real = [os.path.realpath(path) for path in stdlib]
    below, stdlib_folders = (
        tuple(f"{path.rstrip(os.sep)}{os.sep}" for path in paths) for paths in (readable, stdlib + real)
    )

    def is_readable(path: str) -> bool:
        if path.startswith(below) or path in readable:
            return True
        # Other packages may be installed in the standard library's folder.
        return path.startswith(stdlib_folders) and "-packages" not in path

    def block(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if is_readable(path) or not os.path.isfile(path) or is_readable(os.path.realpath(path)):
            return
        if path not in blocked:
            blocked.append(path)
        raise FileNotFoundError(2, "this file will not be in the function", path)

    sys.addaudithook(block)


def _modules_below(root: str) -> Iterator[str]:
    """Yield the modules that came from a folder; a pipeline's custom code came from elsewhere."""
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None)
        if spec is not None and spec.name == name and origin and origin.startswith(root + os.sep):
            yield name


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _component_at_work(error: BaseException) -> str | None:
    """Return the name of the component in the innermost of spaCy's frames."""
    found, link = None, error.__traceback__
    while link is not None:
        frame = link.tb_frame
        if _is_spacy(frame):
            name = frame.f_locals.get(NAMED_BY.get(frame.f_code.co_name, ""))
            found = name if isinstance(name, str) else found
        link = link.tb_next
    return found


def _is_spacy(frame: FrameType) -> bool:
    return frame.f_code.co_filename.endswith(("spacy/language.py", "spacy/util.py"))


if __name__ == "__main__":
    main()
