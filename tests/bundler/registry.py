"""A base image, and Debian's registry on a free port of this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE = "localhost/lambda-python:3.13"


def _why_not() -> str | None:
    for program in ("buildah", "docker-registry"):
        if shutil.which(program) is None:
            return f"{program} is not installed here: apt-get install {program}"
    if os.geteuid() != 0:
        return "mounting an image takes root's rights"
    found = subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True, check=False)
    return f"the base image is missing: scripts/make_base.sh builds {BASE}" if found.returncode else None


WHY_NO_IMAGES = _why_not()


@contextmanager
def local_registry(folder: Path) -> Iterator[str]:
    """Run the registry.

    :param folder: For its files.
    :return: ``HOST:PORT``.
    """
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
