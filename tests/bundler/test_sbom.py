"""A bundle's distributions with their licences, and the CycloneDX document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion

import spacy_lambda
from spacy_lambda.bundler.licences import BundledDistribution, list_components, spdx_licence
from spacy_lambda.bundler.sbom import sbom_text
from spacy_lambda.bundler.target import Target

META = {
    "lang": "en",
    "name": "small",
    "version": "1.2",
    "license": "CC BY-SA 4.0",
    "description": "Finds names.",
}
COMPONENTS = (
    BundledDistribution("compiled", "2.0", "MPL-2.0 AND MIT", ("compiled/LICENSE",), "ab" * 32),
    BundledDistribution("named", "1.0+cpu", "BSD", (), "cd" * 32),
    BundledDistribution("silent", "1.0", "unknown", (), ""),
)


def write_distribution(tree: Path, name: str, *lines: str, files: tuple[str, ...] = ()) -> None:
    info = tree / f"{name}-1.0.dist-info"
    for file in ("METADATA", *files):
        (info / file).parent.mkdir(parents=True, exist_ok=True)
        (info / file).write_text("text")
    (info / "METADATA").write_text("\n".join((f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0", *lines, "", "?")))


# Licences.

MIT, BSD, APACHE = (
    f"Classifier: License :: OSI Approved :: {name} License" for name in ("MIT", "BSD", "Apache Software")
)


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["License-Expression: mit or Apache-2.0", BSD], "MIT OR Apache-2.0"),
        (["License-Expression: No-Such-1.0"], "No-Such-1.0"),
        (["License: BSD", MIT], "MIT"),
        (["Classifier: License :: OSI Approved :: ISC License (ISCL)"], "ISC"),
        (["Classifier: License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)"], "MPL-2.0"),
        (["Classifier: License :: OSI Approved :: The Unlicense (Unlicense)"], "Unlicense"),
        (["Classifier: License :: OSI Approved", MIT], "MIT"),
        (["License: BSD 3-Clause License", BSD], "BSD-3-Clause"),
        (["License: Apache License 2.0", APACHE], "Apache-2.0"),
        (["License: MPL-2.0 AND MIT"], "MPL-2.0 AND MIT"),
        (["License: BSD", BSD], "BSD"),
        (["License: MIT OR Apache-2.0", MIT, APACHE], "MIT OR Apache-2.0"),
        (["License: Permission is hereby granted\n        to any person"], "unknown"),
        (["License: " + "Permission is granted. " * 10, MIT, APACHE], "MIT License, Apache Software License"),
        (["License: UNKNOWN", APACHE], "Apache Software License"),
        (["Classifier: License :: OSI Approved"], "unknown"),
        ([], "unknown"),
    ],
)
def test_a_licence(lines: list[str], licence: str, tmp_path: Path) -> None:
    write_distribution(tmp_path, "a", *lines)
    assert list_components(tmp_path, {}) == (BundledDistribution("a", "1.0", licence, (), ""),)


@pytest.mark.parametrize(
    "name", ["BSD", "Apache", "GPL", "Python Software Foundation", "", "MIT and", "(MIT", "See LICENSE"]
)
def test_a_name_that_is_several_licences_or_none(name: str) -> None:
    assert spdx_licence(name) is None
    assert spdx_licence(f"{name} License") is None


def test_components_with_their_texts(tmp_path: Path) -> None:
    files = ("licenses/LICENSE", "licenses/sub/COPYING", "licenses/AUTHORS", "licence.txt", "NOTICE", "top_level.txt")
    write_distribution(tmp_path, "Zope.B", "License: MIT", files=files)
    write_distribution(tmp_path, "one_a", "License: MIT")
    for name in ("one_a/LICENSE", "one_a/ThirdPartyNotices.txt", "one_a/notices.py", "one_a/sub/LICENSE", "LICENSE"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    folder = "Zope.B-1.0.dist-info"
    texts = ("NOTICE", "licence.txt", "licenses/AUTHORS", "licenses/LICENSE", "licenses/sub/COPYING")
    assert list_components(tmp_path, {"one-a": "ab" * 32, "other": "cd" * 32}) == (
        BundledDistribution("one-a", "1.0", "MIT", ("one_a/LICENSE", "one_a/ThirdPartyNotices.txt"), "ab" * 32),
        BundledDistribution("zope-b", "1.0", "MIT", tuple(f"{folder}/{text}" for text in texts), ""),
    )


# The document.


def test_the_whole_document() -> None:
    document = json.loads(sbom_text(COMPONENTS, pipeline=META, sha256="ef" * 32, target=Target("3.14", "arm64")))
    refs = ["pipeline", "pkg:pypi/compiled@2.0", "pkg:pypi/named@1.0%2Bcpu", "pkg:pypi/silent@1.0"]
    assert document.pop("serialNumber").startswith("urn:uuid:")
    assert sorted(document.pop("components"), key=lambda component: component["bom-ref"]) == [
        {
            "type": "machine-learning-model",
            "bom-ref": "pipeline",
            "name": "en_small",
            "version": "1.2",
            "description": "Finds names.",
            "hashes": [{"alg": "SHA-256", "content": "ef" * 32}],
            "licenses": [{"license": {"id": "CC-BY-SA-4.0", "acknowledgement": "declared"}}],
        },
        {
            "type": "library",
            "bom-ref": refs[1],
            "purl": refs[1],
            "name": "compiled",
            "version": "2.0",
            "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
            "licenses": [{"expression": "MPL-2.0 AND MIT", "acknowledgement": "declared"}],
        },
        {
            "type": "library",
            "bom-ref": refs[2],
            "purl": refs[2],
            "name": "named",
            "version": "1.0+cpu",
            "hashes": [{"alg": "SHA-256", "content": "cd" * 32}],
            "licenses": [{"license": {"name": "BSD", "acknowledgement": "declared"}}],
        },
        {"type": "library", "bom-ref": refs[3], "purl": refs[3], "name": "silent", "version": "1.0"},
    ]
    assert document == {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "function",
                "name": "en_small",
                "version": "1.2",
                "properties": [
                    {"name": "spacy-lambda:architecture", "value": "arm64"},
                    {"name": "spacy-lambda:python", "value": "3.14"},
                ],
            },
            "tools": {
                "components": [
                    {
                        "type": "application",
                        "bom-ref": "tool",
                        "name": "spacy-lambda",
                        "version": spacy_lambda.__version__,
                    }
                ]
            },
        },
        "dependencies": [{"ref": "function", "dependsOn": refs}, *({"ref": ref} for ref in refs)],
    }


@pytest.mark.parametrize("components", [COMPONENTS, ()])
@pytest.mark.parametrize(
    "meta", [META, {"lang": "en", "name": "small", "version": "1", "license": "", "description": ""}]
)
def test_the_document_is_valid(meta: dict[str, str], components: tuple[BundledDistribution, ...]) -> None:
    from cyclonedx.validation.json import JsonStrictValidator  # takes seconds

    text = sbom_text(components, pipeline=meta, sha256="ef" * 32, target=Target())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_same_bytes_for_the_same_contents_only() -> None:
    def text(
        components: Sequence[BundledDistribution] = COMPONENTS, sha256: str = "ef" * 32, python: str = "3.13"
    ) -> str:
        return sbom_text(components, pipeline=META, sha256=sha256, target=Target(python))

    assert text() == text() == text(COMPONENTS[::-1])
    others = [text(), text(COMPONENTS[:2]), text(sha256="aa" * 32), text(python="3.12")]
    assert len({json.loads(one)["serialNumber"] for one in others}) == 4
