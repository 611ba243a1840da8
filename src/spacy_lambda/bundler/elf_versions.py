"""The machine of an ELF library, and the versions of symbols that it needs from others, such as glibc's.

They are read by the program headers, because section headers may have been cut. The format:
https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html and
https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from spacy_lambda.bundler.elf import PT_LOAD, ElfSegment, read_segments
from spacy_lambda.errors import BundleError

__all__ = ["MAGIC", "machine_of", "newest_glibc", "required_versions"]

MAGIC = b"\x7fELF"
HEADER = MAGIC + b"\x02\x01"
"""Of a file of 64 bits, little-endian."""

MACHINES = {62: "x86_64", 183: "aarch64"}
"""``e_machine``, as ``uname`` calls it."""

PT_DYNAMIC = 2
DT_STRTAB, DT_VERNEED = 5, 0x6FFFFFFE
ENTRY, NEED, AUXILIARY = struct.Struct("<qQ"), struct.Struct("<HHIII"), struct.Struct("<IHHII")
GLIBC = "GLIBC_"
MAX_VERSIONS = 10_000
"""After which a damaged file is read no further."""


def machine_of(elf: bytes) -> str:
    """Return the machine that a library is for.

    :raises BundleError: If it is not a library of 64 bits.
    """
    if not elf.startswith(HEADER) or len(elf) < 64:
        raise _invalid("it is not an ELF file of 64 bits")
    (number,) = struct.unpack_from("<H", elf, 18)
    return MACHINES.get(number, f"machine {number}")


def required_versions(elf: bytes) -> set[str]:
    """Return the versions of symbols that a library needs: ``GLIBC_2.17``, ``GLIBCXX_3.4``.

    :raises BundleError: If it is damaged.
    """
    machine_of(elf)
    try:
        return {*islice(_versions(elf), MAX_VERSIONS)}
    except (struct.error, IndexError, ValueError) as exc:
        raise _invalid(f"it is damaged: {exc}") from exc


def newest_glibc(versions: set[str]) -> tuple[int, ...]:
    """Return the newest version of glibc among versions of symbols; ``(0,)`` without one."""
    found = (name.removeprefix(GLIBC).split(".") for name in versions if name.startswith(GLIBC))
    return max((tuple(map(int, parts)) for parts in found if all(part.isdigit() for part in parts)), default=(0,))


def _versions(elf: bytes) -> Iterator[str]:
    segments = read_segments(elf)
    entries = dict(_dynamic_entries(elf, segments))
    if DT_VERNEED not in entries:
        return
    strings, need = (_place(entries[tag], segments) for tag in (DT_STRTAB, DT_VERNEED))
    # The offset of the next entry is 0 in the last one.
    following = 1
    while following:
        _, _, _, first, following = NEED.unpack_from(elf, need)
        auxiliary, after = need + first, 1
        while after:
            *_, name, after = AUXILIARY.unpack_from(elf, auxiliary)
            begin = strings + name
            yield elf[begin : elf.index(b"\0", begin)].decode("ascii")
            auxiliary += after
        need += following


def _dynamic_entries(elf: bytes, segments: list[ElfSegment]) -> Iterator[tuple[int, int]]:
    for segment in segments:
        if segment.kind == PT_DYNAMIC and segment.place + segment.size > len(elf):
            raise ValueError("it is cut short")
        if segment.kind == PT_DYNAMIC:
            for tag, value in ENTRY.iter_unpack(elf[segment.place : segment.place + segment.size]):
                if tag == 0:
                    return
                yield tag, value


def _place(address: int, segments: list[ElfSegment]) -> int:
    """Return the offset in the file of an address in memory."""
    for segment in segments:
        if segment.kind == PT_LOAD and segment.address <= address < segment.address + segment.size:
            return segment.place + address - segment.address
    raise ValueError(f"no segment has the address {address:#x}")


def _invalid(problem: str) -> BundleError:
    return BundleError(f"a library cannot be read: {problem}", remedy="install its package again, and bundle again")
