"""Texts -> the event that an AWS service sends for them, in the service's own shape.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html and the pages of the services below it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from spacy_lambda.core.loopback import LOCAL_REGION

__all__ = ["EVENT_KINDS", "make_event"]

ACCOUNT = "123456789012"
NAME = "spacy-lambda-test"
SENT_MS = 1_767_268_800_000
SENT = "2026-01-01T12:00:00.000Z"
"""When the services sent the events."""

Request = Mapping[str, Any]


def make_event(
    kind: str,
    texts: Sequence[str] = (),
    *,
    objects: Sequence[str] = (),
    path: str = "/predict",
    **options: Any,
) -> dict[str, Any]:
    """Return an event with a request for each text, or with new objects in S3.

    :param kind: One of :data:`EVENT_KINDS`.
    :param texts: Texts. Services that send one request at a time get a request with all of them.
    :param objects: Locations of new objects, such as ``s3://bucket/papers/a.txt``; for ``s3`` and ``eventbridge-s3``.
    :param path: The path of the request, for events of HTTP.
    :param options: Further keys of each request, such as ``include``.
    :raises ValueError: If there is no such kind, or it needs something else.
    """
    if kind not in _MAKERS:
        raise ValueError(f"there are no events of kind {kind!r}; choose from {', '.join(EVENT_KINDS)}")
    if kind in OBJECT_KINDS:
        if not objects or texts:
            raise ValueError(f'{kind} events need objects: objects=["s3://bucket/key.txt"]')
        return OBJECT_KINDS[kind]([_bucket_and_key(location) for location in objects])
    if objects:
        raise ValueError(f"objects are for {' and '.join(OBJECT_KINDS)}, not for {kind}")
    if kind == "warmer":
        return {"warmer": True}
    if not texts:
        raise ValueError(f"{kind} events need texts")
    if kind in BATCH_KINDS:
        return {"Records": [BATCH_KINDS[kind]({"text": text, **options}, n) for n, text in enumerate(texts, 1)]}
    request = {"text": texts[0], **options} if len(texts) == 1 else {"texts": list(texts), **options}
    return HTTP_KINDS[kind](request, path) if kind in HTTP_KINDS else SINGLE_KINDS[kind](request)


def _sqs(request: Request, number: int) -> dict[str, Any]:
    return _message(json.dumps(request), number)


def _message(body: str, number: int) -> dict[str, Any]:
    return {
        "messageId": _id("message", number),
        "receiptHandle": f"AQEBtest{number}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(SENT_MS),
            "SenderId": "AIDATEST",
            "ApproximateFirstReceiveTimestamp": str(SENT_MS + 10),
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": _arn("sqs", NAME),
        "awsRegion": LOCAL_REGION,
    }


def _fifo(request: Request, number: int) -> dict[str, Any]:
    message: dict[str, Any] = _sqs(request, number)
    message["eventSourceARN"] += ".fifo"
    message["attributes"] |= {
        "SequenceNumber": f"{18_884_840_000_000_000_000 + number}",
        "MessageGroupId": NAME,
        "MessageDeduplicationId": f"d-{number}",
    }
    return message


def _sns(request: Request, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": _id("notification", number),
        "TopicArn": _arn("sns", NAME),
        "Subject": None,
        "Message": json.dumps(request),
        "Timestamp": SENT,
        "SignatureVersion": "1",
        "Signature": "TEST",
        "SigningCertUrl": "https://sns.example.com/test.pem",
        "UnsubscribeUrl": "https://sns.example.com/?Action=Unsubscribe",
        "MessageAttributes": {},
    }
    return {
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{_arn('sns', NAME)}:{_id('subscription', 1)}",
        "EventSource": "aws:sns",
        "Sns": message,
    }


def _sns_in_sqs(request: Request, number: int) -> dict[str, Any]:
    """Return a message of a queue that is subscribed to a topic, without raw message delivery."""
    notification = {key: value for key, value in _sns(request, number)["Sns"].items() if value is not None}
    for name in ("SigningCert", "Unsubscribe"):  # whose keys differ in one letter there
        notification[f"{name}URL"] = notification.pop(f"{name}Url")
    return _message(json.dumps(notification), number)


def _kinesis(request: Request, number: int) -> dict[str, Any]:
    sequence = f"{49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898 + number}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": f"p-{number}",
            "sequenceNumber": sequence,
            "data": base64.b64encode(json.dumps(request).encode()).decode("ascii"),
            "approximateArrivalTimestamp": SENT_MS / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        "awsRegion": LOCAL_REGION,
        "eventSourceARN": _arn("kinesis", f"stream/{NAME}"),
    }


def _direct(request: Request) -> dict[str, Any]:
    return dict(request)


def _eventbridge(request: Request) -> dict[str, Any]:
    return _bus("com.example.test", "Text Received", dict(request), [])


def _step_functions(request: Request) -> dict[str, Any]:
    return {"key": "0", **request}


def _bedrock_agent(request: Request) -> dict[str, Any]:
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in request.items()}
    return {
        "messageVersion": "1.0",
        "agent": {"name": NAME, "id": "AGENTTEST1", "alias": "ALIASTEST1", "version": "1"},
        "inputText": "",
        "sessionId": "s-1",
        "actionGroup": "entities",
        "function": "find",
        "parameters": [
            {"name": name, "type": "string" if isinstance(request[name], str) else "array", "value": value}
            for name, value in values.items()
        ],
        "sessionAttributes": {},
        "promptSessionAttributes": {},
    }


def _function_url(request: Request, path: str) -> dict[str, Any]:
    host = f"test.lambda-url.{LOCAL_REGION}.on.aws"
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "test"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": _headers(host),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "test",
            "domainName": host,
            "domainPrefix": "test",
            "http": http,
            "requestId": _id("request", 1),
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:12:00:00 +0000",
            "timeEpoch": SENT_MS,
        },
        "body": json.dumps(request),
        "isBase64Encoded": False,
    }


def _http_api(request: Request, path: str) -> dict[str, Any]:
    event = _function_url(request, path)
    host = f"test.execute-api.{LOCAL_REGION}.amazonaws.com"
    event["headers"]["host"] = host
    event["requestContext"] |= {"accountId": ACCOUNT, "domainName": host}
    return event


def _rest_api(request: Request, path: str) -> dict[str, Any]:
    headers = _headers(f"test.execute-api.{LOCAL_REGION}.amazonaws.com")
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "test",
            "resourcePath": "/{proxy+}",
            "httpMethod": "POST",
            "path": f"/prod{path}",
            "accountId": ACCOUNT,
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "test",
            "requestTimeEpoch": SENT_MS,
            "requestId": _id("request", 1),
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"},
            "domainName": headers["host"],
            "apiId": "test",
        },
        "body": json.dumps(request),
        "isBase64Encoded": False,
    }


def _load_balancer(request: Request, path: str) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": _arn("elasticloadbalancing", f"targetgroup/{NAME}/1")}},
        "httpMethod": "POST",
        "path": path,
        "queryStringParameters": {},
        "headers": _headers(f"test.{LOCAL_REGION}.elb.amazonaws.com"),
        "body": json.dumps(request),
        "isBase64Encoded": False,
    }


def _s3(objects: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": LOCAL_REGION,
                "eventTime": SENT,
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AIDATEST"},
                "requestParameters": {"sourceIPAddress": "203.0.113.7"},
                "responseElements": {"x-amz-request-id": "TEST", "x-amz-id-2": "TEST"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": NAME,
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "TEST"},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": {"key": quote_plus(key, safe="/"), "size": 1, "eTag": "test", "sequencer": f"{n:016X}"},
                },
            }
            for n, (bucket, key) in enumerate(objects, 1)
        ]
    }


def _s3_on_bus(objects: Sequence[tuple[str, str]]) -> dict[str, Any]:
    if len(objects) > 1:
        raise ValueError("an EventBridge event has one object")
    ((bucket, key),) = objects
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": key, "size": 1, "etag": "test", "sequencer": f"{1:016X}"},
        "request-id": "TEST",
        "requester": ACCOUNT,
        "source-ip-address": "203.0.113.7",
        "reason": "PutObject",
    }
    return _bus("aws.s3", "Object Created", detail, [f"arn:aws:s3:::{bucket}"])


def _bus(source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": _id("event", 1),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-01-01T12:00:00Z",
        "region": LOCAL_REGION,
        "resources": resources,
        "detail": detail,
    }


def _headers(host: str) -> dict[str, str]:
    return {"accept": "application/json", "content-type": "application/json", "host": host, "user-agent": "test"}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{LOCAL_REGION}:{ACCOUNT}:{resource}"


def _id(name: str, number: int) -> str:
    """Return a UUID that is the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}-{number}.{NAME}"))


def _bucket_and_key(location: str) -> tuple[str, str]:
    scheme, _, rest = location.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise ValueError(f"{location!r} is not the location of an object: s3://bucket/key is expected")
    return bucket, key


BATCH_KINDS: Mapping[str, Callable[[Request, int], dict[str, Any]]] = {
    "kinesis": _kinesis,
    "sns": _sns,
    "sqs": _sqs,
    "sqs-fifo": _fifo,
    "sqs-sns": _sns_in_sqs,
}
SINGLE_KINDS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "bedrock-agent": _bedrock_agent,
    "direct": _direct,
    "eventbridge": _eventbridge,
    "step-functions": _step_functions,
}
HTTP_KINDS: Mapping[str, Callable[[Request, str], dict[str, Any]]] = {
    "alb": _load_balancer,
    "api-gateway-http": _http_api,
    "api-gateway-rest": _rest_api,
    "function-url": _function_url,
}
OBJECT_KINDS: Mapping[str, Callable[[Sequence[tuple[str, str]]], dict[str, Any]]] = {
    "eventbridge-s3": _s3_on_bus,
    "s3": _s3,
}
_MAKERS = frozenset((*BATCH_KINDS, *SINGLE_KINDS, *HTTP_KINDS, *OBJECT_KINDS, "warmer"))

EVENT_KINDS = tuple(sorted(_MAKERS))
"""Kinds of events."""
