"""A deployed function, invoked for each shard by a Distributed Map of Step Functions.

::

    shards ──upload──▶ objects ──execution──▶ invocations ──▶ objects with a record ──fetch──▶ results

The state is in S3 and in Step Functions: killed at any moment, the same run goes on with the execution that is running,
and fetches what was annotated meanwhile. Ctrl-C stops the execution.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.counts import count
from spacy_lambda.core.digest import Digest
from spacy_lambda.corpus.cost import CHILD_TRANSITIONS, TRANSITIONS, invocation_cost
from spacy_lambda.corpus.engines.attempts import Attempts, Child
from spacy_lambda.corpus.engines.deployed import DeployedFunction
from spacy_lambda.corpus.engines.executions import Execution, Executions, new_execution_name
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.engines.shard_objects import ShardObjects
from spacy_lambda.corpus.shards import Shard
from spacy_lambda.corpus.summary import OnStates, ShardStates, no_states
from spacy_lambda.errors import CorpusError

__all__ = ["LambdaEngine"]

TRANSFERS = 8
"""Simultaneous requests to S3."""

ATTEMPTS = 10
"""Attempts at a request: with backoff they outlast some minutes of throttling."""

POLL_S = 3.0
"""Seconds between two looks at an execution."""

T = TypeVar("T")


class LambdaEngine:
    """Annotates shards on Lambda.

    :param function: The function.
    :param options: Options of annotating.
    :param run: The run's name: the same for the same destination and settings.
    :param on_states: Called with the states of the shards.
    """

    def __init__(
        self,
        function: DeployedFunction,
        options: AnnotateOptions,
        *,
        run: str,
        on_states: OnStates = no_states,
    ) -> None:
        from botocore.config import Config

        config = Config(retries={"mode": "standard", "max_attempts": ATTEMPTS}, max_pool_connections=2 * TRANSFERS)
        client = function.session.client
        self._function = function
        self._options = options
        self._objects = ShardObjects(client("s3", config=config), function.place, run)
        self._executions = Executions(client("stepfunctions", config=config), function.state_machine, run)
        self._run = run
        self._on_states = on_states
        self._earlier = dict[str, list[Child]]()

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        with ThreadPoolExecutor(TRANSFERS) as pool:
            waiting = self._upload(pool, shards)
            self._earlier = self._read_earlier() if waiting else {}
            yield from self._fetch(pool, waiting, on_documents)
            while waiting:
                execution = self._begin(waiting)
                begun = waiting.keys() & self._objects.read_items(execution.items)
                yield from self._follow(pool, execution, waiting, on_documents)
                if waiting.keys() & begun:
                    raise self._failed(self._executions.describe(execution.arn), len(waiting))
            self._objects.remove_items()

    def _upload(self, pool: ThreadPoolExecutor, shards: Iterator[Shard]) -> dict[str, str]:
        """Store the documents of all shards.

        :returns: Their names by their digests.
        """
        waiting: dict[str, str] = {}
        present = self._objects.present("documents") | self._objects.present("records")
        for some in _batches(shards, 2 * TRANSFERS):
            waiting |= {shard.sha256: shard.name for shard in some}
            list(pool.map(self._objects.upload, [shard for shard in some if shard.sha256 not in present]))
            self._on_states(ShardStates(waiting=len(waiting)))
        return waiting

    def _read_earlier(self) -> dict[str, list[Child]]:
        """Return what failed in the executions of earlier commands, by the shard's name."""
        found: dict[str, list[Child]] = {}
        for child in self._executions.earlier(lambda items: bool(self._objects.read_items(items))):
            found.setdefault(child.shard, []).append(child)
        return found

    def _begin(self, waiting: dict[str, str]) -> Execution:
        """Return an execution that is running: the run's last one, redriven if that is enough, or a new one."""
        newest = self._executions.newest()
        if newest is not None and not newest.ended:
            return newest
        if newest is not None and newest.redrivable and waiting.keys() <= self._objects.read_items(newest.items):
            redriven = self._executions.redrive(newest)
            if redriven is not None:
                return redriven
        name = new_execution_name(self._run)
        items = [
            self._objects.item(shard, Digest(digest), self._options, pipeline=self._function.sha256)
            for digest, shard in waiting.items()
        ]
        return self._executions.start(name, self._objects.write_items(name, items))

    def _follow(
        self, pool: ThreadPoolExecutor, execution: Execution, waiting: dict[str, str], on_documents: OnDocuments
    ) -> Iterator[ShardResult]:
        """Yield results until an execution ends.

        :raises CorpusError: If it cannot be followed; it goes on.
        """
        states = ShardStates(waiting=len(waiting), execution=execution.arn)
        self._on_states(states)
        try:
            while True:
                ended = self._executions.describe(execution.arn).ended
                self._on_states(self._executions.states(execution))
                yield from self._fetch(pool, waiting, on_documents)
                if ended or not waiting:
                    return
                time.sleep(POLL_S)
        except CorpusError as exc:
            remedy = f"{exc.remedy}; {execution.arn} goes on, and the same command follows it"
            raise CorpusError(exc.message, remedy=remedy) from exc
        except (KeyboardInterrupt, GeneratorExit):
            with suppress(CorpusError):
                self._executions.stop(execution)
                self._on_states(replace(states, stopped=True))
            raise

    def _fetch(
        self, pool: ThreadPoolExecutor, waiting: dict[str, str], on_documents: OnDocuments
    ) -> Iterator[ShardResult]:
        """Yield the results that are there, and remove the objects of results that were taken."""
        for digests in _batches(sorted(waiting.keys() & self._objects.present("records")), TRANSFERS):
            for result in pool.map(self._result, digests, [waiting[digest] for digest in digests]):
                on_documents(result.counts)
                yield result
            self._objects.remove(digests)
            for digest in digests:
                del waiting[digest]

    def _result(self, digest: str, name: str) -> ShardResult:
        result, record = self._objects.fetch(name, Digest(digest))
        failed, children = self._failed_attempts(name, record)
        billed_ms = record["billed_ms"] + round(1000 * failed.seconds)
        cost = self._cost(
            billed_ms / 1000,
            failed,
            memory_mb=record["memory_mb"],
            succeeded=1,
            transitions=TRANSITIONS + children * CHILD_TRANSITIONS,
        )
        return replace(result, billed_ms=billed_ms, cost=cost)

    def _failed_attempts(self, name: str, record: Mapping[str, Any]) -> tuple[Attempts, int]:
        """Return the failed attempts at a shard that has a record, and the other executions in which they were made."""
        own = record.get("execution")
        earlier = self._earlier.get(name, [])
        others = [child for child in earlier if child.arn != own]
        counted = list(others)
        if own is not None and (record.get("retries") or len(others) < len(earlier)):
            counted.append(self._executions.child(own))
        return _sum(counted), len(others)

    def _cost(
        self, seconds: float, failed: Attempts, *, transitions: int, memory_mb: int | None = None, succeeded: int = 0
    ) -> float:
        return invocation_cost(
            seconds,
            memory_gb=(memory_mb or self._function.memory_mb) / 1024,
            architecture=self._function.architecture,
            invocations=succeeded + failed.invoked,
            transitions=transitions + failed.invoked + failed.throttled,
            region=self._function.region,
        )

    def _failed(self, execution: Execution, missing: int) -> CorpusError:
        failures = self._executions.failures(execution)
        failed = _sum(failures)
        spent = self._cost(failed.seconds, failed, transitions=len(failures) * CHILD_TRANSITIONS)
        return _error(execution, missing, failures, spent)


def _sum(children: Iterable[Child]) -> Attempts:
    """Return the attempts of child executions."""
    found = Attempts()
    for child in children:
        found = found.plus(child.attempts)
    return found


def _error(execution: Execution, missing: int, failures: Sequence[Child], spent: float) -> CorpusError:
    named = next((one for one in failures if one.error is not None), None)
    details = [] if execution.error is None else [execution.error]
    if named is not None:
        details.append(
            f"{len(failures):,} failed at about ${spent:,.2f}, such as {named.shard}: {named.error}: {named.message}"
        )
    remedy = "the same command resumes: it redrives those shards"
    if named is not None and named.remedy is not None:
        remedy = f"{named.remedy}; {remedy}"
    return CorpusError(
        f"{execution.arn} ({execution.status}) did not annotate {count(missing, 'shard')}"
        + "".join(f"; {one}" for one in details),
        remedy=remedy,
    )


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch
