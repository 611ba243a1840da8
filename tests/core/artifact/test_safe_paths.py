"""Names from outside: which are taken, and that nothing is written but below a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_lambda.core.artifact.safe_paths import HIDDEN, is_left_out, name_problem, names_problem, path_below
from spacy_lambda.errors import ArtifactError
from tests.canary import make_canary, untouched

GIT = [".git", ".GIT", ".Git", ".gitattributes", ".gitignore", ".GitIgnore", ".github", ".gitmodules", "．git"]
OTHERS = [".hg", ".envrc", ".vscode", ".ssh", ".DS_Store", "..data", "__pycache__", "__PYCACHE__", ".ｇit"]


@pytest.mark.parametrize("form", ["{}", "{}/config", "a/{}", "a/{}/hooks/post-checkout", "A/B/{}"])
def test_hidden_names_are_refused_at_any_depth_in_any_case(form: str) -> None:
    names = [form.format(name) for name in GIT + OTHERS]
    assert [name for name in names if not is_left_out(name) or name_problem(name) != HIDDEN] == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *(
            (f"{name}", "device")
            for name in ("con", "CON", "nul.txt", "a/AUX/b", "com1", "LPT9.model", "COM¹", "conin$")
        ),
        *((f"{name}", "device") for name in ("prn .txt", "clock$", "a/nul.tar.gz", "ｃｏｎ")),
        *((name, "space or a dot") for name in ("a.", "a/b.", "a ", "a /b", " a", "a/ b", "a..", "…", "a...")),
        *(
            (name, "printed")
            for name in ("a\nb", "a\x1b[31m", "a\x7f", "a\u202eb", "a\u200b", "\ud800", "a\u00a0", "\x00")
        ),
        *(
            (name, "invalid on Windows")
            for name in ("a\\b", "C:a", "a:b", "a*", "a?", 'a"', "<a", "a|b", "\\\\host\\x")
        ),
        *((name, "leads out") for name in ("..", "../a", "a/..", "a/../b", "code/../..", "．．/a", "a/‥")),
        *((name, "shortest form") for name in ("a//b", "./a", "a/.", "a/", "a/./b", ".")),
        *((name, "absolute") for name in ("/", "/a", "//a", "/etc/passwd")),
        ("a／b", "looks like a slash"),
        ("a" * 256, "longer than 255 bytes"),
        ("é" * 128, "longer than 255 bytes"),
        ("/".join("a" * 17), "deeper than 16"),
        ("", "is empty"),
    ],
)
def test_names_that_are_refused(name: str, why: str, tmp_path: Path) -> None:
    assert why in str(name_problem(name))
    with pytest.raises(ArtifactError) as caught:
        path_below(tmp_path, name)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "name", ["config.cfg", "vocab/strings.json", "código/modèle", "模型", "a b", "console", "null", "-x"]
)
def test_accepted_names(name: str, tmp_path: Path) -> None:
    assert name_problem(name) is None
    assert path_below(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a", "a"], "occurs twice"),
        (["a", "A"], "occurs twice"),
        (["é", "e\u0301"], "occurs twice"),
        (["ﬁle", "file"], "occurs twice"),
        (["straße", "STRASSE"], "occurs twice"),
        (["a/x", "A/y"], "occurs twice"),
        (["é/x", "e\u0301/y"], "occurs twice"),
        (["a", "a/b"], "a file and a folder"),
        (["A", "a/b"], "a file and a folder"),
        (["é/x", "e\u0301"], "a file and a folder"),
        (["a", "b", ".git/config"], HIDDEN),
    ],
)
def test_names_that_cannot_be_together(names: list[str], why: str) -> None:
    for order in (names, names[::-1]):
        assert why in str(names_problem(order))


PARTS = st.sampled_from(
    ["..", ".", "", "a", "A", "con", "~", ".ssh", "..\\", "\\", "/", "C:", "\x00", "．．", "é", "b c"]
)


@given(st.one_of(st.lists(PARTS, max_size=6).map("/".join), st.text(max_size=20)))
@example("link/x")
@example("link")
@example("a/b/c")
def test_no_name_leads_out_of_a_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    base = tmp_path_factory.getbasetemp() / "names"
    folder = base / "folder"
    if not base.exists():
        make_canary(base / "victim")
        folder.mkdir()
        (folder / "link").symlink_to("../victim")
    try:
        path = path_below(folder, name)
    except ArtifactError:
        return
    assert path.parent.resolve().is_relative_to(folder.resolve())
    assert path.resolve() != folder.resolve()
    assert not path.is_symlink()


@pytest.mark.parametrize("where", ["link", "a/link", "a/link/x"])
def test_links_on_the_way_are_refused(where: str, tmp_path: Path) -> None:
    victim, folder = make_canary(tmp_path / "victim"), tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    for place in (folder / "link", folder / "a" / "link"):
        place.symlink_to(victim)
    with untouched(victim), pytest.raises(ArtifactError):
        path_below(folder, where).write_text("evil")
