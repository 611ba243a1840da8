"""A pipeline's custom code: imported before it is loaded, once, from its folder and from nowhere else."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from multiprocessing import get_all_start_methods
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_lambda import load
from spacy_lambda.errors import PipelineLoadError
from spacy_lambda.runtime.code import import_code

COMPONENT = """
import json
from pathlib import Path
from spacy.language import Language
from spacy.tokens import Doc

WORDS = json.loads((Path(__file__).parent / "words.json").read_text())
Doc.set_extension("marked_by_{name}", default=0, force=True)

@Language.component("{name}")
def mark(doc):
    doc._.marked_by_{name} = sum(token.lower_ in WORDS for token in doc)
    return doc
"""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Remove the modules that a test imports."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def make(folder: Path, files: dict[str, str], names: object, *, pipe: str | None = None) -> Path:
    """A pipeline of one component, with code."""
    nlp = spacy.blank("xx")
    nlp.to_disk(folder)
    for name, content in files.items():
        (folder / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "code" / name).write_text(content)
    meta = json.loads((folder / "meta.json").read_text())
    meta["spacy_lambda"] = {"code": names}
    (folder / "meta.json").write_text(json.dumps(meta))
    if pipe is not None:
        config = (folder / "config.cfg").read_text().replace("pipeline = []", f'pipeline = ["{pipe}"]')
        (folder / "config.cfg").write_text(config + f'\n[components.{pipe}]\nfactory = "{pipe}"\n')
    return folder


def test_a_module_with_data_in_the_same_folder(tmp_path: Path) -> None:
    files = {"own_marks.py": COMPONENT.format(name="own_marks"), "words.json": '["iron"]'}
    folder = make(tmp_path / "a", files, ["own_marks"], pipe="own_marks")
    assert load(folder)("Iron and glass.")._.marked_by_own_marks == 1
    assert sorted(path.name for path in (folder / "code").iterdir()) == ["own_marks.py", "words.json"]  # no bytecode


def test_a_package_with_relative_imports(tmp_path: Path) -> None:
    files = {
        "own_package/__init__.py": "from . import inner",
        "own_package/inner/__init__.py": "from .marks import mark",
        "own_package/inner/marks.py": COMPONENT.format(name="own_inner"),
        "own_package/inner/words.json": '["iron"]',
    }
    folder = make(tmp_path / "a", files, ["own_package"], pipe="own_inner")
    assert load(str(folder))("Iron and glass.")._.marked_by_own_inner == 1
    assert not list(folder.rglob("__pycache__"))


def test_modules_may_import_each_other_and_nothing_else_of_the_folder(tmp_path: Path) -> None:
    files = {"own_first.py": "import own_second", "own_second.py": "SAID = 1", "own_third.py": ""}
    import_code(make(tmp_path / "a", files, ["own_first", "own_second"]))
    assert sys.modules["own_first"].own_second.SAID == 1
    with pytest.raises(ModuleNotFoundError):
        __import__("own_third")


def test_the_same_contents_are_imported_once(tmp_path: Path) -> None:
    files = {"own_marks.py": COMPONENT.format(name="own_twice"), "words.json": "[]"}
    first = make(tmp_path / "a", files, ["own_marks"], pipe="own_twice")
    second = shutil.copytree(first, tmp_path / "b")
    load(first)
    imported = sys.modules["own_marks"]
    load(second)
    load(first)
    assert sys.modules["own_marks"] is imported


@pytest.mark.parametrize("change", ["module", "package"])
def test_other_contents_under_one_name_are_an_error(tmp_path: Path, change: str) -> None:
    name = "own_clash.py" if change == "module" else "own_clash/__init__.py"
    import_code(make(tmp_path / "a", {name: "SAID = 1"}, ["own_clash"]))
    with pytest.raises(PipelineLoadError, match="another module 'own_clash' is already imported") as caught:
        import_code(make(tmp_path / "b", {name: "SAID = 2"}, ["own_clash"]))
    assert "different processes" in caught.value.remedy
    assert sys.modules["own_clash"].SAID == 1


def test_code_that_raises_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", {"own_broken.py": "import no_such_package"}, ["own_broken"])
    with pytest.raises(PipelineLoadError, match=r"'own_broken'.*No module named 'no_such_package'") as caught:
        load(folder)
    assert "--code" in caught.value.remedy
    assert "own_broken" not in sys.modules


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3", "__main__"),
        ("exit()", "SystemExit", "__main__"),
        ("def broken(:", "SyntaxError", "correct the module"),
    ],
)
def test_code_that_is_a_program_or_broken_is_not_missing_a_package(
    tmp_path: Path, content: str, message: str, remedy: str
) -> None:
    folder = make(tmp_path / "a", {"own_program.py": content}, ["own_program"])
    with pytest.raises(PipelineLoadError, match=rf"'own_program'.*{message}") as caught:
        load(folder)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "names",
    [
        "own",
        ["own.inner"],
        ["../own"],
        ["/tmp/own"],
        [""],
        ["class"],
        ["json"],
        ["spacy_lambda"],
        ["__main__"],
        [1],
        {},
    ],
    ids=repr,
)
def test_an_invalid_list_of_modules_is_refused(tmp_path: Path, names: object) -> None:
    with pytest.raises(PipelineLoadError) as caught:
        import_code(make(tmp_path / "a", {}, names))
    assert "compile the pipeline again" in caught.value.remedy


def test_a_pipeline_without_code_needs_no_folder(tmp_path: Path) -> None:
    assert load(make(tmp_path / "a", {}, [])).pipe_names == []


PIPE = """
import json, multiprocessing, sys
import spacy_lambda

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[2])
    nlp = spacy_lambda.load(sys.argv[1])
    docs = nlp.pipe(["Iron and glass.", "Glass.", "Iron, iron!"], n_process=2, batch_size=1)
    print(json.dumps([[doc._.marked_by_own_marks, len(doc.ents)] for doc in docs]))
"""
UNPICKLE = """
import pickle, sys
from pathlib import Path
nlp = pickle.loads(Path(sys.argv[1]).read_bytes())
print(nlp("Iron and glass.")._.marked_by_own_marks, Path(sys.modules["own_marks"].__file__).parent)
again = pickle.loads(pickle.dumps(nlp))
print(again("Iron and glass.")._.marked_by_own_marks, Path(sys.modules["own_marks"].__file__).parent)
"""


@pytest.fixture
def marking(bundled: Language, tmp_path: Path) -> Path:
    """The bundled pipeline with code of its own, first in the pipeline."""
    files = {"own_marks.py": COMPONENT.format(name="own_marks"), "words.json": '["iron"]'}
    folder = make(tmp_path / "marking", files, ["own_marks"], pipe="own_marks")
    nlp = load(folder)
    for name in ("transformer", "ner"):
        nlp.add_pipe(name, source=bundled)
    nlp.to_disk(folder)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("torch") is not None, reason="make test runs it without torch, which six processes import"
)
@pytest.mark.parametrize("method", [name for name in ("spawn", "forkserver") if name in get_all_start_methods()])
def test_processes_that_are_started_import_the_code(
    marking: Path, bundled: Language, tmp_path: Path, method: str
) -> None:
    (tmp_path / "script.py").write_text(PIPE)
    found = run([sys.executable, "script.py", str(marking), method], tmp_path)
    texts = {"Iron and glass.": 1, "Glass.": 0, "Iron, iron!": 2}
    assert json.loads(found) == [[marks, len(bundled(text).ents)] for text, marks in texts.items()]
    assert sorted(path.name for path in (marking / "code").iterdir()) == ["own_marks.py", "words.json"]  # no bytecode


@pytest.mark.slow
def test_a_pickle_has_the_code(marking: Path, tmp_path: Path) -> None:
    nlp = load(marking)
    assert copy.deepcopy(nlp)("Iron and glass.")._.marked_by_own_marks == 1
    (tmp_path / "pickle").write_bytes(pickle.dumps(nlp))
    shutil.rmtree(marking)
    first, second = run([sys.executable, "-c", UNPICKLE, "pickle"], tmp_path).splitlines()
    assert first == second
    marks, folder = first.split(" ", 1)
    assert marks == "1"
    assert not Path(folder).exists()


@pytest.mark.slow
def test_a_saved_copy_has_the_code(marking: Path, tmp_path: Path) -> None:
    nlp = load(marking)
    for name, saved in (("loaded", nlp), ("unpickled", pickle.loads(pickle.dumps(nlp)))):
        saved.to_disk(tmp_path / name)
        del sys.modules["own_marks"]
        assert load(tmp_path / name)("Iron and glass.")._.marked_by_own_marks == 1
    nlp.to_disk(tmp_path / "excluded", exclude=["code", "ner"])
    assert not (tmp_path / "excluded" / "code").exists()
    assert not (tmp_path / "excluded" / "ner").exists()
    with pytest.raises(PipelineLoadError) as caught:
        load(tmp_path / "excluded")
    assert "spacy_lambda.load" in caught.value.remedy


def test_code_that_is_gone_is_an_error(tmp_path: Path) -> None:
    files = {"own_marks.py": COMPONENT.format(name="own_marks"), "words.json": "[]"}
    nlp = load(make(tmp_path / "a", files, ["own_marks"], pipe="own_marks"))
    shutil.rmtree(tmp_path / "a")
    for save in (pickle.dumps, lambda nlp: nlp.to_disk(tmp_path / "b")):
        with pytest.raises(PipelineLoadError, match="is gone"):
            save(nlp)
    assert not (tmp_path / "b").exists()


def test_pipelines_without_code_are_pickled_and_saved_as_by_spacy(tmp_path: Path) -> None:
    load(make(tmp_path / "a", {"own_marks.py": "SAID = 1"}, ["own_marks"]))
    assert b"spacy_lambda" not in pickle.dumps(spacy.blank("xx"))
    spacy.blank("xx").to_disk(tmp_path / "blank")
    assert not (tmp_path / "blank" / "code").exists()


def test_components_take_their_code_to_another_pipeline(marking: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("own_marks", source=load(marking))
    pickled = pickle.dumps(nlp)
    del sys.modules["own_marks"]
    assert pickle.loads(pickled)("Iron and glass.")._.marked_by_own_marks == 1


def run(command: list[str], folder: Path) -> str:
    """Run a program and return its output."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
