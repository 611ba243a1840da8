"""Lambda's file system for one process: code in ``/var/task``, all of it read-only, and a ``/tmp`` of limited size.

A mount namespace shows the process this machine's folders, without the contents of ``/tmp`` and of the user's home:

- as root, or in a user namespace of its own, where the system allows these to everybody;
- without other programs, by system calls: it takes a few milliseconds, and works where no container does.

Imported by :mod:`~spacy_lambda.local.supervisor`, with the standard library alone. As a program it only tries the same,
and exits with 1 and the reason on standard error where that fails.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TASK = "/var/task"

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1

_LIBC = ctypes.CDLL(None, use_errno=True)


class Options:
    """The options of a sandbox, each a word ``name=value``.

    - ``tmp=MB``: the size of ``/tmp``; without it there is no sandbox.
    - ``mount=INSIDE=FOLDER``: another path of a folder, such as ``/var/task``.
    - ``read=PATH``, ``write=FOLDER``: what is visible even if it is in ``/tmp`` or the home, and what can be written.
    - ``namespace=FD``: namespaces of an earlier process, which it enters instead.
    """

    def __init__(self, words: Iterable[str]) -> None:
        pairs = [word.partition("=")[::2] for word in words]
        self.tmp_mb = next((int(value) for name, value in pairs if name == "tmp"), None)
        self.mounts = [value.partition("=")[::2] for name, value in pairs if name == "mount"]
        self.read = [value for name, value in pairs if name == "read"]
        self.write = [value for name, value in pairs if name == "write"]
        self.namespaces = [int(value) for name, value in pairs if name == "namespace"]


def enter(options: Options) -> None:
    """Put this process into a sandbox, with ``/var/task`` as its working directory if that exists.

    :raises OSError: If the system does not allow it.
    """
    if options.namespaces:
        for fd in options.namespaces:
            _check(_LIBC.setns(fd, 0), "setns")
            os.close(fd)
    elif options.tmp_mb is not None:
        _unshare()
        _build(options, options.tmp_mb)
    else:
        return
    os.chdir(TASK if os.path.isdir(TASK) else "/")


def _unshare() -> None:
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and _LIBC.unshare(CLONE_NEWNS) == 0:
        return
    _check(_LIBC.unshare(CLONE_NEWNS | CLONE_NEWUSER), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _build(options: Options, tmp_mb: int) -> None:
    """Make the new root, in the place of ``/tmp``, and move into it."""
    _mount(None, "/", flags=MS_REC | MS_PRIVATE)
    shown = dict.fromkeys(path for path in (*options.read, *options.write) if os.path.exists(path))
    sources = [(path, path) for path in shown] + list(options.mounts)
    opened = [(inside, os.open(source, os.O_PATH)) for inside, source in sources]
    root = "/tmp"
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    _copy_folder("/", root, without={"/tmp", "/var", *_places(options.mounts)})
    _copy_folder("/var", root, without=_places(options.mounts))
    home = _home()
    if home is not None and os.path.isdir(root + home):
        _mount("tmpfs", root + home, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    os.makedirs(f"{root}/tmp", exist_ok=True)
    _mount("tmpfs", f"{root}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={tmp_mb}m")
    for inside, fd in opened:
        _show(fd, root + inside)
    _set_read_only(root, True, AT_RECURSIVE)
    for path in ("/tmp", *(path for path in options.write if path in shown)):
        _set_read_only(root + path, False)
    os.chdir(root)
    _check(_LIBC.pivot_root(b".", b"."), "pivot_root")
    _check(_LIBC.umount2(b".", MNT_DETACH), "umount2")


def _places(mounts: Sequence[tuple[str, str]]) -> set[str]:
    return {inside for inside, _ in mounts}


def _copy_folder(folder: str, root: str, *, without: set[str]) -> None:
    """Show the entries of a folder at the same places of the new root."""
    os.makedirs(root + folder, exist_ok=True)
    for entry in os.scandir(folder):
        place = root + entry.path
        if entry.path in without:
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif entry.is_dir():
            os.mkdir(place)
            _mount(entry.path, place, flags=MS_BIND | MS_REC)


def _show(fd: int, place: str) -> None:
    """Show an open file or folder at a place, unless a folder that is shown already contains it."""
    source = f"/proc/self/fd/{fd}"
    if not os.path.lexists(place):
        if os.path.isdir(source):
            os.makedirs(place)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.close(os.open(place, os.O_CREAT, 0o600))
    _mount(source, place, flags=MS_BIND | MS_REC)
    os.close(fd)


def _home() -> str | None:
    """Return the user's home, if it is a folder of its own."""
    try:
        home = os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None
    return None if home == "/" or home.startswith("/tmp") else home


def _mount(source: str | None, place: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, place, kind)]
    _check(_LIBC.mount(*words, flags, None if data is None else data.encode()), f"mount {place}")


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def _set_read_only(place: str, read_only: bool, flags: int = 0) -> None:
    change = (MOUNT_ATTR_RDONLY, 0) if read_only else (0, MOUNT_ATTR_RDONLY)
    attributes = _MountAttributes(*change, 0, 0)
    arguments = (AT_FDCWD, os.fsencode(place), flags, ctypes.byref(attributes), ctypes.sizeof(attributes))
    _check(_LIBC.syscall(MOUNT_SETATTR, *arguments), f"mount_setattr {place}")


def _check(result: int, call: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        enter(Options(sys.argv[1:]))
    except OSError as exc:
        sys.exit(exc.strerror or str(exc))
