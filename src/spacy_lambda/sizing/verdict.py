"""What would fail on Lambda: findings, each with its remedy, and what they mean together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["LimitFinding", "LimitStatus", "Verdict", "fails", "ok", "skipped", "warning"]

LimitStatus = Literal["ok", "warning", "fails", "skipped"]


@dataclass(frozen=True)
class LimitFinding:
    """One limit of Lambda, and the function next to it.

    :param name: The limit, in one or two words.
    :param status: ``fails`` if the function fails on Lambda, or Lambda refuses it; ``skipped`` if it was not checked.
    :param detail: The values.
    :param remedy: What to change; empty if nothing has to be.
    """

    name: str
    status: LimitStatus
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """All findings.

    :param findings: In the order of the checks.
    """

    findings: tuple[LimitFinding, ...]

    @property
    def failed(self) -> tuple[LimitFinding, ...]:
        """Findings that would fail on Lambda."""
        return tuple(one for one in self.findings if one.status == "fails")

    @property
    def warnings(self) -> tuple[LimitFinding, ...]:
        """Findings that may become a problem."""
        return tuple(one for one in self.findings if one.status == "warning")


def ok(name: str, detail: str) -> LimitFinding:
    """Return a finding without a problem."""
    return LimitFinding(name, "ok", detail)


def warning(name: str, detail: str, remedy: str) -> LimitFinding:
    """Return a finding that may become a problem."""
    return LimitFinding(name, "warning", detail, remedy)


def fails(name: str, detail: str, remedy: str) -> LimitFinding:
    """Return a finding that fails on Lambda."""
    return LimitFinding(name, "fails", detail, remedy)


def skipped(names: Iterable[str], detail: str, remedy: str = "") -> list[LimitFinding]:
    """Return findings of checks that were not made."""
    return [LimitFinding(name, "skipped", detail, remedy) for name in names]
