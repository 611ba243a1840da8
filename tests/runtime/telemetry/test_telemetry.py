"""Telemetry of an invocation: its line in the log, its metrics, its part of the trace."""

from __future__ import annotations

import json
import logging
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.encoder_output import Encoding, set_encoding
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.telemetry.emf import MAX_METRICS, Metric, metric_line
from spacy_lambda.runtime.telemetry.init_type import is_cold, process_age_s
from spacy_lambda.runtime.telemetry.observation import Observation, count_text
from spacy_lambda.runtime.telemetry.recorder import Recorder

SECRET = "Mrs. Iron of Silicon Lane"
METRICS = {"SPACY_LAMBDA_METRICS": "ner", "AWS_LAMBDA_FUNCTION_NAME": "papers"}
MODEL = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "MATERIAL", "pattern": "Iron"}, {"label": "PLACE", "pattern": "Silicon Lane"}])  # type: ignore[attr-defined]
    return nlp


class Watched:
    """A function whose lines are kept."""

    def __init__(self, nlp: Language, environ: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._function = Predictor(nlp, environ, MODEL)
        self._recorder = Recorder(environ, model=MODEL, labels=["MATERIAL", "PLACE"], write=self.lines.append)

    def __call__(self, event: Any) -> Any:
        with self._recorder.invocation("request-1") as observation:
            return dispatch(event, None, Predictor(self._function.nlp, self._function.environ, MODEL, observation))

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


def test_the_whole_line_of_a_first_invocation(nlp: Language) -> None:
    watched = Watched(nlp, METRICS)
    watched({"texts": [SECRET, "Iron. Iron.", "nothing here", " \n", ""]})
    (line,) = watched.lines
    assert line.endswith("\n")
    assert "\n" not in line[:-1]
    logged = json.loads(line)
    assert logged.pop("durationMs") >= 0
    assert logged.pop("initMs") == logged.pop("InitDuration") > 0
    assert logged.pop("_aws")["Timestamp"] > 1.7e12
    assert logged == {
        "requestId": "request-1",
        "source": "direct",
        "model": MODEL,
        "FunctionName": "papers",
        "Model": "0123456789ab",
        "Texts": 5,
        "Characters": len(SECRET) + 11 + 12 + 2,
        "Tokens": 5 + 4 + 2 + 1,
        "Entities": 4,
        "EmptyAnswers": 1,
        "TruncatedTexts": 0,
        "ClientErrors": 0,
        "ColdStarts": 1,
        "Entities.MATERIAL": 3,
        "Entities.PLACE": 1,
    }


def test_the_directives_name_every_metric_with_its_unit_and_dimensions(nlp: Language) -> None:
    watched = Watched(nlp, METRICS)
    watched({"text": "Iron"})
    (logged,) = watched.logged()
    of_model, of_function = logged["_aws"]["CloudWatchMetrics"]
    assert of_model["Namespace"] == of_function["Namespace"] == "ner"
    assert of_model["Dimensions"] == [["FunctionName", "Model"]]
    assert {metric["Unit"] for metric in of_model["Metrics"]} == {"Count"}
    assert of_function == {
        "Namespace": "ner",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": "ColdStarts", "Unit": "Count"}, {"Name": "InitDuration", "Unit": "Milliseconds"}],
    }
    for directive in (of_model, of_function):
        assert all(isinstance(logged[metric["Name"]], int | float) for metric in directive["Metrics"])


def test_only_the_first_invocation_is_cold(nlp: Language) -> None:
    watched = Watched(nlp, METRICS)
    watched({"text": "Iron"})
    watched({"text": "Iron"})
    first, second = watched.logged()
    assert (first["ColdStarts"], second["ColdStarts"]) == (1, 0)
    assert "InitDuration" not in second
    assert "initMs" not in second


def test_a_ping_emits_no_metrics_and_is_no_cold_start_of_the_next_call(nlp: Language) -> None:
    """Metrics are paid for by the hour in which they are emitted: pings keep an idle function warm all day."""
    schedule = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}
    watched = Watched(nlp, METRICS)
    for event in ({"warmer": True}, schedule, {"text": "Iron"}):
        watched(event)
    pings, (call,) = watched.logged()[:2], watched.logged()[2:]
    assert [(ping["source"], ping["Texts"], "_aws" in ping) for ping in pings] == [
        ("ping", 0, False),
        ("EventBridge", 0, False),
    ]
    assert "_aws" in call
    assert call["ColdStarts"] == 0


@pytest.mark.parametrize("kind", ["snap-start", "provisioned-concurrency"])
def test_an_init_outside_of_the_invocation_is_not_a_cold_start(nlp: Language, kind: str) -> None:
    watched = Watched(nlp, METRICS | {"AWS_LAMBDA_INITIALIZATION_TYPE": kind})
    watched({"text": "Iron"})
    (logged,) = watched.logged()
    assert logged["ColdStarts"] == 0
    assert "InitDuration" not in logged


def test_an_invalid_request_is_counted_and_nothing_of_it_is_logged(nlp: Language) -> None:
    watched = Watched(nlp, METRICS)
    with pytest.raises(RequestError):
        watched({"text": [SECRET]})
    (logged,) = watched.logged()
    assert (logged["ClientErrors"], logged["error"], logged["Texts"]) == (1, "RequestError", 0)
    assert "Silicon" not in watched.lines[0]


def url_event(body: str, path: str = "/predict") -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": path}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("event", [url_event("{"), url_event('{"txt": 1}'), url_event("{}", path="/nowhere")])
def test_an_error_over_http_is_counted_too(nlp: Language, event: dict[str, Any]) -> None:
    watched = Watched(nlp, METRICS)
    watched(event)
    (logged,) = watched.logged()
    assert logged["ClientErrors"] == 1
    assert logged["source"] == "Function URL or API Gateway, payload 2.0"


def test_a_broken_pipeline_is_reported_by_the_type_of_its_error(nlp: Language) -> None:
    class Broken:
        max_length = 1000
        meta, pipeline, tokenizer = nlp.meta, nlp.pipeline, nlp.tokenizer
        make_doc, memory_zone = nlp.make_doc, nlp.memory_zone

        def __call__(self, doc: Doc) -> Any:
            raise OSError(f"cannot read {doc.text}")

    for event in ({"text": SECRET}, url_event(json.dumps({"text": SECRET}))):
        watched = Watched(Broken(), METRICS)  # type: ignore[arg-type]
        if "text" in event:
            with pytest.raises(OSError, match="cannot read"):
                watched(event)
        else:
            assert watched(event)["statusCode"] == 500
        assert watched.logged()[0]["error"] == "OSError"
        assert watched.logged()[0]["ClientErrors"] == 0
        assert "Silicon" not in watched.lines[0]


def test_without_a_namespace_the_counts_are_a_record_of_the_log(
    nlp: Language, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(nlp, {})
    with caplog.at_level(logging.INFO, "spacy_lambda.invocation"):
        watched({"text": SECRET})
    assert watched.lines == []
    (record,) = caplog.records
    logged = record.msg
    assert isinstance(logged, dict)
    assert {key: logged[key] for key in ("requestId", "source", "Texts", "Tokens", "entities")} == {
        "requestId": "request-1",
        "source": "direct",
        "Texts": 1,
        "Tokens": 5,
        "entities": {"MATERIAL": 1, "PLACE": 1},
    }
    assert SECRET not in json.dumps(logged)


def test_a_text_that_was_split_is_one_text(nlp: Language) -> None:
    small = spacy.blank("en")
    small.max_length = 20
    watched = Watched(small, METRICS)
    watched({"text": "One sentence here. Another sentence there.", "long_text": "split"})
    (logged,) = watched.logged()
    assert (logged["Texts"], logged["Characters"], logged["EmptyAnswers"]) == (1, 42, 1)


def test_windows_that_were_cut_make_a_truncated_text(nlp: Language) -> None:
    import numpy as np

    doc = nlp("Iron")
    none = np.zeros((0,), dtype=np.int32)
    set_encoding(doc, Encoding(np.zeros((0, 4), dtype=np.float32), none, none, 2))
    counts = count_text([doc])
    assert counts.truncated == 2
    assert Observation(texts=[counts]).counts()["TruncatedTexts"] == 1


def test_an_undeclared_label_is_reported_too() -> None:
    lines: list[str] = []
    recorder = Recorder(METRICS, model=MODEL, labels=["A"], write=lines.append)
    with recorder.invocation(None) as observation:
        nlp = spacy.blank("en")
        doc = nlp("Iron")
        doc.ents = [spacy.tokens.Span(doc, 0, 1, label="B")]
        observation.texts.append(count_text([doc]))
    logged = json.loads(lines[0])
    assert (logged["Entities.A"], logged["Entities.B"]) == (0, 1)


def test_a_model_without_a_digest_is_reported_by_its_name() -> None:
    lines: list[str] = []
    with Recorder(METRICS, model="en_materials-1.2.0", write=lines.append).invocation(None):
        pass
    assert json.loads(lines[0])["Model"] == "en_materials-1.2.0"


def test_a_directive_has_no_more_metrics_than_cloudwatch_takes() -> None:
    metrics = [Metric(f"m{number}", number, "Count", ("FunctionName",)) for number in range(2 * MAX_METRICS + 1)]
    line = metric_line(metrics, namespace="n", timestamp_ms=1, dimensions={"FunctionName": "f"}, facts={})
    sizes = [len(directive["Metrics"]) for directive in line["_aws"]["CloudWatchMetrics"]]
    assert sizes == [MAX_METRICS, MAX_METRICS, 1]


def test_an_observation_without_texts_has_no_counts() -> None:
    assert set(Observation().counts().values()) == {0}
    assert Observation().entities() == Counter()


def test_init_is_measured_from_the_start_of_the_process() -> None:
    assert 0 < process_age_s() < 24 * 3600
    assert is_cold({})
    assert not is_cold({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(5)
        yield udp


def traced(daemon: socket.socket, sampled: str) -> dict[str, str]:
    return {
        "_X_AMZN_TRACE_ID": f"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled={sampled}",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
    }


def test_a_sampled_request_gets_a_subsegment(nlp: Language, daemon: socket.socket) -> None:
    Watched(nlp, traced(daemon, "1"))({"text": SECRET})
    header, _, body = daemon.recv(65536).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    logged = json.loads(body)
    assert logged["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert logged["parent_id"] == "53995c3f42cd8ad8"
    assert len(logged["id"]) == 16
    assert logged["start_time"] <= logged["end_time"]
    assert logged["type"] == "subsegment"
    assert logged["annotations"]["Entities"] == 2
    assert "fault" not in logged
    assert b"Silicon" not in body


@pytest.mark.parametrize("sampled", ["0", "?", ""])
def test_nothing_is_sent_of_a_request_that_is_not_sampled(nlp: Language, daemon: socket.socket, sampled: str) -> None:
    Watched(nlp, traced(daemon, sampled))({"text": "Iron"})
    daemon.setblocking(False)
    with pytest.raises(BlockingIOError):
        daemon.recv(65536)


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1:none", "127.0.0.1:1", "256.0.0.1:2000"])
def test_a_missing_daemon_is_ignored(nlp: Language, daemon: socket.socket, address: str) -> None:
    environ = traced(daemon, "1") | {"AWS_XRAY_DAEMON_ADDRESS": address}
    assert Watched(nlp, environ)({"text": "Iron"})
