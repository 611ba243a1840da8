"""Older names of options and older forms of arguments are accepted, and listed nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from spacy_lambda.cli import make_app
from spacy_lambda.cli.image import _folder_and_target
from spacy_lambda.cli.options import OLDER_NAMES

APP: Any = get_command(make_app())
VALUES = {"architecture": ["arm64"], "ephemeral-storage": ["1024"], "force": [], "snapstart": []}
PLACES = [
    (older, name)
    for older, present in OLDER_NAMES.items()
    for name, command in APP.commands.items()
    if any(f"--{present}" in one.opts for one in command.params)
]


def parsed(*words: str) -> dict[str, Any]:
    """Return the parameters that a command line gives."""
    group, arguments = APP, list(words)
    context = APP.make_context("spacy-lambda", [*words], resilient_parsing=True)
    while hasattr(group, "resolve_command"):
        name, group, arguments = group.resolve_command(context, arguments)
        is_group = hasattr(group, "resolve_command")
        context = group.make_context(name, [*arguments], parent=context, resilient_parsing=is_group)
    return dict(context.params)


@pytest.mark.parametrize(("older", "command"), PLACES)
def test_an_older_name_means_the_same(older: str, command: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    present = OLDER_NAMES[older]
    required = (one for one in APP.commands[command].params if one.required)
    words = [
        command,
        *(word for one in required for word in [*one.opts[: one.param_type_name == "option"], "compiled"]),
    ]
    found = parsed(*words, f"--{older}", *VALUES[present])
    assert found == parsed(*words, f"--{present}", *VALUES[present])
    assert found != parsed(*words)


def test_every_older_name_has_a_command() -> None:
    assert {older for older, _ in PLACES} == set(OLDER_NAMES)
    assert {command for older, command in PLACES if older == "arch"} == {"bundle", "check"}
    assert "push" in {command for older, command in PLACES if older == "replace"}


def test_an_image_may_be_that_of_this_folder() -> None:
    assert parsed("image", "push", "acme/ner")["bundle"] == "."
    both = parsed("image", "push", "image", "acme/ner", "--create")
    assert (both["bundle"], both["destination"], both["create"]) == ("image", "acme/ner", True)
    with pytest.raises(typer.BadParameter) as caught:
        parsed("image", "push")
    assert "BUNDLE" in caught.value.format_message()


def test_the_older_order_of_an_image_and_its_destination(tmp_path: Path) -> None:
    assert _folder_and_target("acme/ner", str(tmp_path)) == (tmp_path, "acme/ner")
    assert _folder_and_target(str(tmp_path), "acme/ner") == (tmp_path, "acme/ner")


def test_the_word_hub_may_precede_a_repository() -> None:
    found = parsed("push", "hub", "acme/metals", "compiled")
    assert (found["pipeline"], found["store"], found["hub_pipeline"]) == ("hub", "acme/metals", "compiled")
