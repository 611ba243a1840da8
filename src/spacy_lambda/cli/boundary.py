"""The one place where the end of a command becomes output and an exit code.

====  ======================================================================================================
0     done
1     a known error, with its remedy; not confirmed; or the output was closed
2     usage error
70    a bug in spacy-lambda, to be reported
129   ended by SIGHUP; servers stop with 0
130   interrupted by Ctrl-C
143   ended by SIGTERM; servers stop with 0
====  ======================================================================================================
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

from spacy_lambda.cli.console import discard_output, open_streams, print_error, print_lines
from spacy_lambda.cli.end_signals import SignalInterrupt, interrupted_by_signals
from spacy_lambda.core.env_names import TRACEBACK_VARIABLE
from spacy_lambda.core.foreign_errors import CLIENTS, connection_reason, system_reason
from spacy_lambda.errors import SpacyLambdaError
from spacy_lambda.extras import missing_extra

__all__ = ["BUG", "INTERRUPTED", "KNOWN", "CommandAborted", "guarded"]

KNOWN, BUG, INTERRUPTED = 1, 70, 130

_REMEDIES = {
    errno.EACCES: "check its permissions and those of its parent folders",
    errno.EPERM: "check its permissions and those of its parent folders",
    errno.EROFS: "choose another folder; this one is read-only",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ENOSPC: "free disk space, or choose another folder; TMPDIR sets that of temporary files",
    errno.EDQUOT: "free some of your quota, or choose another folder",
    errno.EEXIST: "move or delete it, or choose another name",
    errno.EISDIR: "pass a file",
    errno.ENOTDIR: "pass a folder",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
    errno.ENFILE: "close other programs: the system has too many open files",
    errno.ENOMEM: "close other programs, or use a machine with more memory",
    errno.ELOOP: "check the symbolic links",
}
_KINDS = (
    (UnicodeError, "invalid Unicode", "encode names, files and texts in UTF-8"),
    (MemoryError, "out of memory", _REMEDIES[errno.ENOMEM]),
    (RecursionError, "the input is nested too deeply", "reduce its nesting"),
)
"""Errors that only input from outside causes."""

_DEFAULT_REMEDY = "check that it exists and that its folder is writable (TMPDIR for temporary files)"


class CommandAborted(Exception):
    """An exception that is carried past typer, which would turn it into another exit code."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


def guarded(run: Callable[[], Any]) -> int:
    """Run the command line; no exception of it gets any further.

    :param run: The command line. Raises :class:`SystemExit` if typer has printed everything.
    :returns: The exit code.
    """
    open_streams()
    try:
        code = _code(run)
        sys.stdout.flush()
    except OSError as exc:
        code = _report(exc)
    except KeyboardInterrupt as exc:
        code = _report(exc)
    discard_output()
    return code


def _code(run: Callable[[], Any]) -> int:
    try:
        with interrupted_by_signals():
            run()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else KNOWN if exc.code else 0
    except BaseException as exc:
        return _report(exc.cause if isinstance(exc, CommandAborted) else exc)
    return 0


def _report(exc: BaseException) -> int:
    if _is_closed_output(exc):
        return KNOWN
    if os.environ.get(TRACEBACK_VARIABLE) == "1":
        traceback.print_exception(exc)
    if isinstance(exc, KeyboardInterrupt | EOFError):
        print_lines("interrupted", err=True)
        return exc.exit_code if isinstance(exc, SignalInterrupt) else INTERRUPTED
    known = _to_known_error(exc)
    print_error(known or _bug(exc))
    return BUG if known is None else KNOWN


def _is_closed_output(exc: BaseException) -> bool:
    return isinstance(exc, OSError) and exc.errno == errno.EPIPE


def _to_known_error(exc: BaseException) -> SpacyLambdaError | None:
    """Return the error with its remedy, unless it is a bug."""
    if isinstance(exc, SpacyLambdaError):
        return exc
    if isinstance(exc, ModuleNotFoundError):
        return missing_extra(exc)
    if isinstance(exc, OSError):
        return _system(exc)
    if _library(exc) == "botocore":
        from spacy_lambda.aws.errors import aws_error

        return aws_error(exc, "calling AWS") if isinstance(exc, Exception) else None
    return next(
        (
            SpacyLambdaError(f"{what}{_detail(exc)}", remedy=remedy)
            for kind, what, remedy in _KINDS
            if isinstance(exc, kind)
        ),
        None,
    )


def _detail(exc: BaseException) -> str:
    return f": {exc}" if str(exc) else ""


def _system(exc: OSError) -> SpacyLambdaError:
    what = connection_reason(exc) if _library(exc) in CLIENTS else system_reason(exc)
    where = "" if exc.filename is None else f"{os.fsdecode(exc.filename) if _is_path(exc.filename) else exc.filename}: "
    return SpacyLambdaError(f"{where}{what}", remedy=_REMEDIES.get(exc.errno or 0, _DEFAULT_REMEDY))


def _library(exc: BaseException) -> str:
    return type(exc).__module__.partition(".")[0]


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes | os.PathLike)


def _bug(exc: BaseException) -> SpacyLambdaError:
    """Return a bug as an error, with its traceback in a file to attach."""
    text = "".join(traceback.format_exception(exc))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="spacy-lambda-fault-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError:
        sys.stderr.write(text)
        where = "with the traceback above"
    else:
        where = f"with {file.name}; first check it for anything private"
    return SpacyLambdaError(
        f"this is a bug in spacy-lambda: {type(exc).__name__}: {exc}",
        remedy=f"please report it to the maintainers, {where}",
    )
