"""Optional dependencies: the extra that installs each, the error that names its install command, and lazy imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from shlex import quote
from typing import Any, ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import MissingExtraError

__all__ = ["EXTRA_OF", "explain_missing", "install_command", "installed_from", "lazy_imports", "missing_extra"]

EXTRA_OF = {
    "OpenSSL": "sign",
    "aws_cdk": "deploy",
    "awslambdaric": "local",
    "boto3": "s3",
    "botocore": "s3",
    "build": "hub",
    "constructs": "deploy",
    "curated_tokenizers": "sentencepiece",
    "cyclonedx": "bundle",
    "huggingface_hub": "hub",
    "jsii": "deploy",
    "model_signing": "sign",
    "moto": "rehearsal",
    "onnx": "compile",
    "onnxscript": "compile",
    "packageurl": "bundle",
    "packaging": "bundle",
    "pandas": "ray",
    "pyarrow": "annotate",
    "ray": "ray",
    "requests": "hub",
    "rich": "cli",
    "spacy_transformers": "compile",
    "squarify": "bundle",
    "starlette": "local",
    "torch": "compile",
    "transformers": "compile",
    "typer": "cli",
    "urllib3": "client",
    "uvicorn": "local",
    "werkzeug": "rehearsal",
    "yaml": "hub",
}
"""Importable package -> extra."""

P = ParamSpec("P")
T = TypeVar("T")


def missing_extra(exc: ModuleNotFoundError) -> MissingExtraError | None:
    """Return the error for a missing optional dependency, or ``None`` if the module is not one."""
    missing = (exc.name or "").partition(".")[0]
    return _error(EXTRA_OF[missing], missing) if missing in EXTRA_OF else None


def _error(extra: str, missing: str) -> MissingExtraError:
    return MissingExtraError(extra, missing=missing, remedy=install_command(extra))


def installed_from() -> dict[str, Any]:
    """Return where spacy-lambda was installed from, as pip records it (PEP 610); nothing for an index of packages."""
    try:
        origin = parse_json(distribution("spacy-lambda").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        origin = {}
    return origin if isinstance(origin, dict) else {}


def install_command(extra: str | None = None, *, option: str | None = None) -> str:
    """Return the command that installs spacy-lambda: from the folder that it was installed from, or from PyPI.

    :param extra: An extra to install with it.
    :param option: An option of pip, such as ``--upgrade``.
    """
    pip = "pip install" if option is None else f"pip install {option}"
    extras = "" if extra is None else f"[{extra}]"
    origin = installed_from()
    folder = Path(unquote(urlsplit(str(origin.get("url", ""))).path))
    if "dir_info" not in origin or not (folder / "pyproject.toml").is_file():
        return f'{pip} "spacy-lambda{extras}"' if extras else f"{pip} spacy-lambda"
    pins = folder / "constraints.txt"
    pinned = f"-c {quote(str(pins))} " if pins.is_file() else ""
    editable = "-e " if origin["dir_info"].get("editable") else ""
    return f"{pip} {pinned}{editable}{quote(f'{folder}{extras}')}"


def explain_missing(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function of the public API so that a missing optional dependency names its install command.

    :raises MissingExtraError: From the decorated function, in place of :class:`ModuleNotFoundError`.
    """

    @wraps(function)
    def explained(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except ModuleNotFoundError as exc:
            error = missing_extra(exc)
            if error is None:
                raise
            raise error from exc

    return explained


def lazy_imports(package: str, modules: Mapping[str, str], *, extra: str | None = None) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package (PEP 562): its public names are imported at their first use.

    :param package: The package's name.
    :param modules: The module of each public name.
    :param extra: The extra that installs what the modules import; by default, a missing module is reported as such.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = import_module(modules[name])
        except ModuleNotFoundError as exc:
            if extra is None or (exc.name or "").startswith("spacy_lambda"):
                raise
            raise _error(extra, str(exc.name)) from exc
        return getattr(module, name)

    return get
