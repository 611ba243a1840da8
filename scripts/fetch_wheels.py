"""Fetch the wheels of the bundled pipeline's bundles into a folder, so that the tests need no network.

python scripts/fetch_wheels.py FOLDER
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from spacy_lambda.bundler.pins import pin_all, pin_requirements
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.wheels import download_wheels
from spacy_lambda.core.pipelines import find_pipeline, read_meta
from spacy_lambda.local.bundle import PROVIDED


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in folder.glob("*.whl"):
        wheel.unlink()
    requirements = read_meta(find_pipeline("en_scienceie_minilm") / "meta.json").get("requirements", [])
    for arch in ("x86_64", "arm64"):
        target = Target("3.13", arch)
        pins, _ = pin_requirements(requirements, target)
        with tempfile.TemporaryDirectory() as scratch:
            wheels = download_wheels(sorted({*pins, *pin_all(PROVIDED, target)}), target, Path(scratch))
            for wheel in wheels:
                shutil.move(wheel, folder / wheel.name)
        print(f"{len(wheels)} wheels for {arch}")


if __name__ == "__main__":
    main()
