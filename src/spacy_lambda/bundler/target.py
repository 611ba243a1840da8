"""The target of a bundle: a Python version and an architecture of Lambda, and the package type, zip or image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.lambda_function import ARCHITECTURES, DEFAULT_ARCHITECTURE, DEFAULT_PYTHON, PYTHONS
from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES
from spacy_lambda.errors import BundleError

__all__ = [
    "IMAGE_REMEDY",
    "MACHINES",
    "PackageType",
    "PackageTypeChoice",
    "Target",
    "choose_package_type",
    "require_package_type",
]

MACHINES: dict[str, str] = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's architectures, as wheels and ``uname`` call them."""

GLIBCS = ("2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17")
"""Versions up to that of Amazon Linux 2023. All are listed, because pip matches platforms exactly."""

PackageType = Literal["zip", "image"]
"""Lambda's two package types."""

REQUESTABLE = (*get_args(PackageType), "auto")

IMAGE_REMEDY = 'choose --shape image (in spacy-lambda.toml: shape = "image")'
"""Remedy for a pipeline that is too large for a zip."""


@dataclass(frozen=True)
class Target:
    """The runtime of a function.

    :param python: ``3.13``
    :param arch: ``x86_64`` or ``arm64``
    :raises BundleError: If Lambda has no such runtime.
    """

    python: str = DEFAULT_PYTHON
    arch: str = DEFAULT_ARCHITECTURE

    def __post_init__(self) -> None:
        if self.python not in PYTHONS:
            raise BundleError(f"Lambda has no runtime for Python {self.python}", remedy=f"choose {', '.join(PYTHONS)}")
        if self.arch not in ARCHITECTURES:
            raise BundleError(f"unknown architecture {self.arch!r}", remedy=f"choose {' or '.join(ARCHITECTURES)}")

    @property
    def machine(self) -> str:
        """The architecture's name in wheels and ``uname``."""
        return MACHINES[self.arch]

    @property
    def abi(self) -> str:
        """ABI tag of wheels for its Python, such as ``cp313``."""
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


@dataclass(frozen=True)
class PackageTypeChoice:
    """The package type of a bundle.

    :param package_type: ``zip`` or ``image``.
    :param fetched: ``True`` if the pipeline stays in its store, and the function fetches it during init.
    :param reason: The reason, for the user.
    """

    package_type: PackageType
    fetched: bool
    reason: str


def require_package_type(requested: str) -> None:
    """Refuse an unknown package type.

    :raises BundleError: If it is unknown.
    """
    if requested not in REQUESTABLE:
        raise BundleError(f"unknown package type {requested!r}", remedy=f"choose {', '.join(REQUESTABLE)}")


def choose_package_type(
    requested: str, *, code: int, pipeline: int, location: str | None, fetch: bool = False, limit: int = UNZIPPED_BYTES
) -> PackageTypeChoice:
    """Choose a package type that Lambda accepts.

    :param requested: ``zip``, ``image`` or ``auto``.
    :param code: Bytes of all but the pipeline, unpacked.
    :param pipeline: Bytes of the pipeline.
    :param location: The pipeline's location in a store; ``None`` for a local one.
    :param fetch: Leave the pipeline there in any case.
    :param limit: Maximum bytes of a zip, unpacked.
    :raises BundleError: If the bundle is too large for the requested type, or there is no store to fetch from.
    """
    require_package_type(requested)
    if fetch and location is None:
        raise BundleError(
            "the pipeline is not in a store that the function could fetch it from",
            remedy="push it (`spacy-lambda push PIPELINE s3://BUCKET/PREFIX`), and give its location instead",
        )
    if requested == "image":
        return PackageTypeChoice("image", fetch, "an image was requested")
    total = code if fetch else code + pipeline
    sizes = f"{code:,} bytes of code and {pipeline:,} of the pipeline"
    if total <= limit:
        return PackageTypeChoice("zip", fetch, f"{sizes}: within Lambda's limit of {limit:,} for a zip")
    too_large = f"{sizes}: over Lambda's limit of {limit:,} for a zip, unpacked"
    if requested == "zip":
        raise BundleError(too_large, remedy=_remedy(code, location, limit))
    if location is not None and code <= limit:
        return PackageTypeChoice("zip", True, f"{too_large}; the function fetches the pipeline from {location} at init")
    return PackageTypeChoice("image", fetch, f"{too_large}; this is an image")


def _remedy(code: int, location: str | None, limit: int) -> str:
    if code > limit:
        return f"{IMAGE_REMEDY}, or a pipeline that requires less"
    if location is None:
        return (
            f"{COMPILE_SMALLER}, or {IMAGE_REMEDY}; `spacy-lambda bundle` also takes the location of a pipeline"
            " that was pushed to S3, with --fetch"
        )
    return f"add --fetch, so that the function fetches the pipeline during init, or {IMAGE_REMEDY}"
