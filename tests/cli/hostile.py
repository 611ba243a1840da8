"""Hostile input for commands: every kind of wrong string, number and file, and valid ones among them."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
import srsly

from spacy_lambda.core.artifact.pack import pack

STRINGS = [
    "",
    " ",
    "-",
    ".",
    "..",
    "/",
    "~",
    "a\0b",
    "a" * 5000,
    "a/" * 2500 + "a",
    "[red]alarm[/red]",
    "[/]",
    "[link=https://evil.example]here[/link]",
    "\x1b[31m\x1b]0;title\x07",
    "\x9b2J\x7f\r\n\t",
    "\u202egnp.exe",
    "железо",
    "🧪" * 10,
    "\udcff\udcfe",
    "\ud800",
    "../../outside",
    "./none",
    "/dev/null",
    "/dev/full/x",
    "/proc/self/mem",
    "http://[",
    "http://127.0.0.1:9",
    "https://a:99999/",
    "http://a b/",
    "http://\udcff/",
    "s3://",
    "s3://Bucket_/x",
    "s3://bucket/key@@#sha256=",
    "s3://bucket/" + "k" * 5000,
    "hf://",
    "hf://a/b@..",
    "hf://a/b#sha256=" + "0" * 64,
    "hf://a/b#sha256=zz",
    "file:///etc/passwd",
    "ftp://a/b",
    "./x@1.0#sha256=" + "f" * 64,
    "#sha256=" + "0" * 63,
    "@",
    "x@live",
    "1e999",
    "NaN",
    "{}",
    "[" * 10_000,
    "null",
    "%s%n%d{0}{x}",
    "$(id)`id`",
    "{{resolve:secretsmanager:x}}",
    "KEY=VALUE",
    "=",
    "A=\x00",
    "LD_PRELOAD=/none",
    "live",
    "1.0.0",
    "--help",
    "--nothing",
]
WHOLE = ["-1", "0", "1", "65535", "65536", "99999", str(2**31), str(2**63), "1" + "0" * 30, "9" * 5000, "1e3", "NaN"]
WHOLE += ["", " ", "0x10", "1_0", "x", "1.5"]
NUMBERS = [*WHOLE, "nan", "inf", "-inf", "1e999", "-0.0", "1e-999", "0.5", "-1e30"]

DEEP = "[" * 100_000 + "]" * 100_000
META: dict[str, Any] = {"lang": "en", "name": "ok", "version": "1.0.0", "pipeline": [], "requirements": []}


def odd_metas() -> dict[str, bytes]:
    """Return files to use as ``meta.json``."""
    values: dict[str, Any] = {"list": [], "number": 7, "null": None, "text": "x", "empty-object": {}}
    long = {"name": "x" * 1_000_000, "version": "1" * 100_000}
    for key in (
        "lang",
        "name",
        "version",
        "pipeline",
        "requirements",
        "spacy_lambda",
        "components",
        "labels",
        "vectors",
    ):
        for number, wrong in enumerate[Any](
            (None, 7, [], {}, "../../x", "[red]\x1b[31m\u202e", [None], [["x"]], -1.5, True)
        ):
            values[f"{key}-{number}"] = {**META, key: wrong}
    values |= {f"long-{key}": {**META, key: value} for key, value in long.items()}
    values |= {"many": {**META, "requirements": ["x"] * 100_000}}
    files = {name: json.dumps(value).encode() for name, value in values.items()}
    whole = json.dumps(META)
    return files | {
        "empty": b"",
        "binary": os.urandom(300),
        "deep": b'{"lang": "en", "name": "ok", "version": "1", "x": ' + DEEP.encode() + b"}",
        "infinite": whole.replace('"pipeline": []', '"size": 1e999').encode(),
        "nan": whole.replace('"pipeline": []', '"size": NaN').encode(),
        "long-number": whole.replace('"pipeline": []', '"size": ' + "9" * 5000).encode(),
        "bom": b"\xef\xbb\xbf" + whole.encode(),
        "utf16": whole.encode("utf-16"),
        "latin1": whole.replace("ok", "\xfc").encode("latin-1"),
        "surrogate": whole.replace("ok", "\\ud800").encode(),
        "half": whole.encode()[:20],
    }


def odd_configs() -> dict[str, bytes]:
    """Return files to use as ``config.cfg``."""
    return {
        "empty": b"",
        "binary": os.urandom(300),
        "nul": b"[nlp]\nlang = \x00\n",
        "json": b"{}",
        "bom": b"\xef\xbb\xbf[nlp]\nlang = en\n",
        "utf16": "[nlp]\nlang = en\n".encode("utf-16"),
        "open": b"[nlp\nlang",
        "twice": b'[nlp]\nlang = "en"\n[nlp]\nlang = "de"\n',
        "no-value": b"[nlp]\nlang\n",
        "no-pipeline": b'[nlp]\nlang = "en"\n',
        "wrong-pipeline": b'[nlp]\nlang = "en"\npipeline = 7\n',
        "null-pipeline": b'[nlp]\nlang = "en"\npipeline = null\n',
        "missing-component": b'[nlp]\nlang = "en"\npipeline = ["x"]\n',
        "odd-component": b'[nlp]\nlang = "en"\npipeline = ["x"]\n[components]\nx = 7\n',
        "no-factory": b'[nlp]\nlang = "en"\npipeline = ["x"]\n[components.x]\nfactory = "nobodys"\n',
        "null-factory": b'[nlp]\nlang = "en"\npipeline = ["x"]\n[components.x]\nfactory = null\n',
        "unknown-language": b'[nlp]\nlang = "zzz"\npipeline = []\n',
        "number-language": b"[nlp]\nlang = 7\npipeline = []\n",
        "path-language": b'[nlp]\nlang = "../../x"\npipeline = []\n',
        "undefined": b"[nlp]\nlang = ${vars.lang}\npipeline = []\n",
        "itself": b"[nlp]\nlang = ${nlp.lang}\npipeline = []\n",
        "circle": b"[a]\nx = ${b.x}\n[b]\nx = ${a.x}\n[nlp]\nlang = ${a.x}\n",
        "deep": b'[nlp]\nlang = "en"\npipeline = ' + DEEP.encode() + b"\n",
        "deep-block": b"[" + b"a." * 3000 + b'a]\nx = 1\n[nlp]\nlang = "en"\n',
        "infinite": b'[nlp]\nlang = "en"\npipeline = []\nbatch_size = 1e999\n',
        "markup": '[nlp]\nlang = "[red]\x1b[31m\u202e"\npipeline = ["[/]"]\n'.encode(),
        "unknown-architecture": b'[nlp]\nlang = "en"\npipeline = ["t"]\n[components.t]\nfactory = "ner"\n'
        b'[components.t.model]\n@architectures = "nobody.s.v1"\n',
        "long": b'[nlp]\nlang = "en"\n' + b"x = 1\n" * 100_000,
    }


def odd_files() -> dict[str, bytes]:
    """Return files of every suffix that a command reads."""
    contents = {
        "empty": b"",
        "binary": bytes(range(256)) * 4,
        "zeros": bytes(200_000),
        "line": b"x" * 200_000,
        "latin1": "Eisen glüht".encode("latin-1"),
        "utf16": "Eisen".encode("utf-16"),
        "bom": b"\xef\xbb\xbf{}",
        "null": b"null",
        "list": b"[1, 2]",
        "deep": DEEP.encode(),
        "deep-toml": b"a = " + DEEP.encode(),
        "keys": ".".join(["a"] * 5000).encode() + b" = 1",
        "infinite": b'{"text": 1e999}',
        "nan": b'{"text": NaN}',
        "wrong": b'{"text": 7}\n{"text": null}\n{"texts": "x"}\n',
        "surrogate": b'{"text": "\\ud800"}\n',
        "text": b'{"text": "iron"}\n',
        "markup": "[red]\x1b[31m\u202e".encode(),
        "zlib": zlib.compress(b"x" * 1000),
        "msgpack": zlib.compress(srsly.msgpack_dumps({"version": 0.1, "attrs": [], "tokens": b"x", "lengths": 7})),
        "msgpack-list": zlib.compress(srsly.msgpack_dumps([1, 2])),
        "pem": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "project": b'[project]\nname = "p"\nregion = "eu-central-1"\n[functions.f]\npipeline = "./none"\n',
        "project-odd": b'[project]\nname = 7\nregion = ["x"]\n[functions]\nf = 1\n',
        "project-nul": b'[project]\nname = "p"\nregion = "eu-central-1"\n[functions.f]\npipeline = "a\\u0000b"\n',
        "project-long": b'[project]\nname = "' + b"p" * 100_000 + b'"\nregion = "x"\n',
        "project-markup": b'["[red]\\u001b[31m"]\n"[/]" = "\\u202e"\n',
    }
    endings = ("jsonl", "txt", "spacy", "toml", "json", "tar", "zip", "whl", "pem", "cfg", "x")
    return {f"{name}.{ending}": content for name, content in contents.items() for ending in endings}


def make_pool(folder: Path) -> dict[str, list[str]]:
    """Write all of it; return paths and locations by kind."""
    ok = folder / "ok"
    spacy.blank("en", meta=META).to_disk(ok)
    artifact = pack(ok, folder / "ok.tar").path
    pipelines = [*_variants(folder / "metas", ok, "meta.json", odd_metas())]
    pipelines += _variants(folder / "configs", ok, "config.cfg", odd_configs())
    pipelines += _special(folder / "special", ok)
    (folder / "files").mkdir()
    files = []
    for name, content in odd_files().items():
        (folder / "files" / name).write_bytes(content)
        files.append(str(folder / "files" / name))
    files += _odd_places(folder / "places")
    files += _archives(folder / "archives", artifact.read_bytes())
    texts = folder / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text("Iron rusts.")
    return {
        "pipelines": pipelines,
        "files": files,
        "stores": _stores(folder / "stores"),
        "ok": [str(ok), str(artifact), str(texts)],
    }


def _variants(folder: Path, ok: Path, name: str, contents: dict[str, bytes]) -> list[str]:
    made = []
    for kind, content in contents.items():
        pipeline = folder / kind
        pipeline.mkdir(parents=True)
        for file in ("meta.json", "config.cfg"):
            (pipeline / file).write_bytes(content if file == name else (ok / file).read_bytes())
        made.append(str(pipeline))
    return made


def _special(folder: Path, ok: Path) -> list[str]:
    def as_folder(path: Path) -> None:
        path.mkdir()

    kinds: dict[str, Callable[[Path], object]] = {
        "folder": as_folder,
        "fifo": os.mkfifo,
        "loop": lambda path: path.symlink_to(path.name),
        "dangling": lambda path: path.symlink_to("/nowhere"),
        "device": lambda path: path.symlink_to("/dev/null"),
    }
    made = []
    for name in ("meta.json", "config.cfg"):
        for kind, make in kinds.items():
            pipeline = folder / f"{name}-{kind}"
            pipeline.mkdir(parents=True)
            for file in ("meta.json", "config.cfg"):
                if file == name:
                    make(pipeline / file)
                else:
                    (pipeline / file).write_bytes((ok / file).read_bytes())
            made.append(str(pipeline))
    return made


def _odd_places(folder: Path) -> list[str]:
    folder.mkdir()
    made = []
    for ending in ("jsonl", "spacy", "tar", "whl", "zip", "toml", "pem"):
        (folder / f"folder.{ending}").mkdir()
        os.mkfifo(folder / f"fifo.{ending}")
        (folder / f"loop.{ending}").symlink_to(f"loop.{ending}")
        made += [str(folder / f"{kind}.{ending}") for kind in ("folder", "fifo", "loop")]
    (folder / os.fsdecode(b"\xff\xfe")).mkdir()
    return [*made, str(folder), str(folder / os.fsdecode(b"\xff\xfe")), str(folder / "none" / "x")]


def _archives(folder: Path, artifact: bytes) -> list[str]:
    folder.mkdir()
    cut = {
        "half": artifact[: len(artifact) // 2],
        "tail": artifact[512:],
        "more": artifact + b"x",
        "zero": bytes(10240),
    }
    cut["changed"] = artifact[:2000] + bytes([artifact[2000] ^ 1]) + artifact[2001:]
    made = []
    for name, content in cut.items():
        (folder / f"{name}.tar").write_bytes(content)
        made.append(str(folder / f"{name}.tar"))
    for name, entries in {
        "out": {"../../canary/x": b"x"},
        "absolute": {"/tmp/canary-of-spacy-lambda": b"x"},
        "none": {},
        "bomb": {f"x/{n}": bytes(1_000_000) for n in range(40)},
        "metas": {f"p/{file}": b"[]" for file in ("meta.json", "config.cfg")},
    }.items():
        for ending in ("zip", "whl"):
            with zipfile.ZipFile(folder / f"{name}.{ending}", "w", zipfile.ZIP_DEFLATED) as archive:
                for entry, content in entries.items():
                    archive.writestr(entry, content)
            made.append(str(folder / f"{name}.{ending}"))
    return made


def _stores(folder: Path) -> list[str]:
    """Write stores with records that no push made."""
    records: dict[str, Any] = {
        "markup": {"kind": "version", "version": "[red]\x1b[31m", "sha256": "0" * 64, "size": 1},
        "digest": {"kind": "version", "version": "1.0.0", "sha256": "../../x", "size": 1},
        "size": {"kind": "version", "version": "1.0.0", "sha256": "0" * 64, "size": -1},
        "null": None,
        "list": [],
    }
    contents = {name: json.dumps(record).encode() for name, record in records.items()}
    contents |= {
        "infinite": b'{"kind": "version", "version": "1", "sha256": "' + b"0" * 64 + b'", "size": 1e999}',
        "deep": DEEP.encode(),
        "binary": os.urandom(100),
        "empty": b"",
    }
    made = []
    for name, content in contents.items():
        for place in ("versions/1.0.0.json", "aliases/live.json", "versions/[red]\u202e.json", "artifacts/x.tar"):
            path = folder / name / "en_ok" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        made += [
            str(folder / name),
            f"{folder / name}/en_ok",
            f"{folder / name}/en_ok@1.0.0",
            f"{folder / name}/en_ok@live",
        ]
    return made
