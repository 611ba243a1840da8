"""A location -> its artifact, ready to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.core.location import Location, Scheme
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, FoundArtifact, S3Options
from spacy_lambda.errors import LocationError

__all__ = ["SOURCES", "ArtifactSource", "find_artifact"]


@dataclass(frozen=True)
class ArtifactSource:
    """The way in which a function reads artifacts of one scheme.

    :param find: Finds an artifact by its location, options for S3 and a token for the Hub.
    :param requirements: Distributions that it needs beyond the base install.
    :param variables: Environment variables that it reads.
    :param aws_credentials: ``True`` if it needs the credentials of the function's role.
    """

    find: Callable[[Location, S3Options, str | None], FoundArtifact]
    requirements: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    aws_credentials: bool = False


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
    return SOURCES[location.scheme].find(location, s3, hub_token)


def _find_in_s3(location: Location, s3: S3Options, hub_token: str | None) -> FoundArtifact:
    from spacy_lambda.core.source.s3 import find_in_s3

    return find_in_s3(location, s3)


def _find_on_hub(location: Location, s3: S3Options, hub_token: str | None) -> FoundArtifact:
    from spacy_lambda.core.source.hub import find_on_hub

    return find_on_hub(location, token=hub_token)


def _find_in_folder(location: Location, s3: S3Options, hub_token: str | None) -> FoundArtifact:
    from spacy_lambda.core.source.folder import find_in_folder

    found = find_in_folder(location)
    if found is None:
        raise LocationError(
            f"{location} is neither an artifact nor a pipeline in a store",
            remedy=_similar(location)
            or "give an artifact (.tar), or STORE/NAME@VERSION as `spacy-lambda ls STORE` shows it",
        )
    return found


def _similar(location: Location) -> str | None:
    """Return a remedy that names the pipeline with the most similar name in the same store, if there is one."""
    from difflib import get_close_matches

    from spacy_lambda.core.pipelines import is_stored

    path = Path(location.path)
    try:
        names = [one.name for one in path.parent.iterdir() if is_stored(one)]
    except OSError:
        return None
    similar = get_close_matches(path.name, names, n=1)
    meant = replace(location, path=str(path.with_name(similar[0]))) if similar else None
    return None if meant is None else f"did you mean {meant}? `spacy-lambda ls {path.parent}` lists the pipelines"


SOURCES: Mapping[Scheme, ArtifactSource] = {
    "file": ArtifactSource(_find_in_folder),
    "s3": ArtifactSource(
        _find_in_s3,
        requirements=("boto3",),
        variables=("AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
        aws_credentials=True,
    ),
    "hf": ArtifactSource(_find_on_hub, variables=("HF_ENDPOINT", "HF_TOKEN")),
}
