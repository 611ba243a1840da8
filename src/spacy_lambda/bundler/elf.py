"""ELF libraries of 64 bits, by their program headers: the only ones that the loader reads.

The format: https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["ElfSegment", "cut_unloaded", "is_loadable", "read_segments"]

PT_LOAD = 1
"""``PT_LOAD``: the kind of segment that is mapped into memory."""

HEADER = 64
"""Bytes of the file's header; the offset of the program headers is at 32, of the section headers at 40."""

SEGMENT = struct.Struct("<IIQQQQQQ")


@dataclass(frozen=True)
class ElfSegment:
    """One program header.

    :param at: Its offset in the file.
    :param place: Offset of its content in the file.
    """

    at: int
    kind: int
    place: int
    address: int
    size: int
    alignment: int


def is_loadable(elf: bytes) -> bool:
    """Return whether a library's segments have the same offset within a page in the file and in memory, as the loader
    requires. Stripping can move them in libraries that were patched after linking, as in wheels.
    """
    loaded = (segment for segment in read_segments(elf) if segment.kind == PT_LOAD and segment.alignment > 1)
    return all((segment.place - segment.address) % segment.alignment == 0 for segment in loaded)


def cut_unloaded(elf: bytes) -> bytes:
    """Return a library without content that no segment contains: symbol tables of debuggers, and section headers.

    Whole pages are cut, so that the segments stay aligned.
    """
    segments = read_segments(elf)
    page = max(segment.alignment for segment in segments if segment.kind == PT_LOAD)
    (headers,) = struct.unpack_from("<Q", elf, 32)
    kept = [(0, HEADER), (headers, headers + SEGMENT.size * len(segments))]
    kept += [(segment.place, segment.place + segment.size) for segment in segments if segment.size]
    cuts, end = list[tuple[int, int]](), 0
    for begin, until in sorted(kept):
        if begin - end >= page:
            cuts.append((end, (begin - end) // page * page))
        end = max(end, until)
    found = bytearray(elf[:end])
    for segment in segments:
        struct.pack_into("<Q", found, segment.at + 8, _moved(segment.place, cuts))
    struct.pack_into("<Q", found, 32, _moved(headers, cuts))
    struct.pack_into("<Q", found, 40, 0)
    struct.pack_into("<HHH", found, 58, 0, 0, 0)  # size, number and names of section headers
    for begin, size in reversed(cuts):
        del found[begin : begin + size]
    return bytes(found)


def read_segments(elf: bytes) -> list[ElfSegment]:
    """Return the segments that the program headers list.

    :raises struct.error: If the file is cut short.
    """
    offset, entry_size, count = (*struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54))
    found = []
    for at in range(offset, offset + entry_size * count, entry_size):
        kind, _, place, address, _, size, _, alignment = SEGMENT.unpack_from(elf, at)
        found.append(ElfSegment(at, kind, place, address, size, alignment))
    return found


def _moved(place: int, cuts: list[tuple[int, int]]) -> int:
    return place - sum(min(size, place - begin) for begin, size in cuts if begin < place)
