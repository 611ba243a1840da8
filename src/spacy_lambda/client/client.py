"""Texts -> predictions, or spaCy's Docs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from spacy_lambda.client.batching import Batch, BatchLimits, batches, check_text
from spacy_lambda.client.bisection import predict_batch
from spacy_lambda.client.call_errors import CHECK
from spacy_lambda.client.connect import Connection, open_transport
from spacy_lambda.client.parallel import RunningCalls, pipe_batches
from spacy_lambda.client.predict_options import PredictOptions
from spacy_lambda.client.response_body import MAX_ANSWER_BYTES
from spacy_lambda.client.retry import Retry
from spacy_lambda.client.transport import CallError, Transport
from spacy_lambda.core.request_options import LongText
from spacy_lambda.errors import InvokeError, RequestError

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_lambda.client.signing import Auth

__all__ = ["Client"]

T = TypeVar("T")


class Client:
    """A client of one function, safe to share between threads.

    ::

        with Client("https://abc.lambda-url.eu-west-1.on.aws") as client:
            client.predict("Thin films of iron oxide.")
            for doc in client.pipe(texts, as_docs=True):
                ...

    Predictions change nothing, so transient failures are retried.

    :param target: ``https://...``, the HTTP API, called at ``/predict``; or a function's name or ARN, with or without
        ``:ALIAS``, which is invoked; or a custom transport.
    :param region: By default that of the target, else that of the session.
    :param profile: A profile of the AWS configuration, if there is no session.
    :param session: A boto3 session.
    :param endpoint_url: Lambda's API, if not in AWS. One on this machine is given none of the caller's credentials.
    :param qualifier: A version or an alias.
    :param auth: For URLs. ``auto`` signs requests to Function URLs and API Gateway if there are credentials, ``iam``
        signs requests to any host, ``none`` signs none.
    :param timeout_s: Seconds for a whole call, from connecting to the last byte, including retries and the waits before
        them; should exceed the function's own timeout. For :meth:`pipe` it applies to each request.
    :param concurrency: Maximum concurrent requests of one :meth:`pipe`.
    :param retry: The number of attempts, and the backoff between them.
    :param max_answer_bytes: Maximum bytes of a response, compressed and uncompressed.
    :raises InvokeError: If the arguments are invalid or contradict each other.
    :raises MissingExtraError: If boto3 or requests is not installed.
    """

    def __init__(
        self,
        target: str | Transport,
        *,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
        endpoint_url: str | None = None,
        qualifier: str | None = None,
        auth: Auth = "auto",
        timeout_s: float = 120.0,
        concurrency: int = 4,
        retry: Retry = Retry(),  # noqa: B008  # frozen
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        connection = Connection(
            region=region,
            profile=profile,
            session=session,
            endpoint_url=endpoint_url,
            qualifier=qualifier,
            auth=auth,
            timeout_s=timeout_s,
            concurrency=concurrency,
            max_answer_bytes=max_answer_bytes,
        )
        self._transport = open_transport(target, connection) if isinstance(target, str) else target
        self._timeout_s = timeout_s
        self._concurrency = concurrency
        self._retry = retry

    @overload
    def predict(
        self, text: str, *, include: Sequence[str] | None = ..., long_text: LongText = ..., as_doc: Literal[False] = ...
    ) -> Any: ...
    @overload
    def predict(
        self, text: str, *, long_text: LongText = ..., as_doc: Literal[True], vocab: Vocab | None = ...
    ) -> Doc: ...
    def predict(
        self,
        text: str,
        *,
        include: Sequence[str] | None = None,
        long_text: LongText = "refuse",
        as_doc: bool = False,
        vocab: Vocab | None = None,
    ) -> Any:
        """Predict one text.

        :param include: Parts of the prediction: ``ents``, ``sents``, ``tokens``, ``cats``, ``spans``.
        :param long_text: ``refuse`` a text over the function's limit, or ``split`` it and predict it as one.
        :param as_doc: Return a Doc with all of these parts.
        :param vocab: The Doc's vocabulary; by default one that all Docs of this client share.
        :returns: The entities, as the API returns them; with ``include`` an object; or the Doc.
        :raises RequestError: If the function refuses the text.
        :raises InvokeError: If the function cannot be reached, or fails.
        """
        options = PredictOptions.of(include, long_text, docs=as_doc)
        check_text("text", text, self._transport.cost)
        prediction = self._call(lambda: self._transport.predict(options.body(text=text)))
        options.check(prediction)
        return self._doc(text, prediction, vocab) if as_doc else prediction

    @overload
    def pipe(
        self,
        texts: Iterable[str],
        *,
        include: Sequence[str] | None = ...,
        long_text: LongText = ...,
        as_docs: Literal[False] = ...,
        batch_size: int = ...,
        batch_chars: int = ...,
    ) -> Iterator[Any]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[str],
        *,
        long_text: LongText = ...,
        as_docs: Literal[True],
        vocab: Vocab | None = ...,
        batch_size: int = ...,
        batch_chars: int = ...,
    ) -> Iterator[Doc]: ...
    def pipe(
        self,
        texts: Iterable[str],
        *,
        include: Sequence[str] | None = None,
        long_text: LongText = "refuse",
        as_docs: bool = False,
        vocab: Vocab | None = None,
        batch_size: int = BatchLimits.texts,
        batch_chars: int = BatchLimits.chars,
    ) -> Iterator[Any]:
        """Predict many texts, several batches at once; the predictions are yielded in order.

        Texts are read a few batches ahead of the predictions, so the iterable may be endless. A text that fails ends
        the iteration, after all predictions before it; the error's ``key`` is ``texts[N]`` with its number.

        :param texts: Any iterable.
        :param batch_size: Maximum texts in a request.
        :param batch_chars: Maximum characters in a request; a longer text is sent alone.
        :raises RequestError: If the function refuses a text.
        :raises InvokeError: If the function cannot be reached, or fails.
        """
        if isinstance(texts, str):
            raise RequestError('"texts" is a string, not several', remedy="give a list, or use predict()", key="texts")
        options = PredictOptions.of(include, long_text, docs=as_docs)
        limits = BatchLimits(texts=batch_size, chars=batch_chars)
        found = batches(texts, limits, self._transport.cost)
        return self._predictions(
            found, options, lambda text, prediction: self._doc(text, prediction, vocab) if as_docs else prediction
        )

    def info(self) -> Any:
        """Return the pipeline's name, labels, versions and hash, as ``GET /info`` returns them."""
        return self._call(lambda: self._transport.get("/info"))

    def health(self) -> Any:
        """Return ``{"status": "ok"}``, as ``GET /health`` returns it."""
        return self._call(lambda: self._transport.get("/health"))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _predictions(
        self, found: Iterator[Batch], options: PredictOptions, finish: Callable[[str, Any], Any]
    ) -> Generator[Any, None, None]:
        calls = RunningCalls(self._timeout_s)

        def send(texts: Sequence[str]) -> list[Any]:
            return self._ask(texts, options, calls)

        pairs = pipe_batches(found, lambda batch: predict_batch(batch, send), concurrency=self._concurrency)
        try:
            for text, prediction in pairs:
                yield finish(text, prediction)
        finally:
            calls.stop()
            pairs.close()

    def _ask(self, texts: Sequence[str], options: PredictOptions, calls: RunningCalls) -> list[Any]:
        """Send one request of a pipe; a failure that fewer texts may avoid is not retried with as many."""
        body = options.body(texts=texts)
        with calls.one() as deadline:
            predictions = self._retry.run(
                lambda: calls.unless_stopped(lambda: self._transport.predict(body)),
                deadline=deadline,
                may_repeat=lambda failed: not (failed.splittable and len(texts) > 1),
            )
        if not isinstance(predictions, list) or len(predictions) != len(texts):
            raise InvokeError(
                f"the function did not return one prediction for each of {len(texts)} texts", remedy=CHECK
            )
        for prediction in predictions:
            options.check(prediction)
        return predictions

    def _call(self, call: Callable[[], T]) -> T:
        try:
            with RunningCalls(self._timeout_s).one() as deadline:
                return self._retry.run(call, deadline=deadline)
        except CallError as failed:
            raise failed.error from failed.__cause__

    def _doc(self, text: str, prediction: Any, vocab: Vocab | None) -> Doc:
        from spacy_lambda.client.docs import doc_of

        return doc_of(text, prediction, self._vocab if vocab is None else vocab)

    @cached_property
    def _vocab(self) -> Vocab:
        import spacy

        return spacy.blank("xx").vocab
