"""A bundle's folder -> an image in an engine, and the folder that it is built from."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from spacy_lambda.bundler.image.context import image_tag, write_context
from spacy_lambda.bundler.image.engines import ENGINES, PLATFORMS, ContainerEngine
from spacy_lambda.bundler.metadata import BundleMetadata
from spacy_lambda.core.files import folder_beside, move_folder_into_place
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import BundleError

__all__ = ["RECORD", "BuiltImage", "build_image", "read_record"]

RECORD = "image.json"


@dataclass(frozen=True)
class BuiltImage:
    """An image in an engine.

    :param engine: The engine; ``None`` if only the folder was written.
    :param tag: Its name there.
    :param id: ``sha256:`` of its configuration; the same for the same folder and base.
    :param base: The image that it was built on.
    """

    engine: str | None
    tag: str
    id: str | None
    base: str


def build_image(
    tree: Path, out: Path, *, name: str, metadata: BundleMetadata, base: str, engine: ContainerEngine | None
) -> BuiltImage:
    """Write the image's folder and build it; the folder appears once the image is built, or not at all.

    :param tree: Everything that the function needs; it is moved.
    :param out: The folder; that of an earlier build is replaced.
    :param name: ``LANG_NAME-VERSION-pyXY-ARCH``
    :param metadata: The bundle's metadata.
    :param engine: The engine that builds it; ``None`` to write the folder alone.
    :raises BundleError: If ``out`` exists and is not an image's folder, or building fails.
    """
    if out.exists() and not (out / RECORD).is_file():
        raise BundleError(f"{out} exists and is not an image's folder", remedy="give another path, or remove it")
    with folder_beside(out) as scratch:
        context = scratch / "context"
        context.mkdir(mode=0o755)
        write_context(tree, context, base=base, metadata=metadata)
        tag = image_tag(name)
        found = None if engine is None else engine.build_image(context, tag, metadata.target)
        built = BuiltImage(None if engine is None else engine.name, tag, found, base)
        (context / RECORD).write_text(json.dumps(asdict(built), indent=2) + "\n", encoding="utf-8")
        move_folder_into_place(context, out)
    return built


def read_record(folder: Path) -> BuiltImage:
    """Return the image that was built from a folder.

    :raises BundleError: If it is not an image's folder, or no image was built from it.
    """
    try:
        built = BuiltImage(**parse_json((folder / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as exc:
        raise BundleError(
            f"{folder} is not an image's folder: {system_reason(exc)}",
            remedy="make one with `spacy-lambda bundle --shape image`",
        ) from exc
    if built.engine not in ENGINES or built.id is None:
        platform = PLATFORMS["arm64" if built.tag.removesuffix(":latest").endswith("arm64") else "x86_64"]
        build = ["docker", *ENGINES["docker"].build, "--platform", platform, "--tag", built.tag, str(folder)]
        raise BundleError(
            f"no image was built from {folder}",
            remedy=f"build it: {shlex.join(build)}; or bundle it again without --engine none",
        )
    return built
