"""Images, with test engines: programs that record their arguments."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from spacy_lambda.bundler.image.build import BuiltImage, build_image, read_record
from spacy_lambda.bundler.image.context import aws_base, image_tag, write_context
from spacy_lambda.bundler.image.engines import ENGINES, find_engine, has_local_registry
from spacy_lambda.bundler.image.push import push_image
from spacy_lambda.bundler.metadata import BundleMetadata
from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError
from spacy_lambda.local.bundle import open_bundle
from spacy_lambda.local.confinement import confine
from spacy_lambda.local.image import image_program
from spacy_lambda.local.settings import FunctionSettings
from tests.aws_variables import without_aws_variables

ID = "sha256:" + "1" * 64
DIGEST = "sha256:" + "2" * 64
METADATA = BundleMetadata(Target(), "pipeline", "00" * 32, {"lang": "en", "name": "x", "version": "1.0"})
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
CONFIG = {
    "Entrypoint": ["/lambda-entrypoint.sh"],
    "Cmd": ["spacy_lambda.runtime.handler.handler"],
    "Env": ["PATH=/var/lang/bin", "LAMBDA_TASK_ROOT=/var/task"],
    "WorkingDir": "/var/task",
    "User": "",
    "Labels": {"spacy-lambda.python": "3.13"},
}
ENGINE = """#!{python} -S
import json, os, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps([words, sys.stdin.read(), os.environ.get("SOURCE_DATE_EPOCH")]) + "\\n")
if words[0] in {fails!r}:
    sys.exit("it does not work")
for option, text in (("--iidfile", {id!r}), ("--digestfile", {digest!r})):
    if option in words:
        open(words[words.index(option) + 1], "w").write(text)
if "inspect" in words:
    config = {config!r}
    if os.path.basename(sys.argv[0]) == "buildah":
        print(json.dumps({{"Docker": {{"config": config}}}}))
    else:
        digests = ["other@sha256:0", words[-1].rpartition(":")[0] + "@" + {digest!r}]
        print(json.dumps([{{"Config": config, "RepoDigests": digests}}]))
elif words[0] == "ps":
    print("c1\\nc2")
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[Any]]]:
    """Puts an engine on the path; returns a function that gives its calls so far."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    log = tmp_path / "log"
    log.touch()

    def install(name: str, *, fails: tuple[str, ...] = ()) -> Callable[[], list[Any]]:
        import sys

        text = ENGINE.format(python=sys.executable, log=str(log), fails=fails, id=ID, digest=DIGEST, config=CONFIG)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return install


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in (
        "numpy/a.py",
        "numpy-2.dist-info/METADATA",
        "spacy_lambda/a.py",
        "spacy_lambda-1.dist-info/METADATA",
        "pipeline/config.cfg",
        "bundle.json",
        "sbom.cdx.json",
        "requirements.lock",
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    return tree


# The folder.


def test_layers_and_dockerfile(tree: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    write_context(tree, context, base=aws_base(Target()), metadata=METADATA)
    layers = {
        layer: sorted(path.name for path in (context / layer).iterdir())
        for layer in ("packages", "runtime", "pipeline")
    }
    assert layers == {
        "packages": ["numpy", "numpy-2.dist-info", "requirements.lock"],
        "runtime": ["spacy_lambda", "spacy_lambda-1.dist-info"],
        "pipeline": ["bundle.json", "pipeline", "sbom.cdx.json"],
    }
    assert (context / "Dockerfile").read_text().splitlines() == [
        "FROM public.ecr.aws/lambda/python:3.13",
        "WORKDIR /var/task",
        "COPY packages/ /var/task/",
        "COPY runtime/ /var/task/",
        "COPY pipeline/ /var/task/",
        "USER 1000:1000",
        'LABEL org.opencontainers.image.title="en_x"',
        'LABEL org.opencontainers.image.version="1.0"',
        'LABEL spacy-lambda.python="3.13"',
        'CMD ["spacy_lambda.runtime.handler.handler"]',
    ]
    assert {path.stat().st_mtime for path in context.rglob("*")} == {315532800.0}


def test_another_base_gets_an_entrypoint_and_a_label(tree: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    write_context(tree, context, base="registry.example/python@sha256:00", metadata=METADATA)
    lines = (context / "Dockerfile").read_text().splitlines()
    assert 'LABEL com.amazonaws.lambda.feature.snapstart="Allow"' in lines
    assert 'ENTRYPOINT ["python3", "-m", "awslambdaric"]' in lines


@pytest.mark.parametrize(("name", "tag"), [("en_x-1.0-py313-arm64", "en-x-1-0-py313-arm64"), ("xx_Ä-1+a", "xx-1-a")])
def test_names_of_images(name: str, tag: str) -> None:
    assert image_tag(name) == f"spacy-lambda/{tag}:latest"


# Building.

BUILDS = {
    "docker": ["buildx", "build", "--provenance=false", "--sbom=false", "--load"],
    "podman": ["build", "--timestamp=315532800"],
    "finch": ["build", "--provenance=false", "--sbom=false"],
    "buildah": ["build", "--timestamp=315532800"],
}


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_building(name: str, engine: Any, tree: Path, tmp_path: Path) -> None:
    calls = engine(name)
    metadata = BundleMetadata(Target("3.13", "arm64"), "pipeline", "00" * 32, METADATA.pipeline)
    built = build_image(tree, tmp_path / "out", name="en_x-1.0", metadata=metadata, base="base", engine=find_engine())
    assert built == BuiltImage(name, "spacy-lambda/en-x-1-0:latest", ID, "base")
    assert read_record(tmp_path / "out") == built
    words, _, dated = calls()[-1]
    assert words[: len(BUILDS[name])] == BUILDS[name]
    assert words[words.index("--platform") + 1] == "linux/arm64"
    assert dated == "315532800"


def test_a_build_that_fails_leaves_nothing(engine: Any, tree: Path, tmp_path: Path) -> None:
    engine("podman", fails=("build",))
    with pytest.raises(BundleError, match="it does not work") as caught:
        build_image(tree, tmp_path / "o" / "out", name="x", metadata=METADATA, base="base", engine=find_engine())
    assert "--engine" in caught.value.remedy
    assert list((tmp_path / "o").iterdir()) == []


def test_only_an_images_folder_is_replaced(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(BundleError, match="not an image's folder"):
        build_image(tree, out, name="x", metadata=METADATA, base="base", engine=None)
    assert [path.name for path in out.iterdir()] == ["mine"]
    (out / "mine").unlink()
    out.rmdir()
    assert build_image(tree, out, name="x", metadata=METADATA, base="base", engine=None).id is None
    tree.mkdir(exist_ok=True)
    (tree / "new").touch()
    build_image(tree, out, name="x", metadata=METADATA, base="base", engine=None)
    assert (out / "packages" / "new").exists()
    with pytest.raises(BundleError, match="no image was built"):
        read_record(out)


def test_engines_that_cannot_work(engine: Any) -> None:
    with pytest.raises(BundleError, match="no engine that builds images is installed") as caught:
        find_engine()
    assert "--engine none" in caught.value.remedy
    engine("docker", fails=("version",))
    with pytest.raises(BundleError):
        find_engine("docker")
    engine("finch")
    assert find_engine().name == "finch"
    with pytest.raises(BundleError, match="unknown engine 'rkt'"):
        find_engine("rkt")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("localhost:5000/a", True), ("127.0.0.1:5000/a/b:1", True), (f"{ECR}/a", False), ("localhost.example/a", False)],
)
def test_registries_on_this_machine(reference: str, expected: bool) -> None:
    assert has_local_registry(reference) is expected


# Pushing.


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        record = {"engine": name, "tag": "spacy-lambda/en-x-1-0:latest", "id": ID, "base": "base"}
        (tmp_path / "image.json").write_text(json.dumps(record))
        return tmp_path

    return write


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_pushing(name: str, engine: Any, folder: Callable[[str], Path]) -> None:
    calls = engine(name)
    pushed = push_image(folder(name), "127.0.0.1:5000/team/ner:7")
    assert pushed.reference == f"127.0.0.1:5000/team/ner@{DIGEST}"
    assert pushed.tag == "7"
    (words,) = (words for words, _, _ in calls() if words[0] == "push")
    insecure = {"docker": [], "finch": ["--insecure-registry"]}.get(name, ["--tls-verify=false"])
    assert words[1 : 1 + len(insecure)] == insecure


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@mock_aws
def test_ecr_logs_in_and_makes_the_repository(account: None, engine: Any, folder: Callable[[str], Path]) -> None:
    calls = engine("docker")
    with pytest.raises(BundleError, match="the ECR repository 'ner' does not exist") as caught:
        push_image(folder("docker"), f"{ECR}/ner")
    assert "--create" in caught.value.remedy
    assert caught.value.remedy.endswith("create-repository --repository-name ner --region eu-west-1")
    pushed = push_image(folder("docker"), f"{ECR}/ner", create=True)
    assert pushed.reference == f"{ECR}/ner@{DIGEST}"
    assert pushed.tag == "en-x-1-0"
    (login,) = (call for call in calls() if call[0][0] == "login")
    assert login[0] == ["login", "--username", "AWS", "--password-stdin", ECR]
    token = boto3.client("ecr", region_name="eu-west-1").get_authorization_token()["authorizationData"][0]
    assert login[1] == base64.b64decode(token["authorizationToken"]).decode().partition(":")[2]
    (repository,) = boto3.client("ecr", region_name="eu-west-1").describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}


def test_no_credentials(
    account: None, engine: Any, folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine("docker")
    without_aws_variables(monkeypatch)
    with pytest.raises(BundleError, match="no AWS credentials found") as caught:
        push_image(folder("docker"), f"{ECR}/ner")
    assert "aws sso login" in caught.value.remedy


@pytest.mark.parametrize("destination", ["ner", "Registry/ner", "registry.example/NER", "registry.example/", ""])
def test_invalid_names_in_a_registry(destination: str, folder: Callable[[str], Path]) -> None:
    with pytest.raises(BundleError, match="is not an image's name in a registry"):
        push_image(folder("docker"), destination)


# Running.


def test_run_by_an_engine(engine: Any, tmp_path: Path) -> None:
    calls = engine("docker")
    with image_program(ENGINES["docker"], "registry.example/ner@sha256:00") as (program, handler):
        assert handler == "spacy_lambda.runtime.handler.handler"
        words = list(program.command(["PATH", "A", "B"]))
        assert program.limits is not None
        settings = FunctionSettings(pipeline="image", memory_mb=1769, storage_mb=600, mounts=(tmp_path,))
        confined = confine(settings, program)
        limited = list(confined.program.command([]))
        assert program.task_root == Path("/var/task")
        assert program.python == "3.13"
    assert words[:9] == [
        "docker",
        "run",
        "--rm",
        "--interactive",
        "--read-only",
        "--tmpfs",
        "/tmp:rw,exec,nosuid,nodev,mode=1777",
        "--network",
        "host",
    ]
    for option, value in {
        "--tmpfs": "/tmp:rw,exec,nosuid,nodev,mode=1777,size=600m",
        "--memory": "1769m",
        "--memory-swap": "1769m",
        "--cpus": "1.00",
        "--volume": f"{tmp_path}:{tmp_path}",
    }.items():
        assert limited[limited.index(option) + 1] == value
    assert confined.missing == (
        "the memory of a container is limited, but not measured: Max Memory Used is docker's own",
    )
    assert words[words.index("--user") + 1] == "993:990"
    assert words[-5:] == ["--env", "A", "--env", "B", "registry.example/ner@sha256:00"]
    assert [words for words, _, _ in calls()][-1] == ["kill", "c1", "c2"]


@pytest.mark.parametrize(
    ("bundle", "message", "remedy"),
    [
        (".", "the folder has no image.json", "spacy-lambda bundle"),
        ("no.zip", "the file no.zip does not exist", "spacy-lambda bundle"),
        ("registry.example/ner", "no engine that builds images", "install one"),
    ],
)
def test_no_bundle(
    bundle: str, message: str, remedy: str, engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError) as caught, open_bundle(bundle):
        pass
    assert message in caught.value.message
    assert remedy in caught.value.remedy


def test_a_zip_that_is_not_a_bundle(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "other.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(BundleError, match="cannot be read"), open_bundle(str(path)):
        pass
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(BundleError, match="is not a bundle"), open_bundle(str(path)):
        pass
