"""A pipeline -> its description: components, transformers, sizes, and whether and how it would be compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from spacy_lambda.compiler.custom_code import find_code
from spacy_lambda.compiler.inspection import Inspection, Original, inspect_parts, pipeline_requirements
from spacy_lambda.compiler.libraries import TransformerPart
from spacy_lambda.compiler.precisions import EXACT, PRECISIONS, rules_in
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.compiled_meta import META_KEY, Precision
from spacy_lambda.core.files import StrPath, file_sizes
from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.errors import RequirementError, SpacyLambdaError
from spacy_lambda.packages.base_install import SPACY_LAMBDA
from spacy_lambda.packages.closure import requirement_closure
from spacy_lambda.pipeline.config_file import read_config
from spacy_lambda.pipeline.kind import PipelineKind, kind_of
from spacy_lambda.runtime.code import code_names

__all__ = ["ComponentDescription", "PipelineDescription", "SizeEstimate", "describe_pipeline"]

PACKAGES_BYTES = 142_400_000
"""Bytes of the packages in a zip for Python 3.13 on x86_64, as ``spacy-lambda bundle`` reports them."""

SOURCES_BYTES = 10_600_000
"""Bytes that ``bundle`` saves by bytecode in place of the packages' sources, where a zip fits only so."""

WORDPIECE_BYTES = 34
"""Bytes of a tokenizer for each wordpiece, as of RoBERTa's."""

READ_COPIES = 2
"""Copies of an encoder in memory while a component's model is read, in addition to the one that is used."""

PROCESS_BYTES = 130_000_000
TOUCHED_SHARE = 0.72
"""Memory of a function without its pipeline, and the part of the pipeline that it touches: most embeddings stay on the
disk. Within 12 % of the peaks that ``make bench`` reports for all sizes and precisions."""

MB = 1_000_000


@dataclass(frozen=True)
class ComponentDescription:
    """One component.

    :param labels: Its labels, as in ``meta.json``.
    """

    name: str
    factory: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class SizeEstimate:
    """Estimated size of a function with the pipeline at one precision.

    :param pipeline_bytes: Bytes of the compiled pipeline.
    :param zip_bytes: Bytes of a zip with it, unzipped.
    :param fits_zip: ``True`` if Lambda accepts that; otherwise ``bundle`` makes an image.
    :param memory_mb: Peak memory of the function.
    """

    pipeline_bytes: int
    zip_bytes: int
    fits_zip: bool
    memory_mb: int


@dataclass(frozen=True)
class PipelineDescription:
    """The description of a pipeline.

    :param pipeline: Its name and version: ``LANG_NAME-VERSION``.
    :param kind: See :class:`.PipelineKind`.
    :param bytes: Bytes of its files.
    :param spacy_version: Versions of spaCy that it is made for.
    :param components: Its components, in order.
    :param requirements: Requirements of the compiled pipeline in addition to the base install.
    :param code: Modules that it brings.
    :param transformers: Each transformer's settings.
    :param precision: Precision of a compiled pipeline.
    :param source: Original of a compiled pipeline: name, version and SHA-256.
    :param verification: Summary of a compiled pipeline's verification, if one was made.
    :param choice: The precisions that were measured when it was compiled with ``--precision auto``.
    :param fits: Estimated sizes, by precision.
    :param reasons: Every reason why it cannot be compiled, each with its remedy.
    """

    pipeline: str
    kind: PipelineKind
    bytes: int
    spacy_version: str
    components: tuple[ComponentDescription, ...]
    requirements: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    transformers: tuple[dict[str, Any], ...] = ()
    precision: Precision | None = None
    source: dict[str, str] | None = None
    verification: dict[str, Any] | None = None
    choice: dict[str, Any] | None = None
    fits: dict[str, SizeEstimate] = field(default_factory=dict)
    reasons: tuple[dict[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the description as JSON values."""
        return asdict(self)


def describe_pipeline(pipeline: StrPath, *, code: Sequence[StrPath] = ()) -> PipelineDescription:
    """Describe a pipeline, and for an original what compiling it would do, or the reasons why it cannot be compiled.

    An original is loaded, which runs code that it names; a compiled pipeline is only read. Nothing is written.

    :param pipeline: A pipeline's folder, an installed pipeline package's name, or a wheel, zip or artifact of one.
    :param code: Python files and packages that register the names in the pipeline's config.
    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises InvalidPipelineError: If its config cannot be read.
    """
    with pipeline_folder(pipeline) as path:
        config, meta = read_config(path), read_meta(path / "meta.json")
        kind = kind_of(config, meta)
        common: dict[str, Any] = {
            "pipeline": f"{meta.get('lang')}_{meta.get('name')}-{meta.get('version')}",
            "kind": kind,
            "bytes": sum(file_sizes(path).values()),
            "spacy_version": str(meta.get("spacy_version", "")),
            "components": _components(config, meta),
        }
        if kind is PipelineKind.ORIGINAL:
            return PipelineDescription(**common, **_original(path, [Path(one) for one in code], common["bytes"]))
        return PipelineDescription(**common, **_runnable(path, meta, common["bytes"]))


def _components(config: Mapping[str, Any], meta: Mapping[str, Any]) -> tuple[ComponentDescription, ...]:
    labels = meta.get("labels")
    known = labels if isinstance(labels, Mapping) else {}
    sections = config.get("components", {})
    return tuple(
        ComponentDescription(name, _factory(sections.get(name, {})), tuple(map(str, known.get(name, ()))))
        for name in config["nlp"]["pipeline"]
    )


def _factory(section: Mapping[str, Any]) -> str:
    return str(section.get("factory") or f"from {section.get('source')}")


def _runnable(path: Path, meta: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Describe a pipeline that a function runs as it is."""
    block = meta.get(META_KEY) or {}
    precision = block.get("precision")
    return {
        "requirements": tuple(meta.get("requirements", ())),
        "code": tuple(code_names(path)),
        "transformers": tuple({"component": name, **one} for name, one in block.get("encoders", {}).items()),
        "precision": precision,
        "source": {key: str(block[f"source_{key}"]) for key in ("name", "version", "sha256")} if block else None,
        "verification": block.get("verification"),
        "choice": block.get("choice"),
        "fits": {
            precision or "as it is": _estimate_size(
                size,
                _packages_bytes(meta.get("requirements", ())),
                private=sum(one["bytes"] for name, one in block.get("encoders", {}).items() if "." in name),
                expanded=_expanded(meta),
            )
        },
    }


def _original(path: Path, code: Sequence[Path], size: int) -> dict[str, Any]:
    own = find_code(path, code)
    try:
        found = inspect_parts(path, own)
        requirements = (
            pipeline_requirements(Original(path, found.nlp, found.config, found.transformers, own)) if found.nlp else ()
        )
    except SpacyLambdaError as exc:
        return {"code": tuple(own.names), "reasons": (_reason(exc.message, exc.remedy),)}
    return {
        "requirements": tuple(requirements),
        "code": tuple(own.names),
        "transformers": tuple(_describe(part) for part in found.transformers),
        "fits": {} if found.reasons else _size_estimates(path, found, size, _packages_bytes(requirements)),
        "reasons": tuple(_reason(*one) for one in found.reasons),
    }


def _describe(part: TransformerPart) -> dict[str, Any]:
    return {
        "component": part.name,
        "architecture": part.architecture,
        "method": "graph" if part.has_graph() else "trace",
        **part.settings(),
        **part.facts(),
    }


def _size_estimates(path: Path, found: Inspection, size: int, packages: int) -> dict[str, SizeEstimate]:
    rest = size - sum(part.original_bytes(path) for part in found.transformers)
    rest += sum(WORDPIECE_BYTES * int(part.facts()["vocabulary"]) for part in found.transformers if part.place is None)
    fits: dict[str, SizeEstimate] = {}
    for name, rules in PRECISIONS.items():
        encoders = [(part.encoder_bytes(rules), part.place is not None) for part in found.transformers]
        private = sum(n_bytes for n_bytes, is_private in encoders if is_private)
        expanded = sum(part.encoder_bytes(EXACT) - part.encoder_bytes(rules) for part in found.transformers)
        fits[name] = _estimate_size(
            rest + sum(n_bytes for n_bytes, _ in encoders),
            packages,
            private=private,
            expanded=expanded if rules.expanded else 0,
        )
    return fits


def _expanded(meta: Mapping[str, Any]) -> int:
    """Return the bytes that the encoders of a compiled pipeline take in memory beyond the size of their files."""
    rules = rules_in(meta)
    encoders = (meta.get(META_KEY) or {}).get("encoders", {})
    size = sum(one["bytes"] for one in encoders.values())
    return size * (EXACT.weight_bits - rules.weight_bits) // rules.weight_bits if rules.expanded else 0


def _estimate_size(size: int, packages: int, *, private: int = 0, expanded: int = 0) -> SizeEstimate:
    """Estimate the function's size, with the zip as ``bundle`` makes it: without sources only if it then fits.

    :param size: Bytes of the pipeline.
    :param packages: Bytes of packages beyond the base install.
    :param private: Bytes of the encoders in components' models, which are not mapped but read.
    :param expanded: Bytes that encoders take in memory beyond the size of their files.
    """
    with_sources = PACKAGES_BYTES + packages + size
    without_sources = with_sources - SOURCES_BYTES
    fits_zip = without_sources <= UNZIPPED_BYTES
    zipped = without_sources if with_sources > UNZIPPED_BYTES and fits_zip else with_sources
    # A component's model is read, which touches all of it; encoders of their own are mapped.
    touched = TOUCHED_SHARE * (size + expanded - private) + private
    return SizeEstimate(size, zipped, fits_zip, round((PROCESS_BYTES + touched + READ_COPIES * private) / MB))


def _packages_bytes(requirements: Iterable[str]) -> int:
    """Return the bytes of the packages that the pipeline adds to the base install, as installed here."""
    base = {canonicalize_name(dist.metadata["Name"]) for dist in requirement_closure((SPACY_LAMBDA,))}
    try:
        added = requirement_closure(requirements, without=base)
    except RequirementError:
        return 0
    paths = [Path(str(file.locate())) for dist in added for file in dist.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _reason(reason: str, remedy: str | None) -> dict[str, str]:
    return {"reason": reason, "remedy": remedy or ""}
