"""Manifests, records and pointers with anything in any place: read as they are, or refused by their own errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.artifact.manifest import FileEntry, Manifest, parse_manifest
from spacy_lambda.core.artifact.safe_paths import names_problem
from spacy_lambda.core.digest import Digest, is_digest
from spacy_lambda.core.source.hub import HubRecord, parse_record
from spacy_lambda.core.source.layout import Pointer, parse_pointer
from spacy_lambda.errors import ArtifactError, StoreError

D0 = Digest("0" * 64)
MANIFEST = Manifest({"lang": "en", "name": "x"}, (FileEntry("a/b", 1, D0), FileEntry("c", 2, D0)))
PARSERS: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "manifest": (MANIFEST.to_bytes(), parse_manifest),
    "record": (HubRecord(D0, 10, "onnx").to_bytes(), lambda data: parse_record(data, name="x")),
    "pointer": (Pointer("alias", "1.0", D0, 10).to_bytes(), lambda data: parse_pointer(data, name="x")),
}
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        ["", "..", "/etc", "../x", "0" * 64, "A" * 64, "\ud800", "\0", ".git", "onnx", "latest", "a" * 5000]
    ),
    st.sampled_from([None, True, False, -1, 0, 1, 2**63, 10**30, 1.0, 1e308, [], {}, [[[]]], {"a": {}}]),
    st.text(max_size=70),
    st.integers(),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each container and key below a value."""
    if isinstance(value, dict):
        return [place for key in value for place in [(value, key), *places(value[key])]]
    if isinstance(value, list):
        return [place for key in range(len(value)) for place in [(value, key), *places(value[key])]]
    return []


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.data())
def test_anything_in_any_place(kind: str, data: st.DataObject) -> None:
    right, parse = PARSERS[kind]
    content = json.loads(right)
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from(places(content)))
        change = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del container[key]
        elif change == "add" and isinstance(container, dict):
            container[data.draw(st.text(max_size=9))] = data.draw(VALUES)
        else:
            container[key] = data.draw(VALUES)
        if not places(content):
            break
    text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    try:
        found = parse(text)
    except (ArtifactError, StoreError) as exc:
        assert isinstance(exc, ArtifactError if kind == "manifest" else StoreError)  # noqa: PT017
        assert exc.remedy  # noqa: PT017
    else:
        check(found)


def check(found: Manifest | HubRecord | Pointer) -> None:
    """Check that a parsed value is safe to use."""
    if isinstance(found, Manifest):
        assert names_problem([entry.path for entry in found.files]) is None
        assert all(is_digest(entry.sha256) and type(entry.size) is int for entry in found.files)
    else:
        assert is_digest(found.sha256)
        assert type(found.size) is int
        assert found.size > 0


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.binary(max_size=300), at=st.integers(0, 300), length=st.integers(0, 50))
def test_bytes_in_any_place(kind: str, data: bytes, at: int, length: int) -> None:
    right, parse = PARSERS[kind]
    changed = right[:at] + data + right[at + length :]
    if changed != right:
        try:
            check(parse(changed))
        except (ArtifactError, StoreError) as exc:
            assert exc.remedy  # noqa: PT017
    assert parse(right) == parse(right)
