"""From distributions to a task root."""

from __future__ import annotations

from pathlib import Path

from spacy_lambda.packages.task_root import build_task_root


def test_task_root_is_links_only_and_is_removed(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "mine.py").write_text("")
    root = build_task_root(code=code)
    assert (root.path / "mine.py").is_symlink()
    assert (root.path / "spacy_lambda").resolve() == Path(__file__).parents[2] / "src" / "spacy_lambda"
    assert not any(path.is_file() and not path.is_symlink() for path in root.path.iterdir())
    root.remove()
    assert not root.path.exists()
    assert (code / "mine.py").exists()
