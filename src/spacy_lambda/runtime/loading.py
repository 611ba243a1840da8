"""Finding the function's pipeline, and loading it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.env_names import PIPELINE_VARIABLE, TASK_ROOT_VARIABLE
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.location import Location
from spacy_lambda.core.pipelines import BUNDLE_METADATA, find_pipeline, resolve_pipeline
from spacy_lambda.errors import ArtifactError, InvalidPipelineError, PipelineLoadError, PipelineNotFoundError

# First, so that spaCy is imported without its command line.
from spacy_lambda.runtime.spacy_load import load_language  # isort: skip
from spacy.language import Language

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.runtime.code import import_code
from spacy_lambda.runtime.gc_pause import gc_paused
from spacy_lambda.runtime.private_transformer import find_transformers
from spacy_lambda.runtime.scores import keep_scores
from spacy_lambda.runtime.sessions import opening_sessions

__all__ = ["LocatedPipeline", "load", "load_pipeline", "locate_pipeline"]


@dataclass(frozen=True)
class LocatedPipeline:
    """The function's pipeline, on the function's own disk.

    :param path: Its folder, verified where the location names a digest or an artifact.
    :param mark: To be called at each invocation, so that what is in use stays in the cache.
    :param sha256: Digest of its artifact, if it is known.
    """

    path: Path
    mark: Callable[[], None] = lambda: None
    sha256: str | None = None


def locate_pipeline(environ: Mapping[str, str] = os.environ) -> LocatedPipeline:
    """Locate the pipeline of ``SPACY_LAMBDA_PIPELINE``, fetching it if needed: a folder, package, artifact or location.

    A relative path starts at ``LAMBDA_TASK_ROOT``, the function's own folder. Artifacts go through the cache. Where the
    variable is not set, the bundle's metadata names the pipeline.

    :raises PipelineLoadError: If the variable is empty and there is no bundle, or its value is not a pipeline.
    :raises SpacyLambdaError: If the artifact cannot be fetched, or is not what it should be.
    """
    bundled, digest = _bundled(environ)
    value = environ.get(PIPELINE_VARIABLE, "") or bundled
    remedy = f"set {PIPELINE_VARIABLE} to the compiled pipeline's folder, or its s3:// or hf:// location"
    if not value:
        raise PipelineLoadError(f"{PIPELINE_VARIABLE} is not set", remedy=remedy)
    resolved = resolve_pipeline(value, base=Path(environ.get(TASK_ROOT_VARIABLE, ".")))
    location = resolved.location
    if resolved.has_folder:
        try:
            folder = find_pipeline(location.path)
        except (PipelineNotFoundError, InvalidPipelineError) as exc:
            raise PipelineLoadError(f"{PIPELINE_VARIABLE} is {value!r}: {exc.message}", remedy=remedy) from exc
        known = location.sha256 or (digest if value == bundled else None)
        return LocatedPipeline(_verified(folder, location), sha256=known)
    from spacy_lambda.runtime.cache.fetch import cached_pipeline
    from spacy_lambda.runtime.cache.settings import read_settings

    entry = cached_pipeline(location, read_settings(environ))
    return LocatedPipeline(entry.pipeline, entry.mark, entry.sha256)


def _bundled(environ: Mapping[str, str]) -> tuple[str, Digest | None]:
    """Return the location and the digest in the bundle's metadata, if the function came in a bundle.

    :raises DigestError: If the digest is invalid.
    """
    try:
        metadata = parse_json(Path(environ.get(TASK_ROOT_VARIABLE, "."), BUNDLE_METADATA).read_bytes())
        location, sha256 = str(metadata["location"]), metadata["sha256"]
    except (OSError, ValueError, TypeError, KeyError):
        return "", None
    return location, parse_digest(sha256, name=f"the sha256 in {BUNDLE_METADATA}")


def _verified(folder: Path, location: Location) -> Path:
    """Return a folder whose artifact has the digest of the location, if the location has one."""
    if location.sha256 is not None:
        from spacy_lambda.core.artifact.integrity import folder_digest
        from spacy_lambda.core.artifact.pack import manifest_of

        found = folder_digest(folder, manifest_of(folder))
        if found != location.sha256:
            raise ArtifactError(
                f"{folder} has the digest {found}, not {location.sha256}",
                remedy="bundle the pipeline again, or correct the digest after '#sha256='",
            )
    return folder


def load(pipeline: StrPath) -> Language:
    """Load a compiled pipeline, with the code that it brings: ``spacy.load`` for pipelines that need more.

    This runs the pipeline's code: load only what you trust.

    :param pipeline: A folder, or the name of an installed pipeline package.
    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises PipelineLoadError: If it does not load.
    """
    return load_pipeline(find_pipeline(pipeline))


def load_pipeline(path: Path) -> Language:
    """Load a pipeline and make it ready for the first text.

    :raises PipelineLoadError: If it does not load.
    """
    with gc_paused(), opening_sessions(path):
        import_code(path)
        nlp = _load(path)
        for transformer in find_transformers(nlp):
            transformer.open()
    keep_scores(nlp)
    return nlp


def _load(path: Path) -> Language:
    try:
        with warnings.catch_warnings():
            # Versions are pinned in the bundle, so a warning on each cold start is noise.
            warnings.filterwarnings("ignore", message=r"\[W095\]")
            return load_language(path)
    except PipelineLoadError:
        raise
    except Exception as exc:  # any exception of user code
        if isinstance(exc, OSError) and exc.strerror and exc.filename is not None:
            raise PipelineLoadError(
                f"{path} does not load: {exc.filename}: {exc.strerror}",
                remedy="check that this file exists, and its permissions",
            ) from exc
        raise PipelineLoadError(
            f"{path} does not load: {type(exc).__name__}: {exc}",
            remedy="compile it with `spacy-lambda compile`, and bundle what its meta.json requires",
        ) from exc
