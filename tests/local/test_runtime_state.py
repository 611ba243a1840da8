"""Any sequence of calls of a runtime, against a model of the states as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from spacy_lambda.local.runtime_state import Refused, RuntimeState, State
from tests.profiles import examples

IDS = st.sampled_from(["a", "b", "c"])
TABLE = {
    ("starting", "next"): "waiting",
    ("waiting", "next"): "waiting",
    ("answered", "next"): "waiting",
    ("restoring", "next"): "waiting",
    ("waiting", "send"): "running",
    ("running", "response"): "answered",
    ("running", "error"): "answered",
    ("starting", "init/error"): "failed",
    ("starting", "restore/next"): "snapshot",
    ("snapshot", "restore/next"): "snapshot",
    ("snapshot", "restore"): "restoring",
    ("restoring", "restore/error"): "failed",
}


class Runtime(RuleBasedStateMachine):
    snap_start = True

    def __init__(self) -> None:
        super().__init__()
        self.runtime = RuntimeState(snap_start=self.snap_start)
        self.state, self.current = "starting", ("", "")

    def expect(self, call: str, refused: Refused | None, *, wrong_id: bool = False) -> None:
        if call in {"restore/next", "restore/error"} and not self.snap_start:
            assert refused is not None
            assert refused.status == 404
        elif wrong_id:
            assert refused is not None
            assert (refused.status, refused.error_type) == (400, "InvalidRequestID")
        elif (self.state, call) in TABLE:
            assert refused is None
            self.state = TABLE[self.state, call]
        else:
            assert refused is not None
            assert (refused.status, refused.error_type) == (403, "InvalidStateTransition")
            assert self.state in str(refused)

    @rule(call=st.sampled_from(["next", "init/error", "restore/next", "restore", "restore/error"]))
    def call_without_id(self, call: str) -> None:
        calls = {
            "next": self.runtime.next,
            "init/error": self.runtime.fail_init,
            "restore/next": self.runtime.snapshot,
            "restore": self.runtime.restore,
            "restore/error": self.runtime.fail_restore,
        }
        refused = None
        try:
            calls[call]()
        except Refused as exc:
            refused = exc
        self.expect(call, refused)

    @rule(request_id=IDS, invocation_id=IDS)
    def send(self, request_id: str, invocation_id: str) -> None:
        refused = None
        try:
            self.runtime.send(request_id, invocation_id)
        except Refused as exc:
            refused = exc
        self.expect("send", refused)
        if refused is None:
            self.current = request_id, invocation_id

    @rule(call=st.sampled_from(["response", "error"]), request_id=IDS, invocation_id=st.none() | IDS)
    def answer(self, call: str, request_id: str, invocation_id: str | None) -> None:
        wrong_id = request_id != self.current[0] or invocation_id not in {None, self.current[1]}
        refused = None
        try:
            self.runtime.answer(call, request_id, invocation_id)
        except Refused as exc:
            refused = exc
        self.expect(call, refused, wrong_id=wrong_id)

    @invariant()
    def has_the_models_state(self) -> None:
        assert self.runtime.state.value == self.state
        assert (self.runtime.request_id, self.runtime.invocation_id) == self.current


class OnDemandRuntime(Runtime):
    snap_start = False


@pytest.mark.parametrize("machine", [Runtime, OnDemandRuntime])
def test_any_sequence_of_calls(machine: type[Runtime]) -> None:
    profiled = profile(max_examples=examples(150), stateful_step_count=20, deadline=None, derandomize=True)
    run_state_machine_as_test(machine, settings=profiled)


@given(st.lists(IDS, min_size=1, max_size=5))
def test_each_event_has_exactly_one_answer(ids: list[str]) -> None:
    runtime = RuntimeState()
    for number, request_id in enumerate(ids):
        runtime.next()
        runtime.send(request_id, str(number))
        runtime.answer("response", request_id, None)
        with pytest.raises(Refused, match="Transition from answered to response is not allowed"):
            runtime.answer("response", request_id, str(number))
    assert runtime.state is State.ANSWERED
