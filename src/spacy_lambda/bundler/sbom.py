"""A bundle's software bill of materials in CycloneDX (https://cyclonedx.org/docs/1.6/json/), reproducible."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import spacy_lambda
from spacy_lambda.bundler.licences import UNKNOWN, BundledDistribution, spdx_licence
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.pipeline_meta import pipeline_name

__all__ = ["sbom_text"]


def sbom_text(
    components: Sequence[BundledDistribution], *, pipeline: Mapping[str, Any], sha256: str, target: Target
) -> str:
    """Return the document: the function, its pipeline and its distributions.

    It has no date, and its serial number is derived from its contents.

    :param pipeline: The pipeline's ``meta.json``.
    :param sha256: Identity of the pipeline's artifact.
    :param target: The function's runtime.
    """
    function = _function(pipeline, target)
    entries = [_model(pipeline, sha256), *map(_library, components)]
    bom = Bom(metadata=BomMetaData(component=function, tools=ToolRepository(components=[_tool()])), components=entries)
    bom.register_dependency(function, entries)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library always writes the time and a random serial number.
    del document["metadata"]["timestamp"], document["serialNumber"]
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True)).urn
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _tool() -> Component:
    return Component(
        name="spacy-lambda",
        version=spacy_lambda.__version__,
        type=ComponentType.APPLICATION,
        bom_ref="tool",
    )


def _function(pipeline: Mapping[str, Any], target: Target) -> Component:
    return Component(
        name=pipeline_name(pipeline).package,
        version=pipeline_name(pipeline).version,
        type=ComponentType.APPLICATION,
        bom_ref="function",
        properties=[
            Property(name="spacy-lambda:python", value=target.python),
            Property(name="spacy-lambda:architecture", value=target.arch),
        ],
    )


def _model(pipeline: Mapping[str, Any], sha256: str) -> Component:
    return Component(
        name=pipeline_name(pipeline).package,
        version=pipeline_name(pipeline).version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="pipeline",
        licenses=_licences(str(pipeline.get("license") or UNKNOWN)),
        hashes=_hashes(sha256),
        description=str(pipeline.get("description") or "") or None,
    )


def _library(component: BundledDistribution) -> Component:
    purl = PackageURL("pypi", name=component.name, version=component.version)
    return Component(
        name=component.name,
        version=component.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        licenses=_licences(component.licence),
        hashes=_hashes(component.sha256),
    )


def _licences(licence: str) -> list[License]:
    if licence == UNKNOWN:
        return []
    declared = LicenseAcknowledgement.DECLARED
    return [LicenseFactory().make_from_string(spdx_licence(licence) or licence, license_acknowledgement=declared)]


def _hashes(sha256: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []
