"""Versions and aliases over plain object storage, in the layout of :mod:`spacy_lambda.core.source.layout`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from shlex import quote

from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.digest import Digest, is_digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.progress import OnStep
from spacy_lambda.core.source.layout import Pointer, artifact_key, parse_pointer, ref_key, signature_key
from spacy_lambda.errors import NotStoredError, SpacyLambdaError, StoreError
from spacy_lambda.store.protocol import ObjectStorage, Push, Pushed, StoredVersion, StoreRemoval

__all__ = ["Registry", "version_exists", "version_of"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
REF_KEY = re.compile(rf"(?P<name>{NAME.pattern})/refs/(?P<ref>{ALIAS.pattern})\.json", re.ASCII)
"""Keys that a registry writes; it ignores others."""


def version_of(manifest: Manifest) -> str:
    """Return a pipeline's version in a store: ``0.1.0``, or ``0.1.0-int8`` for a compiled pipeline.

    :raises StoreError: If its name or version is not valid in a key.
    """
    precision = manifest.pipeline.get("precision")
    version = manifest.version if precision is None else f"{manifest.version}-{precision}"
    if not NAME.fullmatch(manifest.name) or not _is_ref(version):
        raise StoreError(
            f"the pipeline's name {manifest.name!r} or version {version!r} is not valid in a store",
            remedy="correct name and version in its meta.json: letters, digits, '.', '_' and '-'",
        )
    return version


def version_exists(push: Push, store: Location, sha256: Digest) -> StoreError:
    """Return the error for a version that a store has with other contents, with the commands that help.

    :param sha256: The digest of what the store has.
    """
    manifest, source, store = push.packed.manifest, quote(push.source), store.at(None)
    newer = next_version(manifest.version)
    precision = manifest.pipeline.get("precision")
    if precision is not None:
        at = f"--precision {precision} --version {newer} --force"
        raised = f"spacy-lambda compile ORIGINAL {source} {at} && "
    else:
        raised = f'write "version": "{newer}" into its meta.json, then '
    return StoreError(
        f"{store} has {manifest.name} {version_of(manifest)} with other contents: {sha256}",
        remedy=f"store it as another version: {raised}spacy-lambda push {source} {quote(str(store))}\n"
        f"or replace that one: spacy-lambda push {source} {quote(str(store))} --force",
    )


def next_version(version: str) -> str:
    """Return a version with its last number raised: ``0.0.0`` -> ``0.0.1``."""
    last = re.search(r"\d+(?=\D*\Z)", version, re.ASCII)
    return f"{version}.1" if last is None else f"{version[: last.start()]}{int(last[0]) + 1}"


class Registry:
    """A :class:`~spacy_lambda.store.protocol.Store` over :class:`~spacy_lambda.store.protocol.ObjectStorage`.

    :param root: The store's location.
    :param name: The only pipeline to be read; by default all.
    """

    def __init__(self, objects: ObjectStorage, root: Location, *, name: str | None = None) -> None:
        self._objects = objects
        self._root = root
        self._name = name

    def push(self, push: Push, *, on_step: OnStep) -> Pushed:
        """Store an artifact, then its signature, its version and its aliases; see the Protocol."""
        packed, name, version = push.packed, push.packed.manifest.name, version_of(push.packed.manifest)
        for alias in push.aliases:
            self._check_alias(name, alias)
        pointer = Pointer("version", version, packed.sha256, packed.size)
        self._check_version(name, pointer, push)
        uploaded = self._objects.upload(
            artifact_key(name, packed.sha256),
            packed.path,
            sha256=packed.sha256,
            on_bytes=lambda done, total: on_step("pushing", done, total),
        )
        if push.signature is not None:
            self._objects.replace(signature_key(name, packed.sha256), push.signature.read_bytes())
        key = ref_key(name, version)
        if not self._objects.create(key, pointer.to_bytes()):
            # Another push may have been faster since the check. One of the same contents keeps its time.
            there = self._check_version(name, pointer, push)
            if there is None or there.sha256 != pointer.sha256:
                self._objects.replace(key, pointer.to_bytes())
        for alias in push.aliases:
            self._objects.replace(ref_key(name, alias), replace(pointer, kind="alias").to_bytes())
        location = replace(self._location(name, version), sha256=packed.sha256)
        return Pushed(location, version, push.aliases, uploaded)

    def versions(self) -> list[StoredVersion]:
        """Return every version, with the aliases that point to it; see the Protocol."""
        found = list(self._pointers())
        return [
            StoredVersion(
                self._location(name, ref),
                name,
                pointer.version,
                pointer.sha256,
                pointer.size,
                tuple(
                    alias
                    for other, alias, target, _ in found
                    if target.kind == "alias" and other == name and target.sha256 == pointer.sha256
                ),
                modified,
            )
            for name, ref, pointer, modified in found
            if pointer.kind == "version"
        ]

    def move_alias(self, ref: str, alias: str) -> StoredVersion:
        """Let an alias point to a version or to the target of another alias; see the Protocol."""
        name = self._pipeline()
        self._check_alias(name, alias)
        pointer = self._pointer(name, ref)
        self._objects.replace(ref_key(name, alias), replace(pointer, kind="alias").to_bytes())
        return StoredVersion(self._location(name, alias), name, pointer.version, pointer.sha256, pointer.size, (alias,))

    def find_removal(self, ref: str) -> StoreRemoval:
        """Return what would be removed; see the Protocol. An artifact is, if nothing else points to it."""
        name = self._pipeline()
        pointer = self._pointer(name, ref)
        location, key = self._location(name, ref), ref_key(name, ref)
        if pointer.kind == "alias":
            return StoreRemoval(location, "alias", pointer.version, (key,))
        others = {other: target for _, other, target, _ in self._pointers() if other != ref}
        same = {other: target.kind for other, target in others.items() if target.sha256 == pointer.sha256}
        aliases = [other for other, kind in same.items() if kind == "alias"]
        if aliases:
            move = f"spacy-lambda alias {location.at('OTHER')} {aliases[0]}"
            drop = f"spacy-lambda rm {location.at(aliases[0])}"
            raise StoreError(
                f"{location} is in use: {', '.join(aliases)} point{'s' if len(aliases) == 1 else ''} to it",
                remedy=f"move each to another version: {move}\nor remove it: {drop}",
            )
        if same:
            return StoreRemoval(location, "version", pointer.version, (key,))
        files = (key, signature_key(name, pointer.sha256), artifact_key(name, pointer.sha256))
        return StoreRemoval(location, "version", pointer.version, files, pointer.size)

    def remove(self, removal: StoreRemoval) -> None:
        """Delete the pointer first, so that nothing points to an artifact that is missing; see the Protocol."""
        for key in removal.keys:
            self._objects.delete(key)

    def signature(self, sha256: Digest) -> bytes | None:
        """Return the signature of an artifact, or ``None``; see the Protocol."""
        return self._objects.read(signature_key(self._pipeline(), sha256))

    def _pointer(self, name: str, ref: str) -> Pointer:
        data = self._objects.read(ref_key(name, ref))
        if data is None:
            raise NotStoredError(
                f"{self._root} has no {name!r} in version {ref!r}",
                remedy=f"list its versions with `spacy-lambda ls {self._root}`",
            )
        return parse_pointer(data, name=f"{name}@{ref}")

    def _pointers(self) -> Iterator[tuple[str, str, Pointer, datetime]]:
        """Yield each name, version or alias, pointer, and time."""
        prefix = "" if self._name is None else f"{self._name}/"
        for key, modified in self._objects.keys(prefix).items():
            match = REF_KEY.fullmatch(key)
            data = None if match is None else self._objects.read(key)
            if match is not None and data is not None:
                yield match["name"], match["ref"], parse_pointer(data, name=key), modified

    def _check_version(self, name: str, pointer: Pointer, push: Push) -> Pointer | None:
        """Return what the store has as this version, if it is the same or may be replaced."""
        data = self._objects.read(ref_key(name, pointer.version))
        if data is None:
            return None
        try:
            there = parse_pointer(data, name=f"{name}@{pointer.version}")
        except SpacyLambdaError:
            if push.replace:  # also a damaged one
                return None
            raise
        if there.sha256 != pointer.sha256 and not push.replace:
            raise version_exists(push, self._root, there.sha256)
        return there

    def _check_alias(self, name: str, alias: str) -> None:
        if not _is_ref(alias):
            raise StoreError(f"{alias!r} is not a valid alias", remedy="use letters, digits, '.', '_' and '-'")
        data = self._objects.read(ref_key(name, alias))
        if data is not None and _is_version(data):
            raise StoreError(f"{alias!r} is a version of {name}, not an alias", remedy="choose another name")

    def _pipeline(self) -> str:
        if self._name is None:
            raise StoreError(f"{self._root} names a store, not a pipeline", remedy="write STORE/NAME@VERSION")
        return self._name

    def _location(self, name: str, ref: str) -> Location:
        return replace(self._root, path=f"{self._root.path.rstrip('/')}/{name}", ref=ref)


def _is_ref(ref: str) -> bool:
    """Return whether a text is valid as a version or an alias. A digest's form is not: it would not be looked up."""
    return ALIAS.fullmatch(ref) is not None and not is_digest(ref)


def _is_version(data: bytes) -> bool:
    """Return whether an object is the pointer of a version; a damaged one may be replaced, as its error recommends."""
    try:
        return parse_pointer(data, name="it").kind == "version"
    except StoreError:
        return False
