"""Executions of the state machine: begun, followed, stopped, redriven."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.engines.attempts import Child, read_child
from spacy_lambda.corpus.engines.deployed import PERMISSIONS
from spacy_lambda.corpus.summary import ShardStates
from spacy_lambda.errors import CorpusError

__all__ = ["Execution", "Executions", "new_execution_name"]

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
FAILURES = ({"statusFilter": "FAILED"}, {"statusFilter": "TIMED_OUT"})
EARLIER = (*FAILURES, {"statusFilter": "ABORTED"}, {"redriveFilter": "REDRIVEN"})
"""Filters of child executions that have attempts that failed, besides those that succeeded in the end."""

MAX_LISTED = 1000
"""Executions of a state machine, failed shards and events of a history that are looked at."""

HISTORIES = 8
"""Histories that are read at the same time."""


@dataclass(frozen=True)
class Execution:
    """An execution.

    :param arn: Its ARN.
    :param items: Key of the list of its shards.
    :param status: Step Functions' status.
    :param redrivable: ``True`` if Step Functions can resume it.
    :param error: The error with which it ended.
    """

    arn: str
    items: str
    status: str
    redrivable: bool = False
    error: str | None = None

    @property
    def ended(self) -> bool:
        """True if it does not run any more."""
        return self.status in ENDED


def new_execution_name(run: str) -> str:
    """Return the name of a run's next execution; the run's name is its beginning."""
    return f"{run}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"


class Executions:
    """The executions of one run.

    :param client: A client of Step Functions.
    :param state_machine: ARN of the state machine.
    :param run: The run's name.
    """

    def __init__(self, client: Any, state_machine: str, run: str) -> None:
        self._client = client
        self._state_machine = state_machine
        self._run = run

    def newest(self) -> Execution | None:
        """Return the run's newest execution, one that is running first."""
        found = self._own(statusFilter="RUNNING") or self._own()
        return self.describe(found[0]) if found else None

    def start(self, name: str, items: str) -> Execution:
        """Start an execution.

        :param items: Key of the list of its shards.
        """
        with self._errors(f"starting {self._state_machine}"):
            try:
                started = self._client.start_execution(
                    stateMachineArn=self._state_machine, name=name, input=json.dumps({"items": items})
                )
            except self._client.exceptions.StateMachineDoesNotExist as exc:
                raise _not_deployed(self._state_machine) from exc
        return Execution(str(started["executionArn"]), items, "RUNNING")

    def redrive(self, execution: Execution) -> Execution | None:
        """Resume an execution: its shards that have failed, or have not been begun.

        :returns: ``None`` if Step Functions refuses, because the execution is too old or was redriven meanwhile.
        """
        with self._errors(f"redriving {execution.arn}"):
            try:
                self._client.redrive_execution(executionArn=execution.arn)
            except self._client.exceptions.ExecutionNotRedrivable:
                return None
        return Execution(execution.arn, execution.items, "RUNNING")

    def describe(self, arn: str) -> Execution:
        """Return an execution as it is now."""
        with self._errors(f"describing {arn}"):
            found = self._client.describe_execution(executionArn=arn)
        error = f"{found['error']}: {found.get('cause', '')}"[:300] if found.get("error") else None
        items = parse_json(found["input"])["items"]
        return Execution(arn, items, found["status"], found.get("redriveStatus") == "REDRIVABLE", error)

    def stop(self, execution: Execution) -> None:
        """Stop an execution; invocations that are running end by themselves."""
        with self._errors(f"stopping {execution.arn}"):
            self._client.stop_execution(executionArn=execution.arn, cause="stopped by spacy-lambda annotate")

    def states(self, execution: Execution) -> ShardStates:
        """Return how many shards of an execution wait, run, are done and have failed."""
        done = running = failed = waiting = 0
        for map_run in self._map_runs(execution):
            with self._errors(f"describing {map_run}"):
                counts = self._client.describe_map_run(mapRunArn=map_run)["itemCounts"]
            done += counts["succeeded"]
            running += counts["running"]
            waiting += counts["pending"]
            failed += counts["failed"] + counts["timedOut"] + counts["aborted"]
        return ShardStates(waiting=waiting, running=running, done=done, failed=failed, execution=execution.arn)

    def failures(self, execution: Execution) -> list[Child]:
        """Return the child executions that failed; empty if Step Functions does not list them."""
        # They explain an error: what is wrong here must not take its place.
        with suppress(CorpusError):
            return self._read(self._children(execution, FAILURES))
        return []

    def earlier(self, has_shards: Callable[[str], bool]) -> list[Child]:
        """Return the child executions of the run that did not succeed, or were redriven.

        :param has_shards: Takes the key of an execution's list of shards; ``False`` if that was removed when its
            job ended.
        """
        with suppress(CorpusError):
            executions = [self.describe(arn) for arn in self._own()]
            return self._read(
                child
                for execution in executions
                if has_shards(execution.items)
                for child in self._children(execution, EARLIER)
            )
        return []

    def child(self, arn: str) -> Child:
        """Return a child execution; without attempts if its history cannot be read."""
        with suppress(CorpusError):
            return self._child(arn)
        return Child.unknown(arn)

    def _read(self, arns: Iterable[str]) -> list[Child]:
        chosen = list(islice(dict.fromkeys(arns), MAX_LISTED))
        with ThreadPoolExecutor(HISTORIES) as pool:
            return list(pool.map(self._child, chosen))

    def _child(self, arn: str) -> Child:
        with self._errors(f"reading the history of {arn}"):
            history = self._client.get_execution_history(
                executionArn=arn, maxResults=MAX_LISTED, includeExecutionData=True
            )
        return read_child(arn, history["events"])

    def _children(self, execution: Execution, filters: Iterable[Mapping[str, str]]) -> Iterator[str]:
        for map_run in self._map_runs(execution):
            for one in filters:
                with self._errors(f"listing the shards of {map_run}"):
                    yield from self._list(mapRunArn=map_run, **one)

    def _map_runs(self, execution: Execution) -> list[str]:
        with self._errors(f"listing the map runs of {execution.arn}"):
            listed = self._client.list_map_runs(executionArn=execution.arn)
        return [str(one["mapRunArn"]) for one in listed["mapRuns"]]

    def _own(self, **filters: str) -> list[str]:
        """Return the ARNs of the run's executions, newest first."""
        with self._errors(f"listing the executions of {self._state_machine}"):
            try:
                listed = self._client.list_executions(
                    stateMachineArn=self._state_machine, maxResults=MAX_LISTED, **filters
                )
            except self._client.exceptions.StateMachineDoesNotExist as exc:
                raise _not_deployed(self._state_machine) from exc
        own = [one for one in listed["executions"] if one["name"].startswith(f"{self._run}-")]
        return [one["executionArn"] for one in sorted(own, key=lambda one: str(one["name"]), reverse=True)]

    def _list(self, **filters: str) -> Iterator[str]:
        """Yield the ARNs of executions, of all pages."""
        pages: dict[str, str] = {}
        while True:
            listed = self._client.list_executions(maxResults=MAX_LISTED, **filters, **pages)
            yield from (str(one["executionArn"]) for one in listed["executions"])
            if "nextToken" not in listed:
                return
            pages = {"nextToken": listed["nextToken"]}

    @staticmethod
    def _errors(action: str) -> Any:
        return aws_errors(action, raises=CorpusError, permissions=PERMISSIONS)


def _not_deployed(state_machine: str) -> CorpusError:
    return CorpusError(f"{state_machine} does not exist", remedy="run 'spacy-lambda deploy'")
