"""Executions of the state machine: begun, followed, stopped, redriven."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_function_error
from spacy_lambda.corpus.engines.deployed import PERMISSIONS
from spacy_lambda.corpus.summary import ShardStates
from spacy_lambda.errors import CorpusError

__all__ = ["Execution", "Executions", "FailedShard", "new_execution_name"]

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
MAX_LISTED = 1000
"""Executions of a run, and failed shards, that are looked at."""


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


@dataclass(frozen=True)
class FailedShard:
    """A shard that failed.

    :param name: Its name.
    :param error: The error's type.
    :param message: The error's message.
    :param remedy: The function's remedy, if it has one.
    :param seconds: The time that it took, with all retries.
    """

    name: str
    error: str
    message: str
    remedy: str | None
    seconds: float


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
        found = self._newest("RUNNING") or self._newest(None)
        return None if found is None else self.describe(found)

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

    def redrive(self, execution: Execution) -> Execution:
        """Resume an execution: its shards that have failed, or have not been begun."""
        with self._errors(f"redriving {execution.arn}"):
            self._client.redrive_execution(executionArn=execution.arn)
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
        return ShardStates(waiting=waiting, running=running, done=done, failed=failed)

    def failures(self, execution: Execution, *, described: int = 3) -> list[FailedShard]:
        """Return the shards that failed; empty if Step Functions does not list them.

        :param described: Number of those whose error is looked up.
        """
        found = []
        # They explain an error: what is wrong here must not take its place.
        with suppress(CorpusError):
            for map_run in self._map_runs(execution):
                for number, child in enumerate(self._children(map_run)):
                    seconds = (child["stopDate"] - child["startDate"]).total_seconds()
                    found.append(self._failure(child["executionArn"], seconds, looked_up=number < described))
        return found

    def _children(self, map_run: str) -> Iterator[Any]:
        for status in ("FAILED", "TIMED_OUT"):
            with self._errors(f"listing the shards of {map_run}"):
                listed = self._client.list_executions(mapRunArn=map_run, statusFilter=status, maxResults=MAX_LISTED)
            yield from listed["executions"]

    def _failure(self, arn: str, seconds: float, *, looked_up: bool) -> FailedShard:
        if not looked_up:
            return FailedShard("", "", "", None, seconds)
        with self._errors(f"describing {arn}"):
            child = self._client.describe_execution(executionArn=arn)
        name = str(parse_json(child["input"]).get("name", ""))
        message, remedy = _cause(str(child.get("cause", "")))
        return FailedShard(name, str(child.get("error", child["status"])), message, remedy, seconds)

    def _map_runs(self, execution: Execution) -> list[str]:
        with self._errors(f"listing the map runs of {execution.arn}"):
            listed = self._client.list_map_runs(executionArn=execution.arn)
        return [str(one["mapRunArn"]) for one in listed["mapRuns"]]

    def _newest(self, status: str | None) -> str | None:
        filters = {} if status is None else {"statusFilter": status}
        with self._errors(f"listing the executions of {self._state_machine}"):
            try:
                listed = self._client.list_executions(
                    stateMachineArn=self._state_machine, maxResults=MAX_LISTED, **filters
                )
            except self._client.exceptions.StateMachineDoesNotExist as exc:
                raise _not_deployed(self._state_machine) from exc
        own = [one for one in listed["executions"] if one["name"].startswith(f"{self._run}-")]
        return max(own, key=lambda one: one["name"])["executionArn"] if own else None

    @staticmethod
    def _errors(action: str) -> Any:
        return aws_errors(action, raises=CorpusError, permissions=PERMISSIONS)


def _not_deployed(state_machine: str) -> CorpusError:
    return CorpusError(f"{state_machine} does not exist", remedy="run 'spacy-lambda deploy'")


def _cause(text: str) -> tuple[str, str | None]:
    """Return the message and the remedy in the cause of a failed invocation."""
    try:
        message = str(parse_json(text)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return text[:300], None
    error = from_function_error(message)
    return (error.message, error.remedy) if error is not None else (message[:300], None)
