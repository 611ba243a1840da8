"""Texts -> predictions, or spaCy's Docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, overload

from spacy_lambda.client.batching import BatchLimits, check_text
from spacy_lambda.client.connect import Connection, open_transport
from spacy_lambda.client.parallel import RunningCalls
from spacy_lambda.client.pipe import DocPipe, PredictionPipe, TextPipe
from spacy_lambda.client.predict_options import PredictOptions
from spacy_lambda.client.progress_bar import Progress
from spacy_lambda.client.response_body import MAX_ANSWER_BYTES
from spacy_lambda.client.retry import Retry
from spacy_lambda.client.text_result import OnError, TextError
from spacy_lambda.client.transport import CallError, Transport
from spacy_lambda.core.request_options import LongText
from spacy_lambda.errors import RequestError

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_lambda.client.signing import Auth

__all__ = ["Client"]

C = TypeVar("C")
T = TypeVar("T")


class Client:
    """A client of one function, safe to share between threads.

    ::

        with Client("https://abc.lambda-url.eu-central-1.on.aws") as client:
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

        :param text: The text.
        :param include: Parts of the prediction: ``ents``, ``sents``, ``tokens``, ``cats``, ``spans``.
        :param long_text: ``refuse`` a text over the function's limit, or ``split`` it and predict it as one.
        :param as_doc: Return a Doc with all of these parts.
        :param vocab: The Doc's vocabulary; by default one that all Docs of this client share.
        :returns: The entities, as the API returns them; with ``include`` an object; or the Doc.
        :raises RequestError: If the function refuses the text.
        :raises InvokeError: If the function cannot be reached, or fails.
        """
        options = PredictOptions.of(include, long_text, docs=as_doc)
        if isinstance(text, Iterable) and not isinstance(text, str | bytes | Mapping):
            raise RequestError(
                f'"text" is of type {type(text).__name__}, not a string',
                remedy="send one text, or use pipe()",
                key="text",
            )
        check_text("text", text, self._transport.cost)
        prediction = self._call(lambda: self._transport.predict(options.body(text=text)))
        options.check(prediction)
        return self._doc(text, prediction, vocab) if as_doc else prediction

    @overload
    def pipe(
        self,
        texts: Iterable[str],
        *,
        as_tuples: Literal[False] = ...,
        on_error: Literal["raise"] = ...,
        **options: Unpack[PredictionPipe],
    ) -> Iterator[Any]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[object],
        *,
        as_tuples: Literal[False] = ...,
        on_error: OnError,
        **options: Unpack[PredictionPipe],
    ) -> Iterator[Any]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[tuple[str, C]],
        *,
        as_tuples: Literal[True],
        on_error: Literal["raise"] = ...,
        **options: Unpack[PredictionPipe],
    ) -> Iterator[tuple[Any, C]]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[tuple[object, C]],
        *,
        as_tuples: Literal[True],
        on_error: OnError,
        **options: Unpack[PredictionPipe],
    ) -> Iterator[tuple[Any, C]]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[str],
        *,
        as_docs: Literal[True],
        as_tuples: Literal[False] = ...,
        on_error: Literal["raise"] = ...,
        **options: Unpack[DocPipe],
    ) -> Iterator[Doc]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[object],
        *,
        as_docs: Literal[True],
        as_tuples: Literal[False] = ...,
        on_error: Literal["return"],
        **options: Unpack[DocPipe],
    ) -> Iterator[Doc | TextError]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[object],
        *,
        as_docs: Literal[True],
        as_tuples: Literal[False] = ...,
        on_error: Callable[[Any, TextError], T],
        **options: Unpack[DocPipe],
    ) -> Iterator[Doc | T]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[tuple[str, C]],
        *,
        as_docs: Literal[True],
        as_tuples: Literal[True],
        on_error: Literal["raise"] = ...,
        **options: Unpack[DocPipe],
    ) -> Iterator[tuple[Doc, C]]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[tuple[object, C]],
        *,
        as_docs: Literal[True],
        as_tuples: Literal[True],
        on_error: Literal["return"],
        **options: Unpack[DocPipe],
    ) -> Iterator[tuple[Doc | TextError, C]]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[tuple[object, C]],
        *,
        as_docs: Literal[True],
        as_tuples: Literal[True],
        on_error: Callable[[Any, TextError], T],
        **options: Unpack[DocPipe],
    ) -> Iterator[tuple[Doc | T, C]]: ...
    def pipe(
        self,
        texts: Iterable[Any],
        *,
        include: Sequence[str] | None = None,
        long_text: LongText = "refuse",
        as_docs: bool = False,
        vocab: Vocab | None = None,
        as_tuples: bool = False,
        on_error: OnError = "raise",
        batch_size: int = BatchLimits.texts,
        batch_chars: int = BatchLimits.chars,
        progress: Progress = False,
    ) -> Iterator[Any]:
        """Predict many texts, several batches at once; the predictions are yielded in order.

        Texts are read a few batches ahead of the predictions, so the iterable may be endless. By default, a text that
        fails ends the iteration, after all predictions before it; the error's ``key`` is ``texts[N]`` with its number.

        :param texts: Any iterable.
        :param include: Parts of the predictions, as of :meth:`predict`.
        :param long_text: ``refuse`` a text over the function's limit, or ``split`` it and predict it as one.
        :param as_docs: Yield Docs with all of these parts.
        :param vocab: The Docs' vocabulary; by default one that all Docs of this client share.
        :param as_tuples: Read pairs of a text and any context, and yield pairs of a prediction and this context, as
            :meth:`spacy.language.Language.pipe` does.
        :param on_error: ``raise`` the error of a text that fails for its own reason: it is missing or not a string,
            refused, or breaks the function. ``return`` yields the error, a :class:`RequestError` or an
            :class:`InvokeError`, in place of the prediction, and goes on. A function is called with the text and the
            error, and what it returns is yielded.
        :param batch_size: Maximum texts in a request.
        :param batch_chars: Maximum characters in a request; a longer text is sent alone.
        :param progress: Draw a bar in a terminal or a notebook, or call ``progress(step, done, total)``. The total is
            that of the texts read so far where their number is unknown.
        :raises RequestError: If the function refuses a text, or the options.
        :raises InvokeError: If the function cannot be reached, or fails.
        """
        if isinstance(texts, str):
            raise RequestError(
                '"texts" must be a list of strings, not one string', remedy="pass a list, or use predict()", key="texts"
            )
        if isinstance(texts, Mapping) or hasattr(texts, "columns"):  # which yield the names of columns
            raise RequestError(
                f'"texts" is of type {type(texts).__name__}, not a list of strings',
                remedy='pass one of its columns, such as table["text"]',
                key="texts",
            )
        pipe = TextPipe(
            transport=self._transport,
            retry=self._retry,
            timeout_s=self._timeout_s,
            concurrency=self._concurrency,
            options=PredictOptions.of(include, long_text, docs=as_docs),
            limits=BatchLimits(texts=batch_size, chars=batch_chars),
            convert=lambda text, prediction: self._doc(text, prediction, vocab) if as_docs else prediction,
            on_error=on_error,
            progress=progress,
        )
        return pipe.run(texts, as_tuples=as_tuples)

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
