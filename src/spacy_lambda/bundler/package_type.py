"""Which form a bundle takes: what Lambda would refuse is not made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from spacy_lambda.bundler.target import UNZIPPED_LIMIT
from spacy_lambda.errors import BundleError

__all__ = ["Choice", "Shape", "choose_shape"]

Shape = Literal["zip", "image", "auto"]


@dataclass(frozen=True)
class Choice:
    """The form of a bundle.

    :param shape: ``zip`` or ``image``.
    :param fetched: Whether the pipeline stays in its store, and the function fetches it during init.
    :param reason: Why, for people.
    """

    shape: Literal["zip", "image"]
    fetched: bool
    reason: str


def choose_shape(
    wanted: str, *, code: int, pipeline: int, location: str | None, fetch: bool = False, limit: int = UNZIPPED_LIMIT
) -> Choice:
    """Choose, or say why what is wanted cannot be.

    :param wanted: A :data:`Shape`.
    :param code: Bytes of all but the pipeline, unpacked.
    :param pipeline: Bytes of the pipeline.
    :param location: Where the pipeline is in a store, if it is in one.
    :param fetch: Leave the pipeline there in any case.
    :param limit: Bytes that a zip may have, unpacked.
    :raises BundleError: If it does not fit, or there is nothing to fetch from.
    """
    if wanted not in get_args(Shape):
        raise BundleError(f"there is no shape {wanted!r}", remedy=f"choose {', '.join(get_args(Shape))}")
    if fetch and location is None:
        raise BundleError(
            "the pipeline is in no store that the function could fetch it from",
            remedy="push it (`spacy-lambda push PIPELINE s3://BUCKET/PREFIX`), and give its location instead",
        )
    if wanted == "image":
        return Choice("image", fetch, "an image was asked for")
    total = code if fetch else code + pipeline
    sizes = f"{code:,} bytes of code and {pipeline:,} of the pipeline"
    if total <= limit:
        return Choice("zip", fetch, f"{sizes}: within the {limit:,} that Lambda takes in a zip")
    too_large = f"{sizes}: Lambda takes {limit:,} in a zip, unpacked"
    if wanted == "zip":
        raise BundleError(too_large, remedy=_remedy(code, location, limit))
    if location is not None and code <= limit:
        return Choice("zip", True, f"{too_large}; so the function fetches the pipeline from {location} during init")
    return Choice("image", fetch, f"{too_large}; so this is an image")


def _remedy(code: int, location: str | None, limit: int) -> str:
    if code > limit:
        return "choose --shape image, or a pipeline that requires less"
    if location is None:
        return (
            "compile the pipeline to int8, push it to S3 and bundle its location with --fetch, or choose --shape image"
        )
    return "add --fetch, so that the function fetches the pipeline during init, or choose --shape image"
