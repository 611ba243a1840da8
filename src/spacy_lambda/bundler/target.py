"""What a bundle is for: a Python version and an architecture of Lambda."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.errors import BundleError

__all__ = ["ARCHITECTURES", "PYTHONS", "UNZIPPED_LIMIT", "Target"]

PYTHONS = ("3.12", "3.13", "3.14")
"""Lambda's runtimes on Amazon Linux 2023."""

ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's names, and those of wheels."""

GLIBCS = ("2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17")
"""pip matches platforms exactly: each version up to that of Amazon Linux 2023 is named."""

UNZIPPED_LIMIT = 262_144_000
"""Bytes that a zip may have, unpacked (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


@dataclass(frozen=True)
class Target:
    """Where a bundle runs.

    :param python: ``3.13``
    :param arch: ``x86_64`` or ``arm64``
    :raises BundleError: If Lambda has no such runtime.
    """

    python: str = "3.13"
    arch: str = "x86_64"

    def __post_init__(self) -> None:
        if self.python not in PYTHONS:
            raise BundleError(f"there is no runtime for Python {self.python}", remedy=f"choose {', '.join(PYTHONS)}")
        if self.arch not in ARCHITECTURES:
            raise BundleError(f"there is no architecture {self.arch!r}", remedy=f"choose {' or '.join(ARCHITECTURES)}")

    @property
    def machine(self) -> str:
        """The architecture as wheels and ``uname`` call it."""
        return ARCHITECTURES[self.arch]

    @property
    def abi(self) -> str:
        """``cp313``"""
        return f"cp{self.python.replace('.', '')}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags of wheels that run there."""
        return (*(f"manylinux_{glibc}_{self.machine}" for glibc in GLIBCS), f"manylinux2014_{self.machine}")

    @property
    def markers(self) -> dict[str, str]:
        """The environment in which requirements' markers are evaluated."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }
