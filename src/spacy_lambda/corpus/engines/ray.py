"""Actors of a Ray cluster, or of Ray on this machine, each with one CPU and the pipeline loaded once."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.artifact.pack import pack
from spacy_lambda.core.artifact.unpack import unpack_stream
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.streams import ChunkStream
from spacy_lambda.corpus.annotator import Annotator
from spacy_lambda.corpus.engines.batches import join_results, shard_batches
from spacy_lambda.corpus.engines.isolation import Endings, annotate_safely
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.engines.worker_process import ONE_CPU, WorkerEndedError
from spacy_lambda.corpus.shards import Shard
from spacy_lambda.errors import CorpusError, SpacyLambdaError, first_line

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
    :param check_pipeline: Called when the pipeline is packed; raises an error if it has changed.
    """

    def __init__(
        self,
        pipeline: Path,
        options: AnnotateOptions,
        *,
        workers: int | None = None,
        address: str | None = None,
        check_pipeline: Callable[[], None] = lambda: None,
    ) -> None:
        self._pipeline = pipeline
        self._options = options
        self._workers = workers
        self._address = address
        self._check_pipeline = check_pipeline

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        first = next(shards, None)
        if first is None:  # Ray takes long to start
            return
        # Ray reports its use to its makers unless this is set before it is imported.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        connected = ray.is_initialized()
        try:
            yield from self._run(ray, self._connect(ray), chain([first], shards), on_documents)
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

    def _connect(self, ray: Any) -> dict[str, Any]:
        """Connect to a cluster, or start Ray.

        :returns: Options of actors.
        """
        options: dict[str, Any] = {"num_cpus": 1, "runtime_env": {"env_vars": ONE_CPU}}
        log: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if self._address is not None:
                ray.init(self._address, ignore_reinit_error=True, **log)
            elif not ray.is_initialized():
                # The processes with which Ray starts are used: they have the variables, and no environment to be made.
                with _variables(ONE_CPU):
                    ray.init(num_cpus=self._workers, include_dashboard=False, **log)
                return {"num_cpus": 1}
        except Exception as exc:  # a plain one if its processes are not there after half a minute
            if self._address is None:
                raise CorpusError(
                    f"Ray cannot be started: {first_line(exc)}",
                    remedy="run it again when this machine is less busy, or start Ray by `ray start --head` and pass "
                    "--ray-address auto",
                ) from exc
            raise CorpusError(
                f"Ray cannot be reached: {first_line(exc)}", remedy="check --ray-address, for example with `ray status`"
            ) from exc
        return options

    def _run(
        self, ray: Any, options: dict[str, Any], shards: Iterator[Shard], on_documents: OnDocuments
    ) -> Iterator[ShardResult]:
        count = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        content, digest = self._packed()
        stored = ray.put(content)
        remote = ray.remote(**options)(ShardActor)
        actors = [
            _RestartedActor(ray, lambda: remote.remote(stored, digest, self._options.to_dict())) for _ in range(count)
        ]
        running: dict[Any, tuple[_RestartedActor, Shard | None]] = {one.ready(): (one, None) for one in actors}
        endings, exhausted = Endings(), False

        def give(one: _RestartedActor, number: int) -> None:
            nonlocal exhausted
            for _ in range(number):
                shard = next(shards, None)
                if shard is None:
                    exhausted = True
                    return
                running[one.begin(shard.name, shard.lines)] = (one, shard)

        while not exhausted or any(shard is not None for _, shard in running.values()):
            (ready,), _ = ray.wait(list(running))
            one, shard = running[ready]
            if shard is None:
                ray.get(ready)
                del running[ready]
                on_documents(Counts())
                give(one, QUEUED)
                continue
            try:
                results = [ray.get(ready)]
                del running[ready]
            except ray.exceptions.RayActorError:
                lost = {ref: found for ref, (other, found) in running.items() if other is one and found is not None}
                for ref in lost:
                    del running[ref]
                one.restart()
                results = [one.annotate(found, endings) for found in lost.values()]
            for result in results:
                on_documents(result.counts)
                yield result
            give(one, len(results))

    def _packed(self) -> tuple[bytes, str]:
        with tempfile.TemporaryDirectory() as folder:
            packed = pack(self._pipeline, Path(folder, "pipeline.tar"))
            self._check_pipeline()
            return packed.path.read_bytes(), packed.sha256


class _RestartedActor:
    """An actor, and the one that takes its place after its process has ended.

    :param ray: Ray.
    :param start: Starts an actor.
    """

    def __init__(self, ray: Any, start: Callable[[], Any]) -> None:
        self._ray, self._start = ray, start
        self._actor = start()

    def ready(self) -> Any:
        """Begin to wait until the pipeline is loaded."""
        return self._actor.ready.remote()

    def begin(self, name: str, lines: bytes) -> Any:
        """Begin to annotate a shard."""
        return self._actor.annotate.remote(name, lines)

    def restart(self) -> None:
        """Start an actor, and wait until its pipeline is loaded."""
        self._actor = self._start()
        self._ray.get(self.ready())

    def annotate(self, shard: Shard, endings: Endings) -> ShardResult:
        """Annotate a shard that an actor had whose process has ended."""

        def annotate(lines: bytes) -> ShardResult:
            try:
                result: ShardResult = self._ray.get(self.begin(shard.name, lines))
            except self._ray.exceptions.RayActorError as exc:
                self.restart()
                raise WorkerEndedError() from exc
            return result

        results = [annotate_safely(shard.name, batch.lines, annotate, endings) for batch in shard_batches(shard)]
        return join_results(shard.name, results)


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables in the block, for processes that are started there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class ShardActor:
    """An actor: a process of Ray with the pipeline.

    :param content: The pipeline's artifact.
    :param digest: Its digest.
    :param options: Options of annotating, as plain values.
    """

    def __init__(self, content: bytes, digest: str, options: dict[str, Any]) -> None:
        folder = unpacked(content, Digest(digest))
        self._annotator = Annotator.of(folder, AnnotateOptions.from_dict(options))
        self._annotator.load()

    def ready(self) -> None:
        """Do nothing; the pipeline is loaded."""

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
