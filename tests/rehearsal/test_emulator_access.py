"""Access to an emulator: it replaces AWS for a process and its children, and only its user can read it."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import boto3
import pytest

from spacy_lambda.rehearsal.emulator_access import access_file, kept_access, new_access, read_access, using
from tests.rehearsal.listeners import answering, listening

ACCESS = new_access(4000, account="111122223333", region="eu-central-1")


def test_all_variables_of_aws_are_replaced_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "pypi.example.com")
    before = dict(os.environ)
    with using(ACCESS):
        left = {name for name in os.environ if name.startswith("AWS_")}
        assert left == {name for name in ACCESS.variables() if name.startswith("AWS_")}
        assert os.environ["AWS_ENDPOINT_URL"] == "http://localhost:4000"
        assert os.environ["NO_PROXY"] == "pypi.example.com,localhost,127.0.0.1"
        credentials = boto3.Session().get_credentials()
        assert (credentials.access_key, credentials.token) == (ACCESS.access_key, None)
        assert boto3.Session().region_name == "eu-central-1"
        assert boto3.Session().available_profiles == []
    assert dict(os.environ) == before


def test_keys_are_random() -> None:
    other = new_access(4000, account="111122223333", region="eu-central-1")
    assert ACCESS.access_key != other.access_key
    assert ACCESS.secret_key != other.secret_key


def test_the_file_is_for_this_user_as_long_as_the_emulator_is_kept(tmp_path: Path) -> None:
    assert read_access(tmp_path) is None
    (tmp_path / "rehearsal.json").write_text("left by a process that was killed")
    assert read_access(tmp_path) is None
    with access_file(tmp_path, ACCESS):
        assert read_access(tmp_path) == ACCESS
        assert stat.S_IMODE((tmp_path / "rehearsal.json").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == []


def test_an_emulator_that_answers_is_found(tmp_path: Path) -> None:
    with answering(region="eu-central-1") as access, access_file(tmp_path, access):
        assert kept_access(tmp_path) == access
    with access_file(tmp_path, access):
        assert kept_access(tmp_path) is None


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b"0" * 64, b""])
def test_another_program_on_its_port_is_not_the_emulator_and_sees_no_key(answer: bytes, tmp_path: Path) -> None:
    """The file stays when the emulator is killed."""
    with listening(lambda path: answer) as (port, requests):
        access = new_access(port, account="111122223333", region="eu-central-1")
        with access_file(tmp_path, access):
            assert kept_access(tmp_path) is None
    (request,) = requests
    assert request.startswith("GET /-/proof/")
    assert access.access_key not in request
    assert access.secret_key not in request


def test_a_port_on_which_nothing_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        access = new_access(server.getsockname()[1], account="111122223333", region="eu-central-1")
    with access_file(tmp_path, access):
        assert kept_access(tmp_path) is None


def test_the_file_of_another_emulator_stays(tmp_path: Path) -> None:
    other = new_access(4001, account="111122223333", region="eu-central-1")
    with access_file(tmp_path, ACCESS):
        (tmp_path / "rehearsal.json").write_text(json.dumps(vars(other)))
    assert read_access(tmp_path) == other


def test_a_file_with_other_values_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "rehearsal.json").write_text(json.dumps({**vars(ACCESS), "endpoint": 5}))
    assert kept_access(tmp_path) is None
