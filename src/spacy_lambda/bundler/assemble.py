"""A pipeline -> one folder with all that the function needs, of either package type."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.bundler.bytecode import compile_tree, find_python
from spacy_lambda.bundler.licences import BundledDistribution, list_components
from spacy_lambda.bundler.metadata import LOCK, PIPELINE_FOLDER, SBOM
from spacy_lambda.bundler.pins import pin_requirements
from spacy_lambda.bundler.proof import Proof, prove
from spacy_lambda.bundler.sbom import sbom_text
from spacy_lambda.bundler.shims import install_shims
from spacy_lambda.bundler.slim import Removal, slim_tree
from spacy_lambda.bundler.sourceless import fit_tree
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.tree import make_tree, set_modes
from spacy_lambda.bundler.wheels import download_wheels, lock_text, wheel_digests
from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.pipeline_meta import read_meta, requirements_of
from spacy_lambda.core.pipelines import resolve_pipeline
from spacy_lambda.pipeline.kind import require_compiled
from spacy_lambda.store.transfer import pull

__all__ = ["Assembled", "assemble"]


@dataclass(frozen=True)
class Assembled:
    """The contents of a bundle, before it is written.

    :param tree: The folder; it is removed at the end.
    :param target: The runtime that it is for.
    :param manifest: The manifest of the pipeline's artifact.
    :param sha256: The artifact's identity.
    :param location: The pipeline's location in a store, with its digest; ``None`` for a local one.
    :param components: The distributions in it.
    :param removed: Files that were removed, with the reasons.
    :param bytecode: ``True`` if it contains bytecode; without it, each cold start compiles every module.
    :param proof: The result of its test.
    """

    tree: Path
    target: Target
    manifest: Manifest
    sha256: str
    location: str | None
    components: tuple[BundledDistribution, ...]
    removed: tuple[Removal, ...]
    bytecode: bool
    proof: Proof

    @property
    def name(self) -> str:
        """``LANG_NAME-VERSION-pyXY-ARCH``"""
        return _name(self.manifest, self.target)


def _name(manifest: Manifest, target: Target) -> str:
    return f"{manifest.pipeline_name}-py{target.python.replace('.', '')}-{target.arch}"


@contextmanager
def assemble(
    pipeline: str,
    target: Target,
    on_step: Callable[[str], None],
    *,
    check: Callable[[str], None] = lambda name: None,
    zip_limit: int | None = None,
) -> Iterator[Assembled]:
    """Put everything into a temporary folder, laid out as in the function, and run the pipeline from it on a few texts.

    That loads the pipeline, and runs code that it contains.

    :param pipeline: A folder, an installed package's name, a wheel, a zip, an artifact, or a location in a store.
    :param on_step: Called with the name of each step.
    :param check: Called with the bundle's name before anything is downloaded; may raise.
    :param zip_limit: Maximum bytes of the contents, the pipeline included; if the target's Python is installed here,
        sources are replaced by bytecode where that makes them fit.
    :raises BundleError: If there is no wheel for the target, or the pipeline cannot be loaded and run from the folder.
    :raises InvalidPipelineError: If its ``meta.json`` or ``config.cfg`` is invalid.
    :raises NotCompiledError: If it needs torch.
    :raises RequirementError: If a package that the pipeline requires is not installed here.
    :raises StoreError: If the store cannot be reached, or has no such pipeline.
    """
    with _opened(pipeline) as (folder, location), tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        on_step("versions")
        require_compiled(folder, name=pipeline)
        manifest = manifest_of(folder)
        check(_name(manifest, target))
        meta = read_meta(folder / "meta.json")
        requirements = requirements_of(meta)
        pins, spacy_lambda = pin_requirements(requirements, target)
        on_step("wheels")
        wheels_folder = Path(scratch, "wheels")
        wheels_folder.mkdir()
        wheels = download_wheels(pins, target, wheels_folder)
        on_step("unpacking")
        tree = Path(scratch, "tree")
        make_tree(wheels, spacy_lambda, folder, target, tree)
        on_step("slimming")
        removed = [*install_shims(tree), *slim_tree(tree, target, language=str(meta.get("lang")))]
        python = find_python(target)
        if python is not None:
            compile_tree(tree, python, skip=PIPELINE_FOLDER)
            removed += fit_tree(tree, python, limit=zip_limit) if zip_limit is not None else []
        on_step("testing")
        proof = prove(tree, requirements, target, python=python, name=pipeline)
        digest = folder_digest(tree / PIPELINE_FOLDER, manifest)
        components = list_components(tree, wheel_digests(wheels))
        (tree / LOCK).write_text(lock_text(wheels), encoding="ascii")
        bill = sbom_text(components, pipeline=meta, sha256=digest, target=target)
        (tree / SBOM).write_text(bill, encoding="utf-8")
        set_modes(tree)
        yield Assembled(
            tree=tree,
            target=target,
            manifest=manifest,
            sha256=digest,
            location=location,
            components=components,
            removed=tuple(removed),
            bytecode=python is not None,
            proof=proof,
        )


@contextmanager
def _opened(pipeline: str) -> Iterator[tuple[Path, str | None]]:
    """Yield the pipeline's folder; and, if the function could fetch it too, its location with the digest."""
    resolved = resolve_pipeline(pipeline)
    location = resolved.location
    if resolved.form not in ("stored", "remote"):
        with pipeline_folder(location.path) as folder:
            yield folder, None
        return
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        pulled = pull(location, Path(scratch, "pipeline"))
        pinned = f"{location.at(location.ref)}#sha256={pulled.sha256}"
        yield pulled.path, None if location.is_local else pinned
