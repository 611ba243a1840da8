"""Actors of a Ray cluster, or of Ray on this machine, each with one CPU and the pipeline loaded once."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.artifact.pack import pack
from spacy_lambda.core.artifact.unpack import unpack_stream
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.streams import ChunkStream
from spacy_lambda.corpus.annotator import Annotator
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.engines.worker_process import ONE_CPU
from spacy_lambda.corpus.shards import Shard
from spacy_lambda.errors import CorpusError, SpacyLambdaError

__all__ = ["RayEngine"]

QUEUED = 2
"""Shards that an actor has at a time: one that it annotates, and the next."""


class RayEngine:
    """Annotates shards in actors of Ray.

    The pipeline is sent to the cluster and unpacked once on each node; nothing of this machine's folders is read there.
    spacy-lambda and what the pipeline requires must be installed in the cluster.

    :param pipeline: The folder of a compiled pipeline.
    :param options: Options of annotating.
    :param workers: Number of actors; by default one for each CPU of the cluster.
    :param address: The cluster's address, as for ``ray.init``; by default a cluster that is connected already, else
        Ray is started on this machine.
    """

    def __init__(
        self, pipeline: Path, options: AnnotateOptions, *, workers: int | None = None, address: str | None = None
    ) -> None:
        self._pipeline = pipeline
        self._options = options
        self._workers = workers
        self._address = address

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        # Ray reports its use to its makers unless this is set before it is imported.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        connected = ray.is_initialized()
        if not connected or self._address is not None:
            try:
                ray.init(self._address, log_to_driver=False, logging_level=logging.WARNING, ignore_reinit_error=True)
            except (ConnectionError, RuntimeError, ValueError) as exc:
                raise CorpusError(
                    f"Ray cannot be started or reached: {exc}",
                    remedy="check --ray-address, for example with `ray status`",
                ) from exc
        try:
            yield from self._run(ray, shards, on_documents)
        except ray.exceptions.RayTaskError as exc:
            raise _task_error(exc) from exc
        except ray.exceptions.RayError as exc:
            raise CorpusError(
                f"Ray: {str(exc).strip().splitlines()[0]}",
                remedy="see the cluster's logs; the same command resumes where this one stopped",
            ) from exc
        finally:
            if not connected:
                ray.shutdown()

    def _run(self, ray: Any, shards: Iterator[Shard], on_documents: OnDocuments) -> Iterator[ShardResult]:
        count = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor = ray.remote(num_cpus=1, runtime_env={"env_vars": ONE_CPU})(ShardActor)
        content, digest = self._packed()
        stored = ray.put(content)
        actors = [actor.remote(stored, digest, self._options.to_dict()) for _ in range(count)]
        running: dict[Any, Any] = {}

        def give(one: Any) -> None:
            shard = next(shards, None)
            if shard is not None:
                running[one.annotate.remote(shard.name, shard.lines)] = one

        for _ in range(QUEUED):
            for one in actors:
                give(one)
        while running:
            (ready,), _ = ray.wait(list(running))
            one = running.pop(ready)
            result: ShardResult = ray.get(ready)
            on_documents(result.counts)
            yield result
            give(one)

    def _packed(self) -> tuple[bytes, str]:
        with tempfile.TemporaryDirectory() as folder:
            packed = pack(self._pipeline, Path(folder, "pipeline.tar"))
            return packed.path.read_bytes(), packed.sha256


class ShardActor:
    """An actor: a process of Ray with the pipeline.

    :param content: The pipeline's artifact.
    :param digest: Its digest.
    :param options: Options of annotating, as plain values.
    """

    def __init__(self, content: bytes, digest: str, options: dict[str, Any]) -> None:
        folder = unpacked(content, Digest(digest))
        self._annotator = Annotator.of(folder, AnnotateOptions.from_dict(options))

    def annotate(self, name: str, lines: bytes) -> ShardResult:
        """Annotate a shard."""
        return self._annotator.annotate_shard(name, lines)


def unpacked(content: bytes, digest: Digest) -> Path:
    """Return the folder of an artifact on this node, unpacked by whichever process comes first."""
    base = Path(tempfile.gettempdir(), f"spacy-lambda-{os.getuid()}")
    base.mkdir(mode=0o700, exist_ok=True)
    if base.is_symlink() or base.stat().st_uid != os.getuid():
        raise CorpusError(f"{base} belongs to another user", remedy="remove it, or set TMPDIR")
    folder = base / digest
    if not folder.exists():
        try:
            unpack_stream(ChunkStream(iter([content])), folder, sha256=digest)
        except SpacyLambdaError:
            if not folder.exists():  # unless another process was faster
                raise
    return folder


def _task_error(error: Any) -> SpacyLambdaError:
    cause = error.cause if isinstance(error.cause, BaseException) else error
    if isinstance(cause, SpacyLambdaError):
        return CorpusError(cause.message, remedy=cause.remedy)
    return CorpusError(
        f"an actor failed: {type(cause).__name__}: {str(cause).strip().splitlines()[-1][:500]}",
        remedy="see the cluster's logs; the same command resumes where this one stopped",
    )
