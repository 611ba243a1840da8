"""The bundled pipeline on an emulated CPU without VNNI: int8 must say the same on every host."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

QEMU = shutil.which("qemu-x86_64")
OLDER_CPU = "Haswell"

TEXTS = [
    "Thin films of iron oxide were grown on silicon by molecular beam epitaxy at 500 K. We simulate heat transfer in "
    "the films with a finite element method, and compare the temperature field with infrared thermography.",
    "Lithium-ion batteries with a graphite anode lose capacity while the solid electrolyte interphase grows; a neural "
    "network trained on impedance spectra predicts the remaining useful life.",
]
SCRIPT = """
import json, sys
from pathlib import Path
from spacy_lambda.runtime.loading import load_pipeline
nlp = load_pipeline(Path(sys.argv[1]))
print(json.dumps([[(e.text, e.label_, e.start_char, e.end_char) for e in nlp(t).ents] for t in json.load(sys.stdin)]))
"""


def answer(path: Path, *emulator: str) -> list[list[list[object]]]:
    done = subprocess.run(
        [*emulator, sys.executable, "-c", SCRIPT, str(path)],
        input=json.dumps(TEXTS),
        env={"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[list[object]]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compares two x86-64 CPUs")
@pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 is not installed: apt-get install qemu-user")
@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None,
    reason="thinc imports torch where it is installed, far too slow emulated: runs in the environment without it",
)
def test_an_older_cpu_predicts_the_same(bundled_path: Path) -> None:
    expected = answer(bundled_path)
    assert all(expected), "nothing is found: the test would prove nothing"
    assert answer(bundled_path, str(QEMU), "-cpu", OLDER_CPU) == expected
