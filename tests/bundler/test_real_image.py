"""An image without Docker: built, pushed to a real registry, pulled back, and called through the local Lambda."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.bundler.assemble import assemble
from spacy_lambda.bundler.build import Bundle, BundleOptions, bundle
from spacy_lambda.bundler.image.engines import ENGINES
from spacy_lambda.bundler.image.push import push_image
from spacy_lambda.errors import BundleError
from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.local.bundle import open_bundle
from tests.bundler.installed import install_once
from tests.bundler.real_bundles import TEXTS, expected, invoke
from tests.bundler.registry import BASE, WHY_NO_IMAGES, local_registry
from tests.bundler.wheels import BUNDLED, no_index
from tests.deploy.bundles import assembled_once
from tests.locks import exclusive

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


pytestmark = [pytest.mark.slow, pytest.mark.skipif(WHY_NO_IMAGES is not None, reason=WHY_NO_IMAGES or "")]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    with exclusive("images"), pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        install_once(patch, tmp_path_factory.mktemp("wheels"))
        # That two assemblies have the same bytes is tested with zips.
        assembled = assembled_once(assemble, tmp_path_factory.mktemp("assembled"))
        patch.setattr("spacy_lambda.bundler.build.assemble", assembled)
        options = BundleOptions(package_type="image", base=BASE, engine="buildah")
        made = bundle(BUNDLED, tmp_path_factory.mktemp("image"), options)
        yield made
        assert made.image is not None
        subprocess.run(["buildah", "rmi", "--force", str(made.image.id).removeprefix("sha256:")], check=False)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with local_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def serve(bundle: str, events: list[Any]) -> list[Any]:
    with (
        open_bundle(bundle, engine="buildah") as runnable,
        LocalLambda(FunctionSettings(pipeline=bundle, handler=runnable.handler), program=runnable.program) as local,
    ):
        return [invoke(local.endpoint_url, event) for event in events]


def test_the_same_folder_makes_the_same_image(image: Bundle, wheelhouse: None, tmp_path: Path) -> None:
    assert image.path.name == "en_scienceie_minilm-0.2.0-py313-x86_64-image"
    assert sorted(path.name for path in image.path.iterdir()) == [
        "Dockerfile",
        "image.json",
        "packages",
        "pipeline",
        "runtime",
    ]
    options = BundleOptions(package_type="image", base=BASE, engine="buildah")
    again = bundle(BUNDLED, tmp_path, options)
    assert again.image == image.image


def test_pushed_pulled_and_called(image: Bundle, registry: str) -> None:
    pushed = push_image(image.path, f"{registry}/team/ner")
    assert pushed.reference.startswith(f"{registry}/team/ner@sha256:")
    assert pushed.tag == "en-scienceie-minilm-0-2-0-py313-x86-64"
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
    before = _mounts_and_containers()
    serve(str(image.path), [{"text": ""}])
    left, deadline = _mounts_and_containers() - before, time.monotonic() + 60
    while left and time.monotonic() < deadline:  # what other tests build meanwhile goes away
        time.sleep(0.5)
        left &= _mounts_and_containers()
    assert not left


def _mounts_and_containers() -> set[str]:
    listed = subprocess.run(["buildah", "containers", "--quiet"], capture_output=True, text=True, check=True)
    return {*Path("/proc/mounts").read_text().splitlines(), *listed.stdout.split()}
