"""Pipelines of odd shapes: a component or a setting put into a saved pipeline by its config, code, and packages."""

from __future__ import annotations

import json
import shutil
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
from thinc.api import Config

Change = Callable[[Any], None]


def blank(folder: Path, lang: str = "xx", *, change: Change | None = None) -> Path:
    """A small pipeline without a transformer."""
    nlp = spacy.blank(lang)
    nlp.add_pipe("sentencizer")
    nlp.to_disk(folder)
    return folder if change is None else edit(folder, change)


def changed(original: Path, folder: Path, change: Change) -> Path:
    """A copy of a pipeline with another config."""
    return edit(Path(shutil.copytree(original, folder)), change)


def edit(folder: Path, change: Change) -> Path:
    """Change a pipeline's config where it is."""
    config = Config().from_disk(folder / "config.cfg", interpolate=False)
    change(config)
    config.to_disk(folder / "config.cfg", interpolate=False)
    return folder


def append(factory: str, name: str = "extra", **settings: Any) -> Change:
    """A component at the end."""

    def change(config: Any) -> None:
        config["nlp"]["pipeline"] = [*config["nlp"]["pipeline"], name]
        config["components"][name] = {"factory": factory, **settings}

    return change


def write(path: Path, text: str) -> Path:
    """A file of code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())
    return path


def component(path: Path, body: str, *, top: str = "") -> Path:
    """A module that registers a component of its own name; its body changes ``doc``."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    head = textwrap.dedent(top).strip()
    return write(
        path,
        f"from spacy.language import Language\n{head}\n\n"
        f'@Language.component("{path.stem}")\ndef {path.stem}(doc):\n{lines}\n    return doc\n',
    )


def distribution(site: Path, name: str, files: dict[str, str], *, entry_points: str = "", requires: str = "") -> None:
    """An installed distribution, as an installer leaves it."""
    info = f"{name.replace('-', '_')}-1.2.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    everything = {**files, f"{info}/METADATA": metadata, f"{info}/INSTALLER": "pip\n"}
    if entry_points:
        everything[f"{info}/entry_points.txt"] = entry_points
    everything[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*everything, f"{info}/RECORD"])
    for file, text in everything.items():
        write(site / file, text)


def package(folder: Path, pipeline: Path, code: dict[str, str]) -> Path:
    """A pipeline in a package, as ``spacy package --code`` makes it; the folder that holds the package."""
    meta = json.loads((pipeline / "meta.json").read_text())
    name = f"{meta['lang']}_{meta['name']}"
    imports = "\n".join(f"from . import {Path(file).stem}" for file in code if file.endswith(".py"))
    write(
        folder / name / "__init__.py",
        f"from pathlib import Path\nfrom spacy.util import load_model_from_init_py, get_model_meta\n\n{imports}\n\n"
        "__version__ = get_model_meta(Path(__file__).parent)['version']\n\n\n"
        "def load(**overrides):\n    return load_model_from_init_py(__file__, **overrides)\n",
    )
    (folder / name / "meta.json").write_text(json.dumps(meta))
    for file, text in code.items():
        write(folder / name / file, text)
    shutil.copytree(pipeline, folder / name / f"{name}-{meta['version']}")
    return folder


def wheel(path: Path, folder: Path) -> Path:
    """A zip of a folder, under a wheel's name."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def rename(pipeline: Path, name: str) -> Path:
    """Give a pipeline another name."""
    meta = json.loads((pipeline / "meta.json").read_text())
    (pipeline / "meta.json").write_text(json.dumps({**meta, "name": name}))
    return pipeline


def unproved(*arguments: Any, **settings: Any) -> tuple[str, ...]:
    """Replaces the proof of a compile, which has tests of its own, in tests that compare the result themselves."""
    return ()


def requirements(folder: Path) -> list[str]:
    """Return the requirements of a compiled pipeline beyond the base install."""
    listed = json.loads((folder / "meta.json").read_text())["requirements"]
    return [one for one in listed if not one.startswith("spacy-lambda")]
