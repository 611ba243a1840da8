"""Surroundings of the documentation's blocks: a folder, variables, names, and addresses in place of theirs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pandas
import pytest
import spacy
from moto.server import ThreadedMotoServer

from spacy_lambda.core.location import parse_location
from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push as push_pipeline
from tests.bundler.installed import install_once
from tests.bundler.wheels import no_index
from tests.evaluation.corpora import write_corpus

SERVED = ("http://127.0.0.1:9001", "https://abc.lambda-url.eu-central-1.on.aws")
"""Addresses of functions in the documentation."""


@dataclass(frozen=True)
class Surroundings:
    """The surroundings of a block.

    :param names: Names that a Python block uses and does not define.
    :param addresses: Replacements of the block's addresses, and of other words.
    """

    names: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def adapt(self, text: str) -> str:
        for shown, real in self.addresses.items():
            text = text.replace(shown, real)
        return text


def write_pipeline(path: Path, version: str) -> None:
    """A pipeline of rules that a store takes for a compiled one."""
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "MATERIAL", "pattern": [{"LOWER": "iron"}, {"LOWER": "oxide"}]}])
    nlp.meta.update(name="my_pipeline", version=version, spacy_lambda={"precision": "int8"})
    nlp.to_disk(path)


@contextmanager
def project(folder: Path) -> Iterator[Surroundings]:
    """A folder with a pipeline in ``compiled``."""
    write_pipeline(folder / "compiled", "0.1.0")
    yield Surroundings()


@contextmanager
def corpus(folder: Path) -> Iterator[Surroundings]:
    """A folder with a corpus, and a pipeline in ``compiled``."""
    texts = ("Films of iron oxide.", "Iron oxide and glass, annealed.", "Nothing is in this one.")
    lines = (json.dumps({"year": 2021, "text": text}) + "\n" for text in texts)
    (folder / "abstracts.jsonl").write_text("".join(lines), encoding="utf-8")
    with project(folder) as given:
        yield given


@contextmanager
def annotated(folder: Path) -> Iterator[Surroundings]:
    """A folder with an annotated corpus, and pipelines in ``compiled`` and ``older``."""
    for name, version in (("older", "0.0.9"), ("compiled", "0.1.0")):
        write_pipeline(folder / name, version)
    write_corpus(folder / "dev.spacy")
    yield Surroundings()


@contextmanager
def configured(folder: Path) -> Iterator[Surroundings]:
    """A folder with a project's file."""
    text = '[project]\nname = "papers"\nregion = "eu-central-1"\n\n[functions.ner]\npipeline = "./compiled"\n'
    (folder / "spacy-lambda.toml").write_text(text, encoding="utf-8")
    with project(folder) as given:
        yield given


@contextmanager
def served(folder: Path) -> Iterator[Surroundings]:
    """A function that the local Lambda serves."""
    write_pipeline(folder / "compiled", "0.1.0")
    with LocalLambda(FunctionSettings(pipeline=folder / "compiled")) as local:
        addresses = dict.fromkeys(SERVED, local.endpoint_url)
        table = pandas.DataFrame({"text": ["Films of iron oxide.", None]})
        yield Surroundings({"texts": ["Films of iron oxide.", ""], "df": table}, addresses)


@contextmanager
def store(folder: Path) -> Iterator[Surroundings]:
    """The bucket ``my-models``, in which an older version of the pipeline in ``compiled`` is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="my-models")
        write_pipeline(folder / "older", "0.0.9")
        push_pipeline(str(folder / "older"), open_store(parse_location("s3://my-models/ner")))
        write_pipeline(folder / "compiled", "0.1.0")
        try:
            yield Surroundings()
        finally:
            server.stop()


@contextmanager
def constructs(folder: Path) -> Iterator[Surroundings]:
    """The folder of an app of the user's own, with a bundle; what the app writes is in ``cdk.out``."""
    with zipfile.ZipFile(folder / "bundle.zip", "w") as bundle:
        bundle.writestr("bundle.json", json.dumps({"sha256": "0a" * 32}))
    yield Surroundings(addresses={"App()": f"App(outdir={str(folder / 'cdk.out')!r})"})


@contextmanager
def trained(folder: Path) -> Iterator[Surroundings]:
    """A pipeline in ``output/model-best``, as spaCy trains one, texts, and the wheels that a bundle needs."""
    from tests.compiler.originals import TEXTS, build_original

    original = build_original(folder / "output")
    original.rename(original.with_name("model-best"))
    lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    (folder / "texts.jsonl").write_text(lines, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        install_once(patch, folder)
        patch.setattr("spacy_lambda.bundler.tree.COMPRESSION", 0)
        yield Surroundings()


SURROUNDINGS: dict[str, Callable[[Path], AbstractContextManager[Surroundings]]] = {
    function.__name__: function
    for function in (annotated, configured, constructs, corpus, project, served, store, trained)
}
