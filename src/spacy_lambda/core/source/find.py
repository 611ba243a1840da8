"""A location -> its artifact, ready to be read."""

from __future__ import annotations

from spacy_lambda.core.location import Location
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, FoundArtifact, S3Options
from spacy_lambda.errors import LocationError

__all__ = ["find_artifact"]


def find_artifact(
    location: Location, *, s3: S3Options = FROM_ENVIRONMENT, hub_token: str | None = None
) -> FoundArtifact:
    """Look up an artifact without reading its bytes.

    :param s3: Options for S3; by default, the AWS environment variables apply.
    :param hub_token: Token for the Hub; by default ``HF_TOKEN``.
    :raises LocationError: If the location is a pipeline's folder or package, not an artifact.
    :raises NotStoredError: If there is no such artifact.
    :raises StoreError: If the store cannot be reached or denies access.
    """
    if location.scheme == "s3":
        from spacy_lambda.core.source.s3 import find_in_s3

        return find_in_s3(location, s3)
    if location.scheme == "hf":
        from spacy_lambda.core.source.hub import find_on_hub

        return find_on_hub(location, token=hub_token)
    from spacy_lambda.core.source.folder import find_in_folder

    found = find_in_folder(location)
    if found is None:
        raise LocationError(
            f"{location} is neither an artifact nor a pipeline in a store",
            remedy="give an artifact (.tar), or STORE/NAME@VERSION as `spacy-lambda ls STORE` shows it",
        )
    return found
