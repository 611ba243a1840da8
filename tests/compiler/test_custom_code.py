"""Code that is given with a pipeline, and cannot be imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.compiler.custom_code import CustomCode, import_custom_code
from spacy_lambda.errors import CompileError


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        ("import no_such_package", "ModuleNotFoundError", "install what it imports"),
        ("raise SystemExit(2)", "SystemExit: 2", "__main__"),
        ("def broken(:", "SyntaxError", "correct the module"),
    ],
)
def test_the_remedy_is_for_what_happened(tmp_path: Path, content: str, message: str, remedy: str) -> None:
    file = tmp_path / "given_program.py"
    file.write_text(content)
    with pytest.raises(CompileError, match=rf"'given_program'.*{message}") as caught:
        import_custom_code(CustomCode((file,)))
    assert remedy in caught.value.remedy
