"""A compiled pipeline is written only if it gives the original's predictions in the function's environment."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import catalogue
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_lambda import load
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.differences import differences, first_not_finite
from spacy_lambda.compiler.doc_trace import DocTrace, trace_text
from spacy_lambda.compiler.proof_queries import function_predictions
from spacy_lambda.compiler.required_packages import kept_requirements, required_names
from spacy_lambda.compiler.verification import verify
from spacy_lambda.errors import CompileError
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import (
    append,
    blank,
    changed,
    component,
    distribution,
    edit,
    package,
    rename,
    requirements,
    unproved,
    wheel,
    write,
)

pytestmark = pytest.mark.slow

LACKING: dict[str, tuple[str, str, str, str, str]] = {
    "torch at the top": ("lack_top", "pass", "import torch", "No module named 'torch'", "needs no torch"),
    "torch later": ("lack_late", "import torch", "", "No module named 'torch'", "needs no torch"),
    "a library of transformers": (
        "lack_registry",
        "pass",
        "import spacy_transformers",
        "No module named 'spacy_transformers'",
        "spacy.registry has span_getters",
    ),
    "torch if it is there": (
        "lack_maybe",
        "doc.cats['there'] = float(torch is not None)",
        """
        try:
            import torch
        except ImportError:
            torch = None
        """,
        "component 'extra' differs from the original's",
        "packages",
    ),
    "a file elsewhere": (
        "lack_file",
        "open(WORDS).close()",
        "from pathlib import Path\nWORDS = Path(__file__).parent / 'words.txt'",
        "No such file",
        "--code",
    ),
    "a file of the user's": (
        "lack_home",
        "open(WORDS).close()",
        "WORDS = {outside!r}",
        "this file will not be in the function",
        "--code {outside}",
    ),
    "a variable of the user's": (
        "lack_variable",
        "import os; doc.cats['key'] = float(os.environ['ACME_API_KEY'] == 'secret')",
        "",
        "KeyError: 'ACME_API_KEY'",
        "bring its files",
    ),
    "the end of the process": (
        "lack_exit",
        "import os, sys\nif 'torch' not in sys.modules: os._exit(3)",
        "",
        "ended with 3",
        "ends the process",
    ),
}


@pytest.mark.parametrize("what", LACKING)
def test_missing_parts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("ACME_API_KEY", "secret")
    outside = write(tmp_path / "elsewhere" / "words.txt", "iron")
    write(tmp_path / "words.txt", "iron")
    name, body, top, message, remedy = LACKING[what]
    code = component(tmp_path / f"{name}.py", body, top=top.replace("{outside!r}", repr(str(outside))))
    out = blank(tmp_path / "out")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(CompileError) as caught:
        compile_pipeline(
            str(blank(tmp_path / "source", change=append(name))), tmp_path / "out", code=[code], force=True
        )
    assert message in caught.value.message
    assert remedy.replace("{outside}", str(outside)) in caught.value.remedy
    # The previous output is unchanged, and nothing lies next to it.
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert not [entry for entry in os.listdir(tmp_path) if entry.startswith(".")]


def test_int8_does_not_excuse_a_component_without_a_model(original: Callable[..., Path], tmp_path: Path) -> None:
    code = component(tmp_path / "eight_maybe.py", "import sys\ndoc.cats['torch'] = float('torch' in sys.modules)")
    source = changed(original(), tmp_path / "source", append("eight_maybe"))
    with pytest.raises(CompileError, match="component 'extra' differs"):
        compile_pipeline(str(source), tmp_path / "out", code=[code], precision="int8")


CARRIED: dict[str, tuple[str, str]] = {
    # Data next to it, a class that is pickled by its module's name, failures on odd texts, and unsteady values.
    "carry_data": (
        "doc.cats['n'] = float(len(WORDS))",
        "from pathlib import Path\nWORDS = (Path(__file__).parent / 'carry.txt').read_text()",
    ),
    "carry_pickle": (
        "doc.cats['n'] = float(pickle.loads(pickle.dumps(Rule())).weight)",
        "import pickle\nclass Rule:\n    weight = 2",
    ),
    "carry_picky": ("doc.cats['n'] = float(len(doc[0]))", ""),
    "carry_random": ("doc.user_data['n'] = random.random()\ndoc.cats['r'] = random.random()", "import random"),
}


def test_code_is_included(original: Callable[..., Path], tmp_path: Path) -> None:
    code = [component(tmp_path / f"{name}.py", body, top=top) for name, (body, top) in CARRIED.items()]
    data = write(tmp_path / "carry.txt", "iron")
    own = component(
        tmp_path / "carry_package" / "parts" / "carry_inner.py",
        "doc._.carried = K",
        top="from ..util import K\nfrom spacy.tokens import Doc\nDoc.set_extension('carried', default=0, force=True)",
    )
    write(own.parent / "__init__.py", "from . import carry_inner")
    write(own.parent.parent / "util.py", "K = 3")
    write(own.parent.parent / "__init__.py", "from . import parts")
    write(own.parent.parent / "__pycache__" / "util.pyc", "")
    source = tmp_path / "source"
    changed(original(), source, append("carry_inner", "inner"))
    for name in CARRIED:
        edit(source, append(name, name))
    out = tmp_path / "out"
    meta = compile_pipeline(str(source), out, code=[*code, data, own.parent.parent])
    assert meta.code == [*CARRIED, "carry_package"]
    assert not list(out.rglob("__pycache__"))
    # Here, where the original's custom code is imported already, and in a process that has not heard of it.
    assert load(out)(TEXTS[0])._.carried == 3
    script = "import sys, spacy_lambda; print(spacy_lambda.load(sys.argv[1])(sys.argv[2])._.carried)"
    done = subprocess.run([sys.executable, "-c", script, out, TEXTS[0]], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr
    texts = write(tmp_path / "texts.jsonl", json.dumps({"text": TEXTS[0]}))
    assert verify(str(source), str(out), texts, on_step=lambda *step: None).documents == 1


def test_without_its_code_a_pipeline_names_the_missing_part(tmp_path: Path) -> None:
    def change(config: Any) -> None:
        append("no.such_factory", which={"@misc": "no.such_misc.v1"})(config)
        config["nlp"]["tokenizer"] = {"@tokenizers": "no.such_tokenizer.v1"}

    with pytest.raises(CompileError) as caught:
        compile_pipeline(str(blank(tmp_path / "source", change=change)), tmp_path / "out")
    for name in ("factories 'no.such_factory'", "misc 'no.such_misc.v1'", "tokenizers 'no.such_tokenizer.v1'"):
        assert name in caught.value.message
    assert "--code FILE" in caught.value.remedy


REFUSED_CODE = {
    "json.py": "Python or spacy-lambda already has a module 'json'",
    "numpy.py": "hide the installed package 'numpy'",
    "not-a-name.py": "that is not a valid module name",
    "gone.py": "it does not exist",
    "fast.so": "it is compiled for one system",
    "loose": "it is a folder without __init__.py",
    "native": "fast.so in it is compiled for one system",
}


@pytest.mark.parametrize("name", REFUSED_CODE)
def test_code_that_cannot_be_included(tmp_path: Path, name: str) -> None:
    for file in (
        "json.py",
        "numpy.py",
        "not-a-name.py",
        "fast.so",
        "loose/x.py",
        "native/__init__.py",
        "native/fast.so",
    ):
        write(tmp_path / "code" / file, "")
    with pytest.raises(CompileError) as caught:
        compile_pipeline(str(blank(tmp_path / "source")), tmp_path / "out", code=[tmp_path / "code" / name])
    assert REFUSED_CODE[name] in caught.value.message


def test_a_package_brings_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name where it is installed, by its folder there, and as a wheel that is not."""
    source = rename(blank(tmp_path / "source", change=append("bring")), "bringing")
    code = {"bring.py": component(tmp_path / "bring.py", "doc.cats['n'] = 1.0").read_text(), "words.txt": "iron"}
    site = package(tmp_path / "site", source, code)
    archive = wheel(tmp_path / "xx_bringing-0.0.0-py3-none-any.whl", site)
    monkeypatch.syspath_prepend(site)
    for number, what in enumerate(["xx_bringing", site / "xx_bringing" / "xx_bringing-0.0.0", archive]):
        out = tmp_path / f"out{number}"
        # The result is the same each time, and one proof is enough.
        checks: dict[str, Any] = {"prove": unproved} if number else {}
        assert compile_pipeline(str(what), out, **checks).code == ["xx_bringing"]
        assert sorted(path.name for path in (out / "code" / "xx_bringing").iterdir()) == [
            "__init__.py",
            "bring.py",
            "meta.json",
            "words.txt",
        ]
        assert load(out)("Iron.").cats == {"n": 1.0}


def test_a_package_without_custom_code_brings_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = rename(blank(tmp_path / "source"), "plain_package")
    monkeypatch.syspath_prepend(package(tmp_path / "site", source, {}))
    assert compile_pipeline("xx_plain_package", tmp_path / "out", prove=unproved).code == []
    assert not (tmp_path / "out" / "code").exists()


def test_packages_become_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name in the config, by an import, by one whose error is swallowed, and by one that is looked for by hand."""
    site = tmp_path / "site"
    factory = component(tmp_path / "needs_plugin.py", "doc.cats['plugin'] = 1.0").read_text()
    distribution(
        site,
        "needs-plugin",
        {"needs_plugin.py": factory},
        entry_points="[spacy_factories]\nneeds_plugin = needs_plugin:needs_plugin\n",
    )
    for name in ("plain", "hidden", "quiet"):
        distribution(site, f"needs-{name}", {f"needs_{name}.py": "WORTH = 1.0\n"})
    monkeypatch.syspath_prepend(site)
    # spaCy reads the entry points once in a process.
    monkeypatch.setattr(catalogue, "AVAILABLE_ENTRY_POINTS", entry_points())
    code = component(
        tmp_path / "needing.py",
        """
        import needs_plain
        try:
            import needs_quiet
            doc.cats["quiet"] = needs_quiet.WORTH
        except ImportError:
            pass
        if importlib.util.find_spec("needs_hidden") is None:
            raise RuntimeError("the dictionary is not there")
        """,
        top="import importlib.util",
    )
    source = blank(tmp_path / "source", change=append("needing"))
    edit(source, append("needs_plugin", "plugin"))
    compile_pipeline(str(source), tmp_path / "out", code=[code])
    wanted = ["needs-hidden==1.2", "needs-plain==1.2", "needs-plugin==1.2", "needs-quiet==1.2"]
    assert sorted(requirements(tmp_path / "out")) == wanted


def test_packages_that_bring_torch_do_not_become_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path / "site", "brings-torch", {"brings_torch.py": ""}, requires="torch")
    monkeypatch.syspath_prepend(tmp_path / "site")
    source = blank(tmp_path / "source")
    meta = json.loads((source / "meta.json").read_text())
    listed = ["spacy-transformers>=1.3", "brings-torch", "srsly>=2", "torch"]
    (source / "meta.json").write_text(json.dumps({**meta, "requirements": listed}))
    compile_pipeline(str(source), tmp_path / "out")
    assert requirements(tmp_path / "out") == ["srsly>=2"]


def test_a_requirement_that_is_not_installed_is_named(tmp_path: Path) -> None:
    source = blank(tmp_path / "source")
    meta = json.loads((source / "meta.json").read_text())
    (source / "meta.json").write_text(json.dumps({**meta, "requirements": ["no-such-thing>=1"]}))
    with pytest.raises(CompileError, match="'no-such-thing>=1', which is not installed") as caught:
        compile_pipeline(str(source), tmp_path / "out")
    assert "pip install 'no-such-thing>=1'" in caught.value.remedy


@pytest.mark.parametrize(
    "wanted", ["srsly>=99", "srsly<1", "srsly==0.1.*", "srsly>=99; python_version > '3'", "srsly[cuda]~=99.0"]
)
def test_a_requirement_of_another_version_is_refused(wanted: str) -> None:
    with pytest.raises(CompileError, match=f"and srsly {version('srsly')} is installed") as caught:
        kept_requirements({"requirements": [wanted]})
    assert repr(wanted) in caught.value.message
    assert shlex.split(caught.value.remedy.partition(", or")[0]) == ["pip", "install", wanted]


@pytest.mark.parametrize(
    "wanted", ['pywin32>=300; sys_platform == "never"', "srsly>=99; python_version < '3'", "srsly>=99; extra == 'all'"]
)
def test_a_requirement_of_another_system_is_kept_and_not_looked_for(wanted: str) -> None:
    assert kept_requirements({"requirements": [wanted, "torch; sys_platform == 'never'"]}) == [wanted]
    assert required_names([wanted]) == set()


def test_a_remedy_is_a_command_of_the_shell() -> None:
    wanted = 'no-such-thing>=1,<2; sys_platform != "never"'
    with pytest.raises(CompileError, match="not installed") as caught:
        kept_requirements({"requirements": [wanted]})
    assert shlex.split(caught.value.remedy.partition(", or")[0]) == ["pip", "install", wanted]


def test_an_original_that_fails_on_all_texts_is_refused(tmp_path: Path) -> None:
    """Empty texts and one of eight others are too little to prove anything by."""
    code = component(tmp_path / "answers_nothing.py", "if len(doc) > 1: raise RuntimeError('never')")
    source = blank(tmp_path / "source", change=append("answers_nothing"))
    with pytest.raises(CompileError, match="fails on 7 of 8 texts: component 'extra' raises RuntimeError") as caught:
        compile_pipeline(str(source), tmp_path / "out", code=[code])
    assert "--verify" in caught.value.remedy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert not list(differences(value, json.loads(json.dumps(value))))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, 2),
        (1.0, 1.1),
        ("a", "b"),
        ([1], [1, 2]),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        (None, 0),
        (True, 1),
        (float("nan"), 1.0),
    ],
)
def test_differences_are_found(first: Any, second: Any) -> None:
    (found,) = differences({"a": [first]}, {"a": [second]})
    assert found.path.startswith("a[0]")


def test_numbers_may_differ_in_their_last_bits() -> None:
    assert not list(differences({"score": 0.5}, {"score": 0.50001}))


def test_a_number_that_is_not_finite_is_found() -> None:
    assert first_not_finite(DocTrace([("cats", {"cats": {"a": float("nan")}})], None)) == "component 'cats'"
    assert first_not_finite(DocTrace([("cats", {"cats": {"a": 1.0, "b": None}})], None)) is None


def test_a_failure_names_its_component() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")

    @Language.component("proof_raises")
    def proof_raises(doc: Any) -> Any:
        raise ImportError("no dictionary", name="proof_dictionary")

    nlp.add_pipe("proof_raises")
    trace = trace_text(nlp, "One. Two.")
    assert [name for name, _ in trace.steps] == ["tokenizer", "sentencizer"]
    assert trace.failure is not None
    assert (trace.failure.component, trace.failure.missing) == ("proof_raises", ["proof_dictionary"])


def test_a_large_encoder_is_proved_without_the_limits_of_a_function() -> None:
    """The limits of a text follow from the size of the encoder; the proof must not fail for them."""
    nlp = load("en_scienceie_minilm")
    nlp.meta["spacy_lambda"]["encoders"]["transformer"]["bytes"] = 10**12
    nlp.meta["spacy_lambda"].pop("speed", None)
    assert all(isinstance(found, list | dict) for found in function_predictions(nlp, ["Iron. " * 200, ""]))
