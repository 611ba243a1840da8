"""A location -> the artifact there, ready to be read."""

from __future__ import annotations

from spacy_lambda.core.location import Location
from spacy_lambda.core.source.readable import FROM_ENVIRONMENT, FoundArtifact, S3Options
from spacy_lambda.errors import LocationError

__all__ = ["find_artifact"]


def find_artifact(
    location: Location, *, s3: S3Options = FROM_ENVIRONMENT, hub_token: str | None = None
) -> FoundArtifact:
    """Look an artifact up; of its bytes none is read yet.

    :param s3: How S3 is reached; by default as the AWS environment variables say.
    :param hub_token: For the Hub; by default the one in ``HF_TOKEN``.
    :raises LocationError: When the location is a pipeline's folder or package, which is no artifact.
    :raises NotStoredError: When there is no such artifact.
    :raises StoreError: When the store cannot be reached, or refuses.
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
            f"{location} is no artifact, and no pipeline in a store",
            remedy="give an artifact (.tar), or STORE/NAME@VERSION as `spacy-lambda ls STORE` shows it",
        )
    return found
