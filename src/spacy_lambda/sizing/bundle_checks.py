"""A bundle's files -> findings about its sizes, its target and its libraries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from spacy_lambda.bundler.elf_versions import MAGIC, machine_of, newest_glibc, required_versions
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER, BundleMetadata, read_metadata
from spacy_lambda.bundler.target import GLIBCS, IMAGE_REMEDY, MACHINES
from spacy_lambda.bundler.zip_files import open_zip
from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.lambda_function import HANDLER
from spacy_lambda.core.lambda_limits import DIRECT_UPLOAD_BYTES, IMAGE_BYTES, UNZIPPED_BYTES
from spacy_lambda.core.pipeline_meta import pipeline_name
from spacy_lambda.core.pipelines import BUNDLE_METADATA
from spacy_lambda.errors import BundleError, InvalidPipelineError
from spacy_lambda.sizing.check_options import CheckOptions
from spacy_lambda.sizing.verdict import LimitFinding, fails, ok, warning

__all__ = ["BundleFiles", "check_bundle", "open_files"]

GLIBC = tuple(map(int, GLIBCS[0].split("_")))
"""Of Amazon Linux 2023."""

SIZE_MARGIN = 0.95
_EXTENSION = re.compile(r"\.cpython-(?P<major>\d)(?P<minor>\d+)-[^/]*\.so$")
SHOWN = 3
"""Libraries that a finding names."""


@dataclass(frozen=True)
class BundleFiles:
    """The files of a bundle.

    :param metadata: Its metadata.
    :param zipped: Bytes of the zip; ``None`` for an image.
    :param sizes: Bytes by path.
    :param read: Returns a file's contents.
    """

    metadata: BundleMetadata
    zipped: int | None
    sizes: Mapping[str, int]
    read: Callable[[str], bytes]

    @property
    def unzipped(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes.values())


@contextmanager
def open_files(path: Path) -> Iterator[BundleFiles]:
    """Open a zip, or an image's folder.

    :raises BundleError: If it is not a bundle.
    """
    if path.is_dir():
        found = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
        metadata = next((file for name, file in found.items() if name.rpartition("/")[2] == BUNDLE_METADATA), None)
        yield BundleFiles(
            metadata=read_metadata(None if metadata is None else metadata.read_bytes(), name=str(path)),
            zipped=None,
            sizes={name: file.stat().st_size for name, file in found.items()},
            read=lambda name: found[name].read_bytes(),
        )
        return
    with open_zip(path) as archive:
        yield BundleFiles(archive.metadata(), path.stat().st_size, archive.sizes, archive.read)


def check_bundle(files: BundleFiles, options: CheckOptions) -> list[LimitFinding]:
    """Check the files of a bundle."""
    return [
        *_check_sizes(files),
        _check_target(files.metadata, options),
        *_check_handler(files),
        *_check_libraries(files, options),
    ]


def _check_sizes(files: BundleFiles) -> Iterator[LimitFinding]:
    limit = IMAGE_BYTES if files.zipped is None else UNZIPPED_BYTES
    smaller = f"{COMPILE_SMALLER}, or {IMAGE_REMEDY}" if files.zipped is not None else "leave files out"
    in_aws = "10 GB" if files.zipped is None else "250 MB"
    detail = f"{megabytes(files.unzipped)} of the {megabytes(limit)} that Lambda has (AWS writes {in_aws})"
    if files.unzipped > limit:
        yield fails("unzipped size", f"{detail}: Lambda refuses it", smaller)
    elif files.unzipped > SIZE_MARGIN * limit:
        yield warning("unzipped size", f"{detail}: the next version may not fit", smaller)
    else:
        yield ok("unzipped size", detail)
    if files.zipped is not None:
        direct = f"the {megabytes(DIRECT_UPLOAD_BYTES)} that Lambda's API takes"
        over = f", over {direct}: it is uploaded through S3, as `deploy` does"
        within = f", within {direct}"
        yield ok("zipped size", f"{megabytes(files.zipped)}{within if files.zipped <= DIRECT_UPLOAD_BYTES else over}")


def _wanted(metadata: BundleMetadata, options: CheckOptions) -> tuple[str, str]:
    """Return the Python and the architecture of the function: by default, those of the bundle."""
    return options.python or metadata.target.python, options.architecture or metadata.target.arch


def _check_target(metadata: BundleMetadata, options: CheckOptions) -> LimitFinding:
    target, wanted = metadata.target, _wanted(metadata, options)
    detail = f"the bundle is for Python {target.python} on {target.arch}"
    if wanted == (target.python, target.arch):
        return ok("target", detail)
    return fails(
        "target",
        f"{detail}, and the function has Python {wanted[0]} on {wanted[1]}",
        f"spacy-lambda bundle {_source(metadata)} --python {wanted[0]} --architecture {wanted[1]}",
    )


def _source(metadata: BundleMetadata) -> str:
    """Return the argument of ``bundle``: a location, or in place of a folder the pipeline's name."""
    if metadata.location != PIPELINE_FOLDER:
        return quote(metadata.location)
    try:
        return pipeline_name(metadata.pipeline).package
    except InvalidPipelineError:
        return "PIPELINE"


def _check_libraries(files: BundleFiles, options: CheckOptions) -> Iterator[LimitFinding]:
    """Check the libraries against the function's target, which may be another than the bundle's."""
    wanted, arch = _wanted(files.metadata, options)
    machine, number = MACHINES[arch], 0
    newest: tuple[int, ...] = (0,)
    others, newer, damaged = list[str](), list[str](), list[str]()
    for name in files.sizes:
        if not name.endswith(".so") and ".so." not in name.rpartition("/")[2]:
            continue
        elf = files.read(name)
        if not elf.startswith(MAGIC):
            continue
        number += 1
        try:
            found, glibc = machine_of(elf), newest_glibc(required_versions(elf))
        except BundleError as exc:
            damaged.append(f"{name} ({exc.message.rpartition(': ')[2]})")
            continue
        newest = max(newest, glibc)
        others += [f"{name} ({found})"] if found != machine else []
        python = python_of(name)
        others += [f"{name} (Python {python})"] if python not in (None, wanted) else []
        newer += [f"{name} ({_dotted(glibc)})"] if glibc > GLIBC else []
    libraries = count(number, "library", "libraries")
    again = "bundle again with `spacy-lambda bundle`, which takes wheels for the target"
    yield (
        fails("architecture", "; ".join(_faulty(f"{machine} and Python {wanted}", others, damaged)), again)
        if others or damaged
        else ok("architecture", f"{libraries} for {machine}")
    )
    yield (
        fails("glibc", f"Amazon Linux 2023 has {_dotted(GLIBC)}; newer is needed by {_listed(newer)}", again)
        if newer
        else ok("glibc", f"{_dotted(newest)} is needed; Amazon Linux 2023 has {_dotted(GLIBC)}")
    )


def python_of(name: str) -> str | None:
    """Return the Python that an extension module is for, by its name; ``None`` if it is for all, or no such module."""
    found = _EXTENSION.search(name)
    return None if found is None else f"{found['major']}.{found['minor']}"


def _check_handler(files: BundleFiles) -> Iterator[LimitFinding]:
    """Check that a zip has the module that Lambda imports; an image's folder has it in one of its layers."""
    module = HANDLER.rpartition(".")[0].replace(".", "/")
    if files.zipped is not None and not {f"{module}.py", f"{module}.pyc"} & files.sizes.keys():
        yield fails(
            "handler", f"the zip has no {module}.py, which Lambda imports", "make it with `spacy-lambda bundle`"
        )


def _faulty(target: str, others: list[str], damaged: list[str]) -> Iterator[str]:
    if others:
        yield f"not for {target}: {_listed(others)}"
    if damaged:
        yield f"damaged: {_listed(damaged)}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
