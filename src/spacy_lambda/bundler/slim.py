"""Files that a bundle does not need, each with a reason. Only files that these tables list are removed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from spacy_lambda.bundler.elf import cut_unloaded, is_loadable
from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError

__all__ = ["RULES", "Removal", "Rule", "find_stripper", "slim_tree"]


@dataclass(frozen=True)
class Rule:
    """A rule for paths that are removed.

    :param pattern: For :mod:`fnmatch`, matched against paths with ``/`` below the bundle's root.
    :param reason: The reason why the function does not need them.
    :param label: Its name in the report, if several rules share a line.
    """

    pattern: str
    reason: str
    label: str = ""


RULES = (
    Rule("*/tests/*", "tests"),
    Rule("*/test/*", "tests"),
    Rule("*.pyx", "sources of compiled modules"),
    Rule("*.pxd", "sources of compiled modules"),
    Rule("*.pxi", "sources of compiled modules"),
    Rule("*.c", "sources of compiled modules"),
    Rule("*.cpp", "sources of compiled modules"),
    Rule("*.cc", "sources of compiled modules"),
    Rule("*.h", "sources of compiled modules"),
    Rule("*.hpp", "sources of compiled modules"),
    Rule("*.hh", "sources of compiled modules"),
    Rule("*.a", "static libraries"),
    Rule("*.pyi", "stubs for type checkers"),
    Rule("*/py.typed", "marks for type checkers"),
    Rule("bin/*", "commands"),
    Rule("onnxruntime/transformers/*", "compiles models; the function only runs them"),
    Rule("onnxruntime/quantization/*", "compiles models; the function only runs them"),
    Rule("onnxruntime/tools/*", "compiles models; the function only runs them"),
    Rule("onnxruntime/datasets/*", "examples"),
    Rule("onnxruntime/capi/libonnxruntime.so*", "for C programs; the Python binding has its own copy"),
    Rule("spacy/cli/*", "spaCy's command line, which the runtime does not import"),
    Rule("*.dist-info/RECORD", "written by the installer, and outdated"),
    Rule("*.dist-info/INSTALLER", "written by the installer"),
    Rule("*.dist-info/REQUESTED", "written by the installer"),
    Rule("*.dist-info/direct_url.json", "written by the installer, with paths of this machine"),
    Rule("numpy/f2py/*", "compiles Fortran"),
    Rule("numpy/distutils/*", "builds extension modules"),
    Rule("numpy/_core/_simd.*.so", "tests"),
    Rule("numpy/_core/_operand_flag_tests.*.so", "tests"),
    Rule("numpy/_core/_rational_tests.*.so", "tests"),
    Rule("numpy/_core/_struct_ufunc_tests.*.so", "tests"),
    Rule("numpy/_core/_umath_tests.*.so", "tests"),
    Rule("numpy/_core/include/*", "sources of compiled modules"),
    Rule("*/__pycache__/*", "bytecode of another Python, or with paths of another machine"),
)

REGISTERED_LANGUAGES = ("ja", "ko", "th", "vi", "xx", "zh")
"""Languages that spaCy imports for every pipeline, to register their tokenizers."""

LANGUAGE_IMPORT = re.compile(r"^from \.\.([a-z]{2,3})\b", re.MULTILINE)
"""The import of another language in a language's module."""

VENDORED = "*.libs/*"
"""Libraries that wheels vendor: strip breaks their page alignment, so they do not load; whole pages can be cut."""


@dataclass(frozen=True)
class Removal:
    """The files that one rule has removed.

    :param what: The rule's pattern or label.
    :param reason: The reason.
    :param files: Number of files.
    :param size: Number of bytes.
    """

    what: str
    reason: str
    files: int
    size: int


def slim_tree(tree: Path, target: Target, *, language: str) -> list[Removal]:
    """Remove the files that the function does not need.

    :param language: The pipeline's; of spaCy's languages, it and the shared ones are kept.
    :returns: The removed files, by rule.
    :raises BundleError: If no installed program can strip the target's extension modules.
    """
    rules = (*RULES, *_other_languages(tree, language))
    files, sizes = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        name = path.relative_to(tree).as_posix()
        rule = next((rule for rule in rules if fnmatch(name, rule.pattern)), None)
        if rule is not None and not name.startswith("pipeline/"):
            line = (rule.label or rule.pattern, rule.reason)
            files[line] += 1
            sizes[line] += path.stat().st_size
            path.unlink()
    for folder in sorted((path for path in tree.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    removed = [Removal(*line, files[line], sizes[line]) for line in files]
    return [*removed, _strip(tree, target)]


def _other_languages(tree: Path, language: str) -> Iterator[Rule]:
    folders = {folder.name: folder for folder in (tree / "spacy" / "lang").glob("*/")}
    kept, waiting = set[str](), [language, *REGISTERED_LANGUAGES]
    while waiting:
        name = waiting.pop()
        if name in folders and name not in kept:
            kept.add(name)
            waiting += [
                found
                for path in folders[name].glob("*.py")
                for found in LANGUAGE_IMPORT.findall(path.read_text("utf-8"))
            ]
    for name in sorted(folders.keys() - kept):
        yield Rule(f"spacy/lang/{name}/*", f"the pipeline's language is {language!r}", "other languages")


def _strip(tree: Path, target: Target) -> Removal:
    """Remove debug symbols from extension modules, except from those that would not load afterwards."""
    strip = find_stripper(target)
    files, size = 0, 0
    for path in sorted(tree.rglob("*.so")):
        name = path.relative_to(tree).as_posix()
        if name.startswith("pipeline/"):
            continue
        before = path.stat().st_size
        less = cut_unloaded(path.read_bytes()) if fnmatch(name, VENDORED) else _stripped(strip, path, name, target)
        if len(less) < before and is_loadable(less):
            path.write_bytes(less)
            files, size = files + 1, size + before - len(less)
    return Removal("debug symbols", "only debuggers read them", files, size)


def _stripped(strip: str, path: Path, name: str, target: Target) -> bytes:
    out = path.with_suffix(".stripped")
    done = subprocess.run(
        [strip, "--strip-unneeded", "-o", str(out), str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleError(
            f"stripping {name} failed: {done.stderr.strip()[-500:]}",
            remedy=f"install binutils for {target.machine}, or llvm",
        )
    content = out.read_bytes()
    out.unlink()
    return content


def find_stripper(target: Target) -> str:
    """Return GNU strip for the architecture, or LLVM's, which supports all.

    :raises BundleError: If neither is installed.
    """
    names = (f"{target.machine}-linux-gnu-strip", "llvm-strip")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        package = f"binutils-{target.machine.replace('_', '-')}-linux-gnu"
        raise BundleError(
            f"no program to strip debug symbols for {target.arch} is installed; looked for {' and '.join(names)}",
            remedy=f"install one (Debian: apt-get install {package}, or llvm)",
        )
    return found
