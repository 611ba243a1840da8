"""A store on the Hugging Face Hub: a repository for each pipeline, a revision for each version.

::

    README.md                    the model card
    en_x-0.1.0-py3-none-any.whl  for pip
    config.cfg, meta.json, ...   the pipeline, as spaCy writes it
    onnx/                        the compiled pipeline, where the root holds the original
    spacy-lambda/artifact.json   which artifact the compiled pipeline makes, and its manifest: what functions verify

All of a push is one commit. Versions and aliases are tags.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacy_lambda.core.artifact.manifest import MAX_FILES
from spacy_lambda.core.artifact.pack import left_out, manifest_of
from spacy_lambda.core.artifact.safe_paths import HIDDEN, path_below, unsafe_name, unsafe_names
from spacy_lambda.core.artifact.unpack import MAX_TOTAL_BYTES
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.pipelines import read_meta
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.core.source.hub import CARD, HUB_FOLDER, HubRecord, Repository, parse_record
from spacy_lambda.errors import NotStoredError, StoreError
from spacy_lambda.pipeline.kind import pipeline_kind
from spacy_lambda.store.card import model_card
from spacy_lambda.store.protocol import OnStep, Push, Pushed, StoredVersion
from spacy_lambda.store.registry import version_of
from spacy_lambda.store.wheel import build_wheel

__all__ = ["HubOptions", "HubStore"]

MAIN = "main"
ONNX_FOLDER = "onnx"
SIGNATURE = f"{HUB_FOLDER}/model.sig"


@dataclass(frozen=True)
class HubOptions:
    """What only the Hub has.

    :param private: For a repository that is created; one that is there stays as it is.
    :param original: The pipeline that was compiled: it goes into the root, and the compiled one into ``onnx/``.
    :param wheel: A wheel of the root's pipeline that is there; without it, one is built.
    :param message: Of the commit.
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
        """One commit with wheel, files and card, then the tags; progress is shown by huggingface_hub itself."""
        version = version_of(push.packed.manifest)
        branch = self._location.ref or MAIN
        with self._explained():
            created = self._api.create_repo(self._repository, private=self._options.private, exist_ok=True)
            repository = created.repo_id
            if branch != MAIN:
                self._api.create_branch(repository, branch=branch, exist_ok=True)
            self._check_version(version, push)
        with TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            stage = self._stage(push, Path(scratch), branch)
            with self._explained():
                commit = self._api.upload_folder(
                    repo_id=repository,
                    folder_path=stage,
                    revision=branch,
                    commit_message=self._options.message or f"{push.packed.manifest.name} {version}",
                    delete_patterns="*",
                )
            size = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file())
        with self._explained():
            for tag in (version, *push.aliases):
                self._tag(tag, commit.oid)
        location = replace(self._location.at(version), sha256=push.packed.sha256)
        return Pushed(location, version, push.aliases, size, page=str(created))

    def versions(self) -> list[StoredVersion]:
        """Every branch and tag that holds an artifact; those of one commit are one version's aliases."""
        with self._explained():
            refs = self._api.list_repo_refs(self._repository)
        by_digest: dict[Digest, list[str]] = {}
        records: dict[Digest, HubRecord] = {}
        for ref in (*refs.tags, *refs.branches):
            record = self._record(ref.name)
            if record is not None:
                by_digest.setdefault(record.sha256, []).append(ref.name)
                records[record.sha256] = record
        return [
            StoredVersion(
                self._location.at(names[0]), self._repository, names[0], digest, records[digest].size, tuple(names[1:])
            )
            for digest, names in by_digest.items()
        ]

    def move_alias(self, ref: str, alias: str) -> StoredVersion:
        """Let a tag point to a revision. The Hub cannot move one: it is away for a moment."""
        with self._explained():
            commit = self._api.repo_info(self._repository, revision=ref).sha
            record = self._record(commit)
            if record is None:
                raise NotStoredError(
                    f"{self._location.at(ref)} holds no artifact", remedy="push the pipeline with spacy-lambda first"
                )
            self._tag(alias, commit)
        return StoredVersion(self._location.at(alias), self._repository, ref, record.sha256, record.size, (alias,))

    def signature(self, sha256: Digest) -> bytes | None:
        """The signature at the location's revision."""
        return self._read(SIGNATURE, self._location.ref)

    def artifact(self) -> FoundArtifact | None:
        """The artifact at the location's revision; ``None`` for an ordinary repository of spaCy's, which has none."""
        if self._record(self._location.ref) is None:
            return None
        return find_artifact(self._location, hub_token=_token())

    def download(self, folder: Path) -> None:
        """Bring an ordinary repository's pipeline here: all but the Hub's own files. Nothing of it is verified.

        :param folder: Must not exist.
        :raises StoreError: When the Hub cannot be reached, or refuses, or names files that are refused.
        """
        with self._explained():
            info = self._api.repo_info(self._repository, revision=self._location.ref, files_metadata=True)
            commit = str(info.sha)
            sizes = {one.rfilename: one.size for one in info.siblings if _is_pipeline(one.rfilename)}
        self._check_files(sizes)
        try:
            _download(self._at(commit), sizes, folder)
        except OSError as exc:
            raise StoreError(
                f"{self._location} cannot be written into {folder}: {exc.strerror or exc}",
                remedy="make room there, or set TMPDIR to a folder that has some",
            ) from exc

    def _check_files(self, sizes: dict[Any, Any]) -> None:
        """What a listing says, before any of it becomes a path or a size."""
        wrong = next(
            (f"{name!a} has no size" for name, size in sizes.items() if type(size) is not int or size < 0), None
        )
        if wrong is None and len(sizes) > MAX_FILES:
            wrong = f"it has {len(sizes):,} files; the limit is {MAX_FILES:,}"
        if wrong is None and sum(sizes.values()) > MAX_TOTAL_BYTES:
            wrong = f"it holds {sum(sizes.values()):,} bytes; the limit is {MAX_TOTAL_BYTES:,}"
        wrong = wrong or unsafe_names(sizes)
        if wrong is not None:
            raise StoreError(f"{self._location} is refused: {wrong}", remedy="do not use it; tell whoever published it")

    def _stage(self, push: Push, scratch: Path, branch: str) -> Path:
        """All files of the commit, in one folder."""
        stage, build = scratch / "stage", scratch / "build"
        build.mkdir()
        inside = "" if self._options.original is None else ONNX_FOLDER
        root = self._options.original or push.folder
        # Links would be followed, and what they point to be published.
        manifest_of(root)
        shutil.copytree(root, stage, ignore=left_out)
        if inside:
            shutil.copytree(push.folder, stage / inside, ignore=left_out)
        wheel = self._options.wheel or build_wheel(root, build)
        shutil.copy(wheel, stage / wheel.name)
        records = stage / HUB_FOLDER
        records.mkdir()
        if not inside and (stage / CARD).is_file():
            shutil.copy(stage / CARD, records / CARD)
        (records / "manifest.json").write_bytes(push.packed.manifest.to_bytes())
        (records / "artifact.json").write_bytes(HubRecord(push.packed.sha256, push.packed.size, inside).to_bytes())
        if push.signature is not None:
            shutil.copy(push.signature, stage / SIGNATURE)
        self._write_card(stage, push, f"{self._api.endpoint}/{self._repository}/resolve/{branch}/{wheel.name}")
        return stage

    def _write_card(self, stage: Path, push: Push, wheel_url: str) -> None:
        readme = stage / CARD
        meta, compiled = read_meta(stage / "meta.json"), read_meta(push.folder / "meta.json")
        try:
            card = model_card(
                meta,
                repository=self._repository,
                wheel_url=wheel_url,
                sha256=push.packed.sha256,
                compiled=compiled,
                readme=readme.read_text(encoding="utf-8") if readme.is_file() else None,
                kind=pipeline_kind(push.folder),
            )
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            raise StoreError(
                f"no model card can be written of the pipeline's meta.json: {type(exc).__name__}: {exc}",
                remedy="correct its meta.json and README.md, or write the pipeline again",
            ) from exc
        readme.write_text(card, encoding="utf-8")

    def _check_version(self, version: str, push: Push) -> None:
        record = self._record(version)
        if record is not None and record.sha256 != push.packed.sha256 and not push.replace:
            raise StoreError(
                f"{self._location.at(version)} is there already, with other contents: {record.sha256}",
                remedy="raise the version in the pipeline's meta.json, or push with --replace",
            )

    def _tag(self, tag: str, commit: str) -> None:
        there = {ref.name: ref.target_commit for ref in self._api.list_repo_refs(self._repository).tags}
        if there.get(tag) == commit:
            return
        if tag in there:
            self._api.delete_tag(self._repository, tag=tag)
        self._api.create_tag(self._repository, tag=tag, revision=commit)

    def _record(self, revision: str | None) -> HubRecord | None:
        data = self._read(f"{HUB_FOLDER}/artifact.json", revision)
        return None if data is None else parse_record(data, name=str(self._location.at(revision)))

    def _at(self, revision: str | None) -> Repository:
        """For reading files. Not by huggingface_hub, which trusts a listing's names and a redirect's scheme."""
        from huggingface_hub import constants

        if constants.HF_HUB_OFFLINE:
            raise _unreachable(str(self._location), ConnectionError("HF_HUB_OFFLINE is set"))
        return Repository(self._location.at(revision), token=_token())

    def _read(self, path: str, revision: str | None) -> bytes | None:
        """A small file; ``None`` where the revision or the file is not there, but not where the repository is not."""
        try:
            return self._at(revision).read(path)
        except NotStoredError:
            with self._explained():
                self._api.repo_info(self._repository)
            return None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """The one way to use huggingface_hub: it is guarded, and what it raises becomes an error of ours."""
        import requests
        from huggingface_hub import errors

        from spacy_lambda.store.session import guarded_requests

        name = str(self._location)
        try:
            with guarded_requests(self._api.endpoint), _unwrapped():
                yield
        except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as exc:
            raise _unreachable(name, exc) from exc
        except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as exc:
            raise NotStoredError(
                f"{name} is not there, or not for this token: {_first_line(exc)}",
                remedy="check its name and revision, and log in with `hf auth login` or set HF_TOKEN",
            ) from exc
        except errors.HfHubHTTPError as exc:
            status = exc.response.status_code if exc.response is not None else None
            remedy = "log in with a token that may write: `hf auth login`, or set HF_TOKEN"
            raise StoreError(
                f"{name}: the Hub refuses: {_first_line(exc)}",
                remedy=remedy if status in (401, 403) else "try again later, or see the Hub's status page",
            ) from exc
        except requests.RequestException as exc:
            raise _unreachable(name, exc) from exc
        except errors.HFValidationError as exc:
            raise StoreError(f"{name}: {exc}", remedy="write hf://owner/name") from exc
        except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as exc:
            raise StoreError(
                f"{name}: the Hub answered what cannot be read: {type(exc).__name__}: {_first_line(exc)[:200]}",
                remedy="check HF_ENDPOINT where it is set, and try again",
            ) from exc


@contextmanager
def _unwrapped() -> Iterator[None]:
    """What a thread of huggingface_hub's raised while it uploaded, which comes as the cause of a ``RuntimeError``."""
    cause = None
    try:
        yield
    except RuntimeError as exc:
        if not isinstance(exc.__cause__, Exception):
            raise
        cause = exc.__cause__
    if cause is not None:
        raise cause


def _unreachable(name: str, error: Exception) -> StoreError:
    return StoreError(
        f"{name} cannot be reached: {_first_line(error)}",
        remedy="check the network, and HF_ENDPOINT and HF_HUB_OFFLINE where they are set",
    )


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _token() -> str:
    """The token in ``HF_TOKEN``, or of whoever is logged in."""
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
    """Whether a file of an ordinary repository is the pipeline's. A name that leads elsewhere is: to be refused."""
    return not (unsafe_name(name) == HIDDEN or name == CARD or name.endswith(".whl"))
