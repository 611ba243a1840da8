"""A function with a state machine in moto's AWS, in this process: state machines are executed, and functions answer.

moto does not fail a Map of which more shards fail than are tolerated, and does not redrive: ``test_executions.py``
tests these with a stand-in for the client. Nor does it list a Map's children: here their histories are the function's.
"""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.settings import FunctionConfig
from spacy_lambda.cdk.spec import FunctionSpec, ZipCode
from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.wire_errors import to_function_error
from spacy_lambda.errors import RequestError, SpacyLambdaError, StoreError
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.loading import load_pipeline
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.telemetry.observation import Observation

ACCOUNT = "123456789012"
REGION = "eu-central-1"
BUCKET = f"papers-models-{ACCOUNT}-{REGION}"
FUNCTION = "papers-ner"
MEMORY_MB = 2048
INIT_MS = 50.0
FAILED_S = 0.1
"""Time of an attempt that fails."""

CONFIG = f"""
[project]
name = "papers"
region = "{REGION}"

[functions.ner]
pipeline = "./compiled"

[functions.ner.bulk]
max_concurrency = 8
"""


@dataclass
class Function:
    """A deployed function: one execution environment, which annotates one shard after the other.

    :param predictor: Its pipeline.
    :param failing: Names of shards that it fails.
    :param transient: Shards that it fails with an error of S3, and how many times.
    :param invocations: Names of the shards of all invocations by Step Functions.
    :param billed_ms: Billed milliseconds of those.
    :param failed_ms: Those of the invocations that failed.
    :param reported_ms: Billed milliseconds by the records of the others.
    :param histories: Histories of the Map's child executions, by ARN.
    """

    predictor: Predictor
    failing: set[str] = field(default_factory=set)
    transient: dict[str, int] = field(default_factory=dict)
    invocations: list[str] = field(default_factory=list)
    billed_ms: list[float] = field(default_factory=list)
    failed_ms: list[float] = field(default_factory=list)
    reported_ms: list[float] = field(default_factory=list)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, event: Any) -> tuple[Any, bool]:
        """Return the response, and whether it is an error."""
        with self.lock:
            return self._annotate(event) if "execution" in event else self._dispatch(event, init_ms=0)

    def _annotate(self, event: Any) -> tuple[Any, bool]:
        name = event["shard"]["name"]
        init_ms = 0.0 if self.invocations else INIT_MS
        self.invocations.append(name)
        # moto runs children in their parent.
        history = self.histories.setdefault(child := f"{event['execution']}/shards:{name}", [])
        if not history:
            _append(history, "ExecutionStarted", input=json.dumps(event["shard"]))
        _append(history, "TaskStarted")
        began = time.perf_counter()
        time.sleep(init_ms / 1000)
        answer, failed = self._outcome(name, {**event, "execution": child}, init_ms)
        self.billed_ms.append(1000 * (time.perf_counter() - began))
        if failed:
            self.failed_ms.append(self.billed_ms[-1])
            _append(history, "TaskFailed", error=answer["errorType"])
        else:
            self.reported_ms.append(answer["billed_ms"])
        if name in self.failing:
            _append(history, "ExecutionFailed", error=answer["errorType"], cause=json.dumps(answer))
        return answer, failed

    def _outcome(self, name: str, event: Any, init_ms: float) -> tuple[Any, bool]:
        transient = self.transient.get(name, 0)
        if name not in self.failing and not transient:
            return self._dispatch(event, init_ms)
        time.sleep(FAILED_S)
        self.transient[name] = max(0, transient - 1)
        if transient:
            return _error(StoreError("S3 does not answer", remedy="retry")), True
        return _error(RequestError("the time does not suffice", remedy="make smaller shards")), True

    def _dispatch(self, event: Any, init_ms: float) -> tuple[Any, bool]:
        try:
            observation = Observation(init_ms=init_ms)
            return dispatch(event, None, replace(self.predictor, observation=observation)), False
        except RequestError as exc:
            return _error(exc), True


def _append(history: list[dict[str, Any]], kind: str, **details: str) -> None:
    named = {f"{kind[0].lower()}{kind[1:]}EventDetails": details} if details else {}
    history.append({"timestamp": datetime.now(UTC), "type": kind, "id": len(history) + 1, **named})


def _error(error: SpacyLambdaError) -> Any:
    message = to_function_error(error) if isinstance(error, RequestError) else str(error)
    return {"errorType": type(error).__name__, "errorMessage": message}


@pytest.fixture(scope="session")
def definition(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the state machine's definition, as the template has it."""
    from spacy_lambda.cdk.app import synthesize  # starts a Node process
    from tests.step_functions import moto_definition

    folder = tmp_path_factory.mktemp("definition")
    with zipfile.ZipFile(folder / "bundle.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("bundle.json"), "{}")
    config = FunctionConfig(name="ner", pipeline="./compiled", bulk=BulkConfig(max_concurrency=8))
    spec = FunctionSpec(
        project="papers",
        account=ACCOUNT,
        region=REGION,
        config=config,
        code=ZipCode(folder / "bundle.zip"),
        sha256="5f" * 32,
        live_version="1",
    )
    synthesize([spec], None, folder / "out")
    template = json.loads((folder / "out" / f"{FUNCTION}.template.json").read_bytes())
    (machine,) = (one for one in template["Resources"].values() if one["Type"] == "AWS::StepFunctions::StateMachine")
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    alias = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}:live"
    refs = {"AWS::Partition": "aws"}
    text = "".join(one if isinstance(one, str) else refs.get(one["Ref"], alias) for one in parts)
    return moto_definition(text)


@contextmanager
def deployed(patch: pytest.MonkeyPatch, pipeline: Path, definition: str) -> Iterator[Function]:
    """Start an AWS in this process, with the function and its state machine."""
    # moto's state machines take seconds to import, and every process of a parallel run collects every test.
    from tests.corpus.moto_changes import change_moto, mock_aws

    digest = folder_digest(pipeline, manifest_of(pipeline))
    environ = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB)}
    function = Function(Predictor(load_pipeline(pipeline), environ, digest))

    change_moto(patch, function.invoke, function.histories)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    config: Any = {"lambda": {"use_docker": False}, "stepfunctions": {"execute_state_machine": True}}
    with mock_aws(config=config):
        _create(definition)
        yield function


def client(service: str) -> Any:
    """Return a client for assertions."""
    return boto3.client(service, region_name=REGION)


def keys() -> list[str]:
    """Return the keys of all objects below the prefix of corpora."""
    listed = client("s3").list_objects_v2(Bucket=BUCKET, Prefix="annotate/")
    return [one["Key"] for one in listed.get("Contents", ())]


def _create(definition: str) -> None:
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("bundle.json", "{}")
    functions = client("lambda")
    functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Role=role,
        Handler="spacy_lambda.runtime.handler.handler",
        Code={"ZipFile": code.getvalue()},
        MemorySize=MEMORY_MB,
        Timeout=30,
        Publish=True,
    )
    functions.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="1")
    client("stepfunctions").create_state_machine(name=f"{FUNCTION}-annotate", definition=definition, roleArn=role)
