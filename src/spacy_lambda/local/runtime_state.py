"""The states of a runtime and the calls that are valid in each: no input, no output, no clock.

::

    starting ──next──▶ waiting ──event──▶ running ──response | error──▶ answered ──next──▶ waiting
        ├──init/error──▶ failed
        └──restore/next──▶ snapshot ──restore──▶ restoring ──next──▶ waiting
                                                     └──restore/error──▶ failed

The second row exists with SnapStart only. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html has the calls,
and AWS's runtime interface emulator the statuses and types of refusals.
"""

from __future__ import annotations

import enum

__all__ = ["Refused", "RuntimeState", "State"]


class State(enum.Enum):
    """The state of one runtime."""

    STARTING = "starting"
    SNAPSHOT = "snapshot"
    RESTORING = "restoring"
    WAITING = "waiting"
    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"


class Refused(Exception):
    """A call that is invalid.

    :param status: The HTTP status.
    :param error_type: The type in the response's body.
    """

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type


class RuntimeState:
    """The state of one runtime; each method is a call of it, or of the environment, and raises :class:`Refused`.

    :param snap_start: Route the calls of SnapStart.
    """

    def __init__(self, *, snap_start: bool = False) -> None:
        self._snap_start = snap_start
        self.state = State.STARTING
        self.request_id = ""
        self.invocation_id = ""

    def next(self) -> None:
        """``invocation/next``; a runtime that waits may call again, on a new connection."""
        self._move("next", {State.STARTING, State.RESTORING, State.ANSWERED, State.WAITING}, State.WAITING)

    def send(self, request_id: str, invocation_id: str) -> None:
        """Give the runtime that waits an event."""
        self._move("event", {State.WAITING}, State.RUNNING)
        self.request_id, self.invocation_id = request_id, invocation_id

    def check(self, call: str, request_id: str, invocation_id: str | None) -> None:
        """Check a ``response`` or an ``error``, whose body is still to be read.

        :param invocation_id: The header that newer runtime clients send.
        """
        if request_id != self.request_id or invocation_id not in {None, self.invocation_id}:
            raise Refused(400, "InvalidRequestID", "Invalid request ID")
        self._check(call, {State.RUNNING})

    def answer(self, call: str, request_id: str, invocation_id: str | None) -> None:
        """``response`` and ``error``."""
        self.check(call, request_id, invocation_id)
        self.state = State.ANSWERED

    def fail_init(self) -> None:
        """``init/error``."""
        self._move("init/error", {State.STARTING}, State.FAILED)

    def snapshot(self) -> None:
        """``restore/next``."""
        self._require_snap_start("restore/next")
        self._move("restore/next", {State.STARTING, State.SNAPSHOT}, State.SNAPSHOT)

    def restore(self) -> None:
        """Let the runtime continue after its snapshot."""
        self._move("restore", {State.SNAPSHOT}, State.RESTORING)

    def fail_restore(self) -> None:
        """``restore/error``."""
        self._require_snap_start("restore/error")
        self._move("restore/error", {State.RESTORING}, State.FAILED)

    def _require_snap_start(self, call: str) -> None:
        if not self._snap_start:
            raise Refused(404, "ResourceNotFound", f"{call} exists with SnapStart only")

    def _move(self, call: str, allowed: set[State], to: State) -> None:
        self._check(call, allowed)
        self.state = to

    def _check(self, call: str, allowed: set[State]) -> None:
        if self.state not in allowed:
            message = f"Transition from {self.state.value} to {call} is not allowed"
            raise Refused(403, "InvalidStateTransition", message)
