"""Whatever ends a command -> what is printed of it, and the exit code.

====  ======================================================================================================
0     done
1     an error that is known, with its remedy; a "no" to what was asked; or nobody reads the output any more
2     the command line is not understood
70    a fault of spacy-lambda's own, to be reported
130   interrupted, by Ctrl-C
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

from spacy_lambda.cli.console import say, say_error
from spacy_lambda.cli.streams import discard, prepare
from spacy_lambda.core.env_names import TRACEBACK_VARIABLE
from spacy_lambda.errors import MissingExtraError, SpacyLambdaError

__all__ = ["BUG", "INTERRUPTED", "KNOWN", "Ended", "guarded"]

KNOWN, BUG, INTERRUPTED = 1, 70, 130

"""Whether tracebacks are printed, ``1``; otherwise that of a fault of ours goes to a file."""

_REMEDIES = {
    errno.EACCES: "check its permissions, and those of the folders above it",
    errno.EPERM: "check its permissions, and those of the folders above it",
    errno.EROFS: "choose another place, this one is read-only",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOSPC: "make room on the disk, or choose another place; TMPDIR says where temporary files go",
    errno.EDQUOT: "make room in your quota, or choose another place",
    errno.EISDIR: "give a file",
    errno.ENOTDIR: "give a folder",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
    errno.ENFILE: "end other programs: the system has too many open files",
    errno.ENOMEM: "end other programs, or take a machine with more memory",
    errno.ELOOP: "check the symbolic links",
}
_KINDS = (
    (UnicodeError, "this is not Unicode", "give names, files and texts in UTF-8"),
    (MemoryError, "the memory is used up", _REMEDIES[errno.ENOMEM]),
    (RecursionError, "what was read is nested too deeply", "give a file that is nested less"),
)
"""What nothing but input from outside brings about."""

_ELSE = "check that it is there, and that the folder may be written to (TMPDIR for temporary files)"


class Ended(Exception):
    """How a command ended, where typer would end it otherwise."""

    def __init__(self, how: BaseException) -> None:
        super().__init__(str(how))
        self.how = how


def guarded(run: Callable[[], Any], extras: dict[str, str]) -> int:
    """Run the command line; nothing that it raises gets further than this.

    :param run: Raises :class:`SystemExit` where typer has said all that is to be said.
    :param extras: Which extra brings a library.
    :returns: The exit code.
    """
    prepare()
    try:
        code = _code(run, extras)
        sys.stdout.flush()
    except OSError as exc:
        code = _tell(exc, extras)
    except KeyboardInterrupt as exc:
        code = _tell(exc, extras)
    discard()
    return code


def _code(run: Callable[[], Any], extras: dict[str, str]) -> int:
    try:
        run()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else KNOWN if exc.code else 0
    except BaseException as exc:
        return _tell(exc.how if isinstance(exc, Ended) else exc, extras)
    return 0


def _tell(exc: BaseException, extras: dict[str, str]) -> int:
    if _is_unread(exc):
        return KNOWN
    if os.environ.get(TRACEBACK_VARIABLE) == "1":
        traceback.print_exception(exc)
    if isinstance(exc, KeyboardInterrupt | EOFError):
        say("interrupted", err=True)
        return INTERRUPTED
    known = _known(exc, extras)
    say_error(known or _bug(exc))
    return BUG if known is None else KNOWN


def _is_unread(exc: BaseException) -> bool:
    return isinstance(exc, OSError) and exc.errno == errno.EPIPE


def _known(exc: BaseException, extras: dict[str, str]) -> SpacyLambdaError | None:
    """What is no fault of ours, as an error with its remedy."""
    if isinstance(exc, SpacyLambdaError):
        return exc
    if isinstance(exc, ModuleNotFoundError):
        missing = (exc.name or "").partition(".")[0]
        return MissingExtraError(extras[missing], missing=missing) if missing in extras else None
    if isinstance(exc, OSError):
        return _system(exc)
    return next(
        (
            SpacyLambdaError(f"{what}{_said(exc)}", remedy=remedy)
            for kind, what, remedy in _KINDS
            if isinstance(exc, kind)
        ),
        None,
    )


def _said(exc: BaseException) -> str:
    return f": {exc}" if str(exc) else ""


def _system(exc: OSError) -> SpacyLambdaError:
    what = exc.strerror or str(exc) or type(exc).__name__
    where = "" if exc.filename is None else f"{os.fsdecode(exc.filename) if _is_path(exc.filename) else exc.filename}: "
    return SpacyLambdaError(f"{where}{what}", remedy=_REMEDIES.get(exc.errno or 0, _ELSE))


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes | os.PathLike)


def _bug(exc: BaseException) -> SpacyLambdaError:
    """A fault of ours, with its traceback where it can be attached."""
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
        where = f"with {file.name}, once you have seen that it tells nothing that is to stay with you"
    return SpacyLambdaError(
        f"this is a bug in spacy-lambda: {type(exc).__name__}: {exc}",
        remedy=f"please report it to the maintainers, {where}",
    )
