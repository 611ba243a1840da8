"""A client of the Hugging Face Hub's Inference API: https://huggingface.co/docs/inference-providers."""

from __future__ import annotations

import os
from typing import Any

from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.core.location import Location
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import InferenceError

__all__ = ["ENDPOINT_VARIABLE", "query_model"]

ENDPOINT_VARIABLE = "HF_INFERENCE_ENDPOINT"
"""The API's address; huggingface_hub reads it too."""

TIMEOUT_S = 60


def query_model(
    location: Location,
    text: str,
    *,
    token: str | None = None,
    endpoint: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Any:
    """Send a text to a model.

    :param location: ``hf://owner/name``.
    :param token: By default that of `hf auth login`, or ``HF_TOKEN``.
    :param endpoint: The API's address; by default ``HF_INFERENCE_ENDPOINT``, or the Hub's own.
    :param timeout_s: Seconds for the whole call.
    :returns: The model's prediction; entities as ``[{"entity_group", "word", "start", "end", "score"}]``.
    :raises InferenceError: If the API cannot be reached, or returns an error.
    """
    import requests
    import urllib3
    from huggingface_hub import constants, get_token
    from huggingface_hub.utils import build_hf_headers

    from spacy_lambda.client.deadline import Deadline
    from spacy_lambda.client.response_body import CHUNK_BYTES, MAX_ANSWER_BYTES, BodyError, read_body

    if not location.is_repository:
        raise InferenceError(f"{location} is not on the Hub", remedy="write hf://owner/name")
    default = constants.INFERENCE_PROXY_TEMPLATE.format(provider="hf-inference")
    base = (endpoint or os.environ.get(ENDPOINT_VARIABLE) or default).rstrip("/")
    headers = build_hf_headers(token=token or get_token() or False, library_name="spacy-lambda")
    headers["accept-encoding"] = "gzip"
    url = f"{base}/models/{location.path}"
    try:
        with Deadline(timeout_s).running() as deadline:
            response = _session(base).post(
                url, json={"inputs": text}, headers=headers, timeout=timeout_s, allow_redirects=False, stream=True
            )
            chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
            with response:
                body = read_body(chunks, response.headers.get("content-encoding"), limit=MAX_ANSWER_BYTES)
            deadline.check()
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, BodyError) as exc:
        raise InferenceError(
            f"{url} cannot be reached: {connection_reason(exc)}",
            remedy=f"check the network, and {ENDPOINT_VARIABLE} if it is set",
        ) from exc
    except (ValueError, UnicodeError) as exc:  # of urllib3 and requests, for an invalid address
        raise InferenceError(
            f"{url} is not a valid address: {exc}", remedy=f"correct {ENDPOINT_VARIABLE}, or --endpoint"
        ) from exc
    if response.is_redirect:
        # Following it would send the text, and on the same host the token, to an address that the user did not choose.
        raise InferenceError(
            f"{url} redirects to {str(response.headers['location'])[:200]!a}, which is not followed",
            remedy=f"set {ENDPOINT_VARIABLE} to the API's own address",
        )
    if response.status_code != requests.codes.ok:
        raise _refused(location, response, body, has_token="authorization" in headers)
    try:
        return parse_json(body)
    except ValueError as exc:
        raise InferenceError(
            f"{location}: the response is not JSON: {body[:200]!r}", remedy=f"check {ENDPOINT_VARIABLE}"
        ) from exc


def _session(base: str) -> Any:
    """Return huggingface_hub's session, as the user configured it, with an adapter that enforces deadlines."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    from spacy_lambda.client.http_transport import WatchedAdapter

    session = get_session()
    if not constants.HF_HUB_OFFLINE:
        session.mount(base, WatchedAdapter())
    return session


def _refused(location: Location, response: Any, content: bytes, *, has_token: bool) -> InferenceError:
    """Return the error for a response of the service that is not a prediction."""
    status, details = response.status_code, _body(content)
    model = f"hf://{location.path}"
    reason = str(details.get("error") or response.reason or "")
    if status in (401, 403):
        what = "the token is not accepted" if has_token else "a token is required"
        return InferenceError(
            f"{model}: {what} ({status}: {reason})",
            remedy="log in with `hf auth login`, or set HF_TOKEN to a token that may call inference providers",
        )
    if status == 404:
        return InferenceError(
            f"{model}: the model does not exist, is private, or is not served by the API (404: {reason})",
            remedy=f"check the name, or run it yourself: spacy-lambda serve {model}",
        )
    if status == 503:
        wait = details.get("estimated_time")
        seconds = f"; estimated time {wait:.0f} s" if isinstance(wait, int | float) else ""
        return InferenceError(f"{model}: the model is loading{seconds} (503: {reason})", remedy="retry then")
    if status == 429:
        after = response.headers.get("Retry-After")
        return InferenceError(
            f"{model}: too many requests (429: {reason})",
            remedy=f"retry after {after} s" if after else "retry later, or use a token with a higher limit",
        )
    return InferenceError(f"{model}: the API returned {status}: {reason}", remedy="retry later")


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = parse_json(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
