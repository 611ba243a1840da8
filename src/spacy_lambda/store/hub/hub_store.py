"""A store on the Hugging Face Hub: a repository for each pipeline, a revision for each version.

A push is one commit (:mod:`~spacy_lambda.store.hub.commit`). Versions and aliases are tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacy_lambda.core.artifact.extract import MAX_TOTAL_BYTES
from spacy_lambda.core.artifact.manifest import MAX_FILES
from spacy_lambda.core.artifact.safe_paths import HIDDEN, name_problem, names_problem, path_below
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import file_sizes
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.location import Location
from spacy_lambda.core.progress import OnStep
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.core.source.hub import CARD, HUB_FOLDER, HubRecord, parse_record
from spacy_lambda.core.source.hub_repository import DEFAULT_REVISION, Repository
from spacy_lambda.errors import NotStoredError, StoreError
from spacy_lambda.store.hub.commit import SIGNATURE, stage_files
from spacy_lambda.store.hub.errors import hub_errors, unreachable
from spacy_lambda.store.protocol import Push, Pushed, StoredVersion, StoreRemoval
from spacy_lambda.store.registry import version_exists, version_of

__all__ = ["HubOptions", "HubStore"]


@dataclass(frozen=True)
class HubOptions:
    """Options that only the Hub has.

    :param private: For a repository that is created; an existing one keeps its visibility.
    :param original: The pipeline that was compiled: it goes into the root, and the compiled one into ``onnx/``.
    :param wheel: An existing wheel of the root's pipeline; by default one is built.
    :param message: The commit's message.
    """

    private: bool = True
    original: Path | None = None
    wheel: Path | None = None
    message: str | None = None


class HubStore:
    """A repository. See :class:`~spacy_lambda.store.protocol.Store`."""

    def __init__(self, location: Location, *, options: HubOptions | None = None) -> None:
        from huggingface_hub import HfApi

        self._location = location
        self._repository = location.path
        self._options = options or HubOptions()
        self._api: Any = HfApi(library_name="spacy-lambda")

    def push(self, push: Push, *, on_step: OnStep) -> Pushed:
        """Commit the wheel, the files and the card, then tag; huggingface_hub shows the progress itself."""
        version = version_of(push.packed.manifest)
        branch = self._location.ref or DEFAULT_REVISION
        with self._errors():
            created = self._api.create_repo(self._repository, private=self._options.private, exist_ok=True)
            repository = created.repo_id
            if branch != DEFAULT_REVISION:
                self._api.create_branch(repository, branch=branch, exist_ok=True)
            self._check_version(version, push)
        with TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            stage = stage_files(
                push,
                Path(scratch),
                repository=self._repository,
                branch_url=f"{self._api.endpoint}/{self._repository}/resolve/{branch}",
                original=self._options.original,
                wheel=self._options.wheel,
            )
            with self._errors():
                commit = self._api.upload_folder(
                    repo_id=repository,
                    folder_path=stage,
                    revision=branch,
                    commit_message=self._options.message or f"{push.packed.manifest.name} {version}",
                    delete_patterns="*",
                )
            size = sum(file_sizes(stage).values())
        with self._errors():
            for tag in (version, *push.aliases):
                self._tag(tag, commit.oid)
        location = replace(self._location.at(version), sha256=push.packed.sha256)
        return Pushed(location, version, push.aliases, size, page=str(created))

    def versions(self) -> list[StoredVersion]:
        """Return every branch and tag that holds an artifact; those of one commit are one version's aliases."""
        with self._errors():
            refs = self._api.list_repo_refs(self._repository)
        by_digest: dict[Digest, list[str]] = {}
        commits = {ref.name: ref.target_commit for ref in (*refs.tags, *refs.branches)}
        records: dict[Digest, HubRecord] = {}
        for ref in (*refs.tags, *refs.branches):
            record = self._record(ref.name)
            if record is not None:
                by_digest.setdefault(record.sha256, []).append(ref.name)
                records[record.sha256] = record
        return [
            StoredVersion(
                self._location.at(names[0]),
                self._repository,
                names[0],
                digest,
                records[digest].size,
                tuple(names[1:]),
                self._time_of(commits[names[0]]),
            )
            for digest, names in by_digest.items()
        ]

    def _time_of(self, commit: str) -> datetime | None:
        with self._errors():
            found: datetime | None = self._api.repo_info(self._repository, revision=commit).last_modified
        return found

    def move_alias(self, ref: str, alias: str) -> StoredVersion:
        """Let a tag point to a revision. The Hub cannot move a tag: it is deleted and created again."""
        with self._errors():
            commit = self._api.repo_info(self._repository, revision=ref).sha
            record = self._record(commit)
            if record is None:
                raise NotStoredError(
                    f"{self._location.at(ref)} holds no artifact", remedy="push the pipeline with spacy-lambda first"
                )
            self._tag(alias, commit)
        return StoredVersion(self._location.at(alias), self._repository, ref, record.sha256, record.size, (alias,))

    def find_removal(self, ref: str) -> StoreRemoval:
        """Return the tag; see the Protocol. Its commit stays in the repository's history."""
        with self._errors():
            tags = {tag.name: tag.target_commit for tag in self._api.list_repo_refs(self._repository).tags}
        if ref not in tags:
            raise NotStoredError(
                f"{self._location.at(None)} has no tag {ref!r}; a branch is removed on the Hub's page",
                remedy=f"list its versions with `spacy-lambda ls {self._location.at(None)}`",
            )
        others = [name for name, commit in tags.items() if commit == tags[ref] and name != ref]
        return StoreRemoval(self._location.at(ref), "alias" if others else "version", ref, ())

    def remove(self, removal: StoreRemoval) -> None:
        """Delete the tag; see the Protocol."""
        with self._errors():
            self._api.delete_tag(self._repository, tag=removal.location.ref)

    def signature(self, sha256: Digest) -> bytes | None:
        """Return the signature at the location's revision."""
        return self._read(SIGNATURE, self._location.ref)

    def artifact(self) -> FoundArtifact | None:
        """Return the artifact at the location's revision; ``None`` for an ordinary spaCy repository, which has none."""
        if self._record(self._location.ref) is None:
            return None
        return find_artifact(self._location, hub_token=_token())

    def download(self, folder: Path) -> None:
        """Download an ordinary repository's pipeline, without the Hub's own files. Nothing of it is verified.

        :param folder: Must not exist.
        :raises StoreError: If the Hub cannot be reached, or refuses, or lists files that are refused.
        """
        with self._errors():
            info = self._api.repo_info(self._repository, revision=self._location.ref, files_metadata=True)
            commit = str(info.sha)
            sizes = {one.rfilename: one.size for one in info.siblings if _is_pipeline(one.rfilename)}
        self._check_files(sizes)
        try:
            _download(self._at(commit), sizes, folder)
        except OSError as exc:
            raise StoreError(
                f"{self._location} cannot be written into {folder}: {system_reason(exc)}",
                remedy="free some space there, or set TMPDIR to a folder that has enough",
            ) from exc

    def _check_files(self, sizes: dict[Any, Any]) -> None:
        """Check a listing before any of it becomes a path or a size."""
        problem = next(
            (f"{name!a} has no size" for name, size in sizes.items() if type(size) is not int or size < 0), None
        )
        if problem is None and len(sizes) > MAX_FILES:
            problem = f"it has {len(sizes):,} files; the limit is {MAX_FILES:,}"
        if problem is None and sum(sizes.values()) > MAX_TOTAL_BYTES:
            problem = f"it holds {sum(sizes.values()):,} bytes; the limit is {MAX_TOTAL_BYTES:,}"
        problem = problem or names_problem(sizes)
        if problem is not None:
            raise StoreError(
                f"{self._location} is refused: {problem}", remedy="do not use it; report it to its publisher"
            )

    def _check_version(self, version: str, push: Push) -> None:
        record = self._record(version)
        if record is not None and record.sha256 != push.packed.sha256 and not push.replace:
            raise version_exists(push, self._location, record.sha256)

    def _tag(self, tag: str, commit: str) -> None:
        existing = {ref.name: ref.target_commit for ref in self._api.list_repo_refs(self._repository).tags}
        if existing.get(tag) == commit:
            return
        if tag in existing:
            self._api.delete_tag(self._repository, tag=tag)
        self._api.create_tag(self._repository, tag=tag, revision=commit)

    def _record(self, revision: str | None) -> HubRecord | None:
        data = self._read(f"{HUB_FOLDER}/artifact.json", revision)
        return None if data is None else parse_record(data, name=str(self._location.at(revision)))

    def _at(self, revision: str | None) -> Repository:
        """Return a reader of files; huggingface_hub would trust a listing's names and a redirect's scheme."""
        from huggingface_hub import constants

        if constants.HF_HUB_OFFLINE:
            raise unreachable(str(self._location), ConnectionError("HF_HUB_OFFLINE is set"))
        return Repository(self._location.at(revision), token=_token())

    def _read(self, path: str, revision: str | None) -> bytes | None:
        """Return a small file; ``None`` if the revision or the file is missing, but not if the repository is."""
        try:
            return self._at(revision).read(path)
        except NotStoredError:
            with self._errors():
                self._api.repo_info(self._repository)
            return None

    def _errors(self) -> AbstractContextManager[None]:
        return hub_errors(str(self._location), self._api.endpoint)


def _token() -> str:
    """Return the token in ``HF_TOKEN``, or of `hf auth login`."""
    from huggingface_hub import get_token

    return get_token() or ""


def _download(repository: Repository, sizes: Mapping[str, int], folder: Path) -> None:
    folder.mkdir()
    for name, size in sizes.items():
        path = path_below(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for piece in repository.chunks(name, size):
                file.write(piece)


def _is_pipeline(name: str) -> bool:
    """Return whether a file is the pipeline's. An unsafe name counts as the pipeline's, and is refused later."""
    return not (name_problem(name) == HIDDEN or name == CARD or name.endswith(".whl"))
