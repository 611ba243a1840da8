"""huggingface_hub's errors -> spacy-lambda's, and the guard around its requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.errors import NotStoredError, StoreError, first_line, shorten

__all__ = ["hub_errors", "unreachable"]


@contextmanager
def hub_errors(name: str, endpoint: str) -> Iterator[None]:
    """Guard the requests of huggingface_hub, and raise its errors as spacy-lambda's. It is used only in this context.

    :param name: The repository's location, for messages.
    :param endpoint: The Hub's address; see :func:`~spacy_lambda.store.hub.session.guarded_requests`.
    """
    import requests
    from huggingface_hub import errors

    from spacy_lambda.store.hub.session import guarded_requests

    try:
        with guarded_requests(endpoint), _unwrapped():
            yield
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as exc:
        raise unreachable(name, exc) from exc
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as exc:
        raise NotStoredError(
            f"{name} does not exist, or this token may not read it",
            remedy="check its name and revision, and log in with `hf auth login` or set HF_TOKEN",
        ) from exc
    except errors.HfHubHTTPError as exc:
        status = exc.response.status_code if exc.response is not None else None
        remedy = "log in with a token that may do this: `hf auth login`, or set HF_TOKEN"
        details = exc.server_message or (exc.response.reason if exc.response is not None else "") or first_line(exc)
        raise StoreError(
            f"{name}: the Hub refuses ({status}): {shorten(details, 300)}",
            remedy=remedy if status in (401, 403) else "retry later, or see the Hub's status page",
        ) from exc
    except requests.RequestException as exc:
        raise unreachable(name, exc) from exc
    except errors.HFValidationError as exc:
        raise StoreError(f"{name}: {exc}", remedy="write hf://owner/name") from exc
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as exc:
        raise StoreError(
            f"{name}: invalid response from the Hub: {type(exc).__name__}: {first_line(exc)[:200]}",
            remedy="check HF_ENDPOINT where it is set, and retry",
        ) from exc


def unreachable(name: str, error: Exception) -> StoreError:
    """Return the error for a Hub that cannot be reached."""
    return StoreError(
        f"{name} cannot be reached: {connection_reason(error)}",
        remedy="check the network, and HF_ENDPOINT and HF_HUB_OFFLINE where they are set",
    )


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise the error of one of huggingface_hub's upload threads, which arrives as the cause of a ``RuntimeError``."""
    cause = None
    try:
        yield
    except RuntimeError as exc:
        if not isinstance(exc.__cause__, Exception):
            raise
        cause = exc.__cause__
    if cause is not None:
        raise cause
