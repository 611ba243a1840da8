"""The parent process of an execution environment: runs one command, and ends every process that it has started.

A process can leave its group and its session by ``setsid``. It cannot leave its ancestors: on Linux a process that
loses its parent is reparented to the nearest *subreaper* above it, which is this program. So every process that an
environment starts is a descendant of this one until it is killed.

Started by its path (``python -I -S supervisor.py OPTION... -- COMMAND...``), with the standard library alone. It
ends everything as soon as its standard input ends, which happens even if the server was killed. ``T`` there asks the
command to end; ``K`` ends everything, because a fork of the server keeps the input open. Its standard output has three
kinds of lines: ``pid N``, ``failed REASON`` and ``exit STATUS``, as of :mod:`subprocess`.

Options, each a word ``name=value``:

- ``log=FD``: the command's output. ``locale=NAME``: its ``LC_CTYPE``.
- ``cpus=0,1``: the CPUs that it may use. ``files=N``: the files that it may open.
- ``cgroup=FOLDER`` and ``limits=FILE:VALUE,...``: a cgroup that is made for it in a folder, and removed at the end.
- those of a :mod:`~spacy_lambda.local.sandbox`.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PARENT_CHECK_S = 1.0
"""Seconds between checks that the server is still its parent; the end of standard input shows it at once."""

SWEEP_S = 5.0
"""Seconds for which it kills processes that start others; those that the system does not let it kill remain."""


def main() -> None:
    """Run the command of the arguments."""
    server = os.getppid()
    split = sys.argv.index("--")
    words, command = sys.argv[1:split], sys.argv[split + 1 :]
    options = dict(word.partition("=")[::2] for word in words)
    _restore(options["locale"])
    control_fd, report_fd = os.dup(0), os.dup(1)
    woken_fd = _wake_on_child()
    _set(PR_SET_CHILD_SUBREAPER, 1)
    log_fd, cgroup = int(options["log"]), _cgroup(options)
    pid, failure = _start(command, log_fd, words, cgroup)
    os.close(log_fd)
    _report(report_fd, failure or f"pid {pid}")
    status = _keep(pid, server, control_fd, woken_fd)
    _sweep(pid)
    _remove(cgroup)
    _report(report_fd, f"exit {-signal.SIGKILL if status is None else status}")


def _start(command: list[str], log_fd: int, words: Sequence[str], cgroup: str) -> tuple[int, str]:
    """Start the command.

    :param words: The options.
    :returns: Its process, and the error line if it did not start.
    """
    supervisor = os.getpid()
    reading, writing = os.pipe()  # closed when the command takes the place of this program
    pid = os.fork()
    if pid:
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8", errors="replace") as error:
            return pid, error.read().strip()
    subject = command[0]
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (*END_SIGNALS, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        subject = "its limits"
        _limit(words, cgroup)
        subject = command[0]
        _set(PR_SET_PDEATHSIG, signal.SIGKILL)  # a new user namespace resets it
        if os.getppid() != supervisor:  # it was killed before PR_SET_PDEATHSIG was set
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        os.execvp(command[0], command)
    except OSError as exc:
        _report(writing, f"failed {exc.strerror}: {subject}")
    finally:
        os._exit(127)


def _limit(words: Sequence[str], cgroup: str) -> None:
    """Limit this process: the CPUs, the open files, and the file system."""
    pairs = [word.partition("=")[::2] for word in words]
    if cgroup:
        _write(f"{cgroup}/cgroup.procs", str(os.getpid()))
    for name, value in pairs:
        if name == "cpus":
            os.sched_setaffinity(0, map(int, value.split(",")))
        if name == "files":
            import resource

            _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            number = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
            resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
    if any(name in {"tmp", "namespace"} for name, _ in pairs):
        sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # the isolated mode leaves it out
        if TYPE_CHECKING:
            from spacy_lambda.local import sandbox
        else:
            import sandbox
        sandbox.enter(sandbox.Options(words))


def _cgroup(options: dict[str, str]) -> str:
    """Make a cgroup for the command; an empty string if it has none."""
    if "cgroup" not in options:
        return ""
    path = f"{options['cgroup']}/spacy-lambda-{os.getpid()}"
    os.mkdir(path)
    for limit in options["limits"].split(","):
        name, _, value = limit.partition(":")
        _write(f"{path}/{name}", value)
    return path


def _remove(cgroup: str) -> None:
    if cgroup:
        try:  # noqa: SIM105  # as below
            os.rmdir(cgroup)
        except OSError:
            pass


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _keep(pid: int, server: int, control_fd: int, woken_fd: int) -> int | None:
    """Wait until the command has ended, or has to be ended.

    :returns: Its exit status; ``None`` if it has to be killed.
    """
    while True:
        ready, _, _ = select.select([control_fd, woken_fd], [], [], PARENT_CHECK_S)
        if woken_fd in ready:
            os.read(woken_fd, 4096)
        for ended, status in _reap():
            if ended == pid:
                return os.waitstatus_to_exitcode(status)
        if control_fd in ready:
            words = os.read(control_fd, 4096)
            if not words or b"K" in words:
                return None
            _send(os.killpg, pid, signal.SIGTERM)
        if os.getppid() != server:
            return None


def _reap() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _sweep(pid: int) -> None:
    """Kill the command's group and all other descendants, until there are none."""
    deadline = time.monotonic() + SWEEP_S
    while time.monotonic() < deadline:
        _send(os.killpg, pid, signal.SIGKILL)
        for one in _descendants():
            _send(os.kill, one, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _descendants() -> set[int]:
    """Return all descendants of this process; none without a ``/proc``."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            children.setdefault(_parent(name), []).append(int(name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        waiting += below
        found.update(below)
    return found


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):  # it has ended meanwhile
        return 0


def _send(kill: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    try:  # noqa: SIM105  # contextlib would cost each cold start two milliseconds
        kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _wake_on_child() -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # the server decides
    return reading


def _restore(locale: str) -> None:
    """Undo the variable that Python sets if the locale is C, and would pass on (PEP 538)."""
    os.environ.pop("LC_CTYPE", None)
    if locale:
        os.environ["LC_CTYPE"] = locale


def _set(option: int, value: int) -> None:
    """Set an option of a process, on Linux only."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _report(fd: int, line: str) -> None:
    try:
        os.write(fd, line.encode("utf-8", "replace") + b"\n")
    except OSError as exc:
        if exc.errno != errno.EPIPE:
            raise


if __name__ == "__main__":
    main()
