"""A pipeline or a bundle -> the function that a test calls."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from spacy_lambda.core.pipelines import BUNDLE_METADATA
from spacy_lambda.core.zip_errors import BROKEN_ZIP
from spacy_lambda.extras import explain_missing
from spacy_lambda.local.local_lambda import LocalLambda
from spacy_lambda.local.settings import FunctionSettings

if TYPE_CHECKING:
    from spacy_lambda.local.bundle import Runnable

__all__ = ["is_bundle", "serve_function"]

PIPELINE_FILES = ("meta.json", "__init__.py")


@contextmanager
def serve_function(
    pipeline: str | Path,
    *,
    memory: int = DEFAULT_MEMORY_MB,
    timeout: float = DEFAULT_TIMEOUT_S,
    environment: Mapping[str, str] | None = None,
) -> Iterator[LocalLambda]:
    """Serve a pipeline, or a bundle with only itself on its path.

    :param pipeline: A pipeline's folder, the name of an installed package, a location, a zip that
        ``spacy-lambda bundle`` has written, or an image's folder.
    :param memory: Memory in MB; a function that uses more is killed.
    :param timeout: Seconds that an invocation may take.
    :param environment: Environment variables of the function.
    :raises SpacyLambdaError: If it cannot be served.
    """
    if not explain_missing(is_bundle)(Path(pipeline)):
        with LocalLambda(pipeline, memory=memory, timeout=timeout, environment=environment) as function:
            yield function
        return
    open_bundle = explain_missing(_import_open_bundle)()
    with open_bundle(str(pipeline)) as runnable:
        settings = FunctionSettings(
            pipeline=pipeline,
            handler=runnable.handler,
            memory_mb=memory,
            timeout_s=timeout,
            environment=environment or {},
        )
        with LocalLambda(settings, program=runnable.program) as function:
            yield function


def is_bundle(path: Path) -> bool:
    """Return whether a path is of a zip or an image's folder, rather than of a pipeline."""
    if path.is_dir():
        if any((path / name).is_file() for name in PIPELINE_FILES):
            return False
        from spacy_lambda.bundler.image.build import RECORD

        return (path / RECORD).is_file()
    if not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return BUNDLE_METADATA in archive.namelist()
    except BROKEN_ZIP:  # explained by those that read a pipeline in a zip
        return False


def _import_open_bundle() -> Callable[[str], AbstractContextManager[Runnable]]:
    from spacy_lambda.local.bundle import open_bundle

    return open_bundle
