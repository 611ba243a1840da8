"""An image without Docker: built, pushed to a real registry, pulled back, and called through the local Lambda."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.bundler.build import Bundle, Options, make_bundle
from spacy_lambda.bundler.image.engines import ENGINES
from spacy_lambda.bundler.image.push import push_image
from spacy_lambda.bundler.run import open_bundle
from spacy_lambda.errors import BundleError
from spacy_lambda.local import FunctionSettings, LocalLambda

from .conftest import BUNDLED, no_index
from .test_real_zip import TEXTS, expected, invoke

BASE = "localhost/lambda-python:3.13"
PROBE = """
import os, sys
from spacy_lambda.runtime.handler import handler as answer

def handler(event, context):
    if "probe" not in event:
        return answer(event, context)
    try:
        open("/var/task/written", "w").close()
        wrote = True
    except OSError as exc:
        wrote = exc.strerror
    return {"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "wrote": wrote, "cwd": os.getcwd()}
"""


def _why_not() -> str | None:
    for program in ("buildah", "docker-registry"):
        if shutil.which(program) is None:
            return f"{program} is not installed here: apt-get install {program}"
    if os.geteuid() != 0:
        return "mounting an image takes root's rights"
    found = subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True, check=False)
    return f"there is no base: scripts/make_base.sh makes {BASE}" if found.returncode else None


WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        options = Options(shape="image", base=BASE, engine="buildah")
        made = make_bundle(BUNDLED, tmp_path_factory.mktemp("image"), options)
        yield made
        assert made.image is not None
        subprocess.run(["buildah", "rmi", "--force", str(made.image.id).removeprefix("sha256:")], check=False)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's registry, on a free port of this machine."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    config = {"version": 0.1, "storage": storage, "http": {"addr": address}}
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        host, _, port = address.partition(":")
        for _ in range(100):
            with socket.socket() as client:
                if client.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def serve(bundle: str, events: list[Any]) -> list[Any]:
    with (
        open_bundle(bundle, engine="buildah") as runnable,
        LocalLambda(FunctionSettings(pipeline=bundle, handler=runnable.handler), program=runnable.program) as local,
    ):
        return [invoke(local.endpoint_url, event) for event in events]


def test_the_same_folder_makes_the_same_image(image: Bundle, wheelhouse: None, tmp_path: Path) -> None:
    assert image.path.name == "en_scienceie_minilm-0.1.0-py313-x86_64-image"
    assert sorted(path.name for path in image.path.iterdir()) == [
        "Dockerfile",
        "image.json",
        "packages",
        "pipeline",
        "runtime",
    ]
    options = Options(shape="image", base=BASE, engine="buildah")
    again = make_bundle(BUNDLED, tmp_path, options)
    assert again.image == image.image


def test_pushed_pulled_and_called(image: Bundle, registry: str) -> None:
    pushed = push_image(image.path, f"{registry}/team/ner")
    assert pushed.reference.startswith(f"{registry}/team/ner@sha256:")
    assert pushed.tag == "en-scienceie-minilm-0-1-0-py313-x86-64"
    assert image.image is not None
    buildah = ENGINES["buildah"]
    buildah.call("rmi", "--force", str(image.image.id).removeprefix("sha256:"))
    with pytest.raises(BundleError):
        buildah.read_config(str(image.image.id))
    assert serve(pushed.reference, [{"texts": TEXTS}]) == [expected()]
    # The same bytes came back.
    assert buildah.read_config(str(image.image.id)).user == "1000:1000"


def test_not_root_and_nothing_is_written(image: Bundle, tmp_path: Path) -> None:
    """With one more layer, whose handler looks around."""
    assert image.image is not None
    (tmp_path / "probe.py").write_text(PROBE)
    (tmp_path / "Dockerfile").write_text(
        f'FROM {str(image.image.id).removeprefix("sha256:")}\nCOPY probe.py /var/task/\nCMD ["probe.handler"]\n'
    )
    subprocess.run(["buildah", "build", "--quiet", "--tag", "localhost/probe", str(tmp_path)], check=True)
    try:
        seen, answer = serve("localhost/probe", [{"probe": True}, {"text": TEXTS[0]}])
    finally:
        subprocess.run(["buildah", "rmi", "--force", "localhost/probe"], check=True, capture_output=True)
    assert seen == {"uid": 1000, "gid": 1000, "groups": [], "wrote": "Read-only file system", "cwd": "/var/task"}
    assert answer == expected()[0]


def test_nothing_stays_mounted(image: Bundle) -> None:
    assert image.image is not None
    before = Path("/proc/mounts").read_text()
    serve(str(image.path), [{"text": ""}])
    assert Path("/proc/mounts").read_text() == before
    listed = subprocess.run(["buildah", "containers", "--quiet"], capture_output=True, text=True, check=True)
    assert listed.stdout == ""
