"""Every error that spacy-lambda raises on purpose, each with its remedy.

::

    SpacyLambdaError
    ├── MissingExtraError       an optional part is not installed
    ├── PipelineNotFoundError   a pipeline is missing or incomplete
    ├── InvalidPipelineError    a pipeline's meta.json or config.cfg is invalid
    ├── NotCompiledError        a pipeline needs torch, which functions do not have
    ├── LocationError           a pipeline's location is invalid
    ├── DigestError             a value from outside is not a SHA-256 digest
    ├── JsonError               a file from outside is not valid JSON, or over a limit
    ├── ConfigError             the project's file cannot be read, or has invalid values
    ├── ArtifactError           an artifact or an archive is refused
    │   └── SignatureError          ... because of its signature
    ├── StoreError              a store cannot be reached, or denies access
    │   └── NotStoredError          ... does not have the pipeline, version or alias
    ├── CacheError              the function's cache cannot be used
    ├── DeployError             a deployment failed, or AWS denied a request
    ├── BundleError             a bundle cannot be made, or is over Lambda's limits
    ├── RequirementError        a requirement is invalid, not installed, or installed in another version
    ├── CompileError            a pipeline cannot be compiled
    │   └── UnsupportedPipelineError   ... for the listed reasons
    ├── VerifyError             two pipelines could not be compared
    ├── PackageError            a pipeline cannot be packaged as a wheel
    ├── TrainingError           a pipeline cannot be trained
    ├── PipelineLoadError       the function's pipeline is missing or broken
    ├── PipelineError           a component does not do what spaCy requires of it
    ├── EncoderError            the ONNX encoder rejected its model or its input
    ├── MissingOutputError      doc._.trf_data does not have an output that the original's has
    ├── OutputError             the function cannot write to its output
    ├── CorpusError             a corpus cannot be read, or its annotations cannot be written
    ├── LocalLambdaError        the local Lambda could not start, or its settings are invalid
    ├── SizingError             a function cannot be measured, or its cost cannot be estimated
    ├── InferenceError          the Hub's Inference API cannot be reached or returns an error
    ├── InvokeError             an endpoint cannot be reached or returns an error
    └── RequestError            an invalid request
        └── OutOfTimeError          ... in the time that is left

Standard library only: both the build side and the runtime raise these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class SpacyLambdaError(Exception):
    """The root of all errors, with a message and a remedy.

    :param message: Description of the failure, with the actual value and the limit.
    :param remedy: The command to run or the setting to change.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\nremedy: {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy errors with all their fields; an exception's default has only its positional arguments."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[SpacyLambdaError], args: tuple[Any, ...], fields: dict[str, Any]) -> SpacyLambdaError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class MissingExtraError(SpacyLambdaError):
    """A command needs an extra that is not installed.

    :param extra: The extra.
    :param missing: The module or program that is not installed.
    :param remedy: A command; by default the one that installs the extra.
    """

    def __init__(self, extra: str, *, missing: str, remedy: str | None = None) -> None:
        super().__init__(
            f"this needs {missing!r}, which is not installed",
            remedy=remedy or f'pip install "spacy-lambda[{extra}]"',
        )
        self.extra = extra


class PipelineNotFoundError(SpacyLambdaError):
    """A pipeline is missing or incomplete."""


class InvalidPipelineError(SpacyLambdaError):
    """A pipeline's ``meta.json`` or ``config.cfg`` is invalid or cannot be read."""


class NotCompiledError(SpacyLambdaError):
    """A pipeline needs torch, which functions do not have."""


class ArtifactError(SpacyLambdaError):
    """An artifact or an archive is damaged or unsafe, or a pipeline cannot be packed."""


class SignatureError(ArtifactError):
    """A signature is missing, invalid, or cannot be made."""


class LocationError(SpacyLambdaError):
    """A pipeline's location is invalid."""


class DigestError(SpacyLambdaError):
    """A value from outside is not a SHA-256 digest."""


class JsonError(SpacyLambdaError):
    """A file from outside is not valid JSON, or over a limit of size or depth."""


class ConfigError(SpacyLambdaError):
    """The project's file has faults; lists every one of them.

    :param path: The file.
    :param faults: Key, problem (to be read after the key) and remedy of each.
    """

    def __init__(self, path: str, faults: Sequence[tuple[str, str, str]]) -> None:
        if len(faults) == 1:
            ((key, problem, remedy),) = faults
            message = f"{path}: {key} {problem}"
        else:
            message = f"{path} has {len(faults)} faults:" + _numbered(f"{key} {problem}" for key, problem, _ in faults)
            remedy = "change each:" + _numbered(f"{key}: {remedy}" for key, _, remedy in faults)
        super().__init__(message, remedy=remedy)
        self.faults = tuple(faults)


def _numbered(lines: Iterable[str]) -> str:
    return "".join(f"\n  {number}. {line}" for number, line in enumerate(lines, start=1))


class StoreError(SpacyLambdaError):
    """A store cannot be reached, or denies access."""


class NotStoredError(StoreError):
    """A store has no such pipeline, version or alias."""


class CacheError(SpacyLambdaError):
    """The function's cache of pipelines cannot be used."""


class BundleError(SpacyLambdaError):
    """A bundle cannot be made, or is over Lambda's limits."""


class DeployError(SpacyLambdaError):
    """A deployment failed, or AWS denied a request."""


class RequirementError(SpacyLambdaError):
    """A requirement of a pipeline is invalid, not installed, or installed in another version."""


class CompileError(SpacyLambdaError):
    """A pipeline could not be compiled."""


class UnsupportedPipelineError(CompileError):
    """A pipeline has parts that cannot be compiled; lists every one of them.

    :param reasons: Pairs of a reason and its remedy.
    """

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "this pipeline cannot be compiled:\n" + "\n".join(f"  - {reason}" for reason, _ in reasons),
            remedy="\n".join(f"  - {remedy}" for _, remedy in reasons),
        )
        self.reasons = tuple(reasons)


class VerifyError(SpacyLambdaError):
    """Two pipelines could not be compared."""


class PackageError(SpacyLambdaError):
    """A pipeline cannot be packaged as a wheel, or the wheel does not run."""


class TrainingError(SpacyLambdaError):
    """A pipeline cannot be trained: a compiled one, or with this corpus, base model or config."""


class PipelineLoadError(SpacyLambdaError):
    """The function's pipeline is missing, damaged or not configured."""


class PipelineError(SpacyLambdaError):
    """A component of the pipeline does not do what spaCy requires of it."""


class EncoderError(SpacyLambdaError):
    """The ONNX encoder rejected its model file or its input."""


class MissingOutputError(SpacyLambdaError, AttributeError):
    """An output of the original's transformer that ``doc._.trf_data`` of a compiled pipeline does not have."""


class OutputError(SpacyLambdaError):
    """The function cannot write to its output, or has none."""


class CorpusError(SpacyLambdaError):
    """A corpus cannot be read, or its annotations cannot be written."""


class LocalLambdaError(SpacyLambdaError):
    """The local Lambda could not start, or its settings are invalid."""


class SizingError(SpacyLambdaError):
    """A function cannot be measured, or its cost cannot be estimated."""


class InferenceError(SpacyLambdaError):
    """The Hub's Inference API cannot be reached, or returns an error."""


class InvokeError(SpacyLambdaError):
    """An endpoint cannot be reached, or returns an error.

    :param message: What happened.
    :param remedy: A command or a setting.
    :param key: The text that caused it, such as ``texts[7]``, if that is known.
    """

    def __init__(self, message: str, *, remedy: str, key: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.key = key


MAX_MESSAGE = 1_000
MAX_KEY = 100
"""Maximum characters of a message or a remedy, and of a key, of :class:`RequestError`."""


class RequestError(SpacyLambdaError):
    """An invalid request, to be corrected by the caller.

    Message, remedy and keys are shortened here, as they may repeat parts of the event.
    Its form outside of the function is that of :mod:`~spacy_lambda.core.wire_errors`.

    :param message: What is wrong with which value.
    :param remedy: How to correct it.
    :param key: The key of the event that is at fault.
    :param status: The HTTP status of the response.
    :param keys: Every key that is at fault, if there are several.
    :param loggable: The same error without parts of the event; by default message and key have none.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        key: str | None = None,
        status: int = 400,
        keys: Sequence[str] = (),
        loggable: RequestError | None = None,
    ) -> None:
        super().__init__(shorten(message, MAX_MESSAGE), remedy=shorten(remedy, MAX_MESSAGE))
        self._loggable = loggable
        self.key = None if key is None else shorten(key, MAX_KEY)
        self.status = status
        self.keys = tuple(shorten(one, MAX_KEY) for one in keys)

    @property
    def loggable(self) -> RequestError:
        """The same error without parts of the event: for logs, and for function errors, which Lambda logs."""
        return self if self._loggable is None else self._loggable

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


class OutOfTimeError(RequestError):
    """The time that is left is too short for a request, or for the rest of a batch."""


def shorten(text: str, limit: int = 80) -> str:
    """Shorten a text that a message repeats."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; without a message, the error's class."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
