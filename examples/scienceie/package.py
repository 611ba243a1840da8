"""Package the compiled pipeline as a wheel with ``spacy package``, and write its card from its own figures."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).parent

META = {
    "description": "Materials, processes and tasks in scientific abstracts; int8, runs without torch on spacy-lambda.",
    "notes": "For abstracts of physics, materials science and computer science, in English. Everyday sentences and "
    'other languages get wrong entities: "Hello there, how are you?" is a TASK. '
    "A demonstration, trained on 350 paragraphs.",
    "examples": [
        "Thin films of iron oxide were grown on silicon by molecular beam epitaxy. X-ray diffraction and Raman "
        "spectroscopy show that annealing at 600 °C turns magnetite into hematite, which matters for the design of "
        "spintronic devices.",
        "We study how lithium dendrites form in solid electrolytes. A phase-field model of crack propagation is solved "
        "with the finite element method, and its predictions are compared with impedance measurements of LLZO pellets "
        "between 25 and 80 °C.",
    ],
    "author": "The spacy-lambda developers",
    "license": "Apache-2.0",
    "sources": [
        {"name": "all-MiniLM-L6-v2", "author": "Sentence Transformers", "license": "Apache-2.0"},
        {"name": "ScienceIE (SemEval-2017 Task 10)", "author": "Augenstein et al.", "license": "open access articles"},
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("compiled", type=Path, help="the compiled pipeline")
    parser.add_argument("--scores", type=Path, required=True, help="scores of the original on dev")
    parser.add_argument("--dropped", type=Path, required=True, help="the report of the corpus's dropped entities")
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", type=Path, required=True, help="the folder for the wheel and its card")
    arguments = parser.parse_args()
    meta_path = arguments.compiled / "meta.json"
    meta = json.loads(meta_path.read_text(encoding="utf-8"))
    scores = json.loads(arguments.scores.read_text(encoding="utf-8"))
    dropped = json.loads(arguments.dropped.read_text(encoding="utf-8"))
    meta.update(META, name=arguments.name, version=arguments.version)
    for loss in [key for key in meta["performance"] if key.endswith("_loss")]:
        del meta["performance"][loss]
    meta_path.write_text(json.dumps(meta, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    wheel = build_wheel(arguments.compiled)
    arguments.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(wheel, arguments.out)
    card = Template((HERE / "card.md").read_text(encoding="utf-8")).substitute(figures(meta, scores, dropped, wheel))
    (arguments.out / "README.md").write_text(card, encoding="utf-8")
    print(f"{arguments.out / wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, and its card beside it")


def build_wheel(compiled: Path) -> Path:
    """Run ``spacy package``, and return the wheel."""
    folder = compiled.with_name("package")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = [sys.executable, "-m", "spacy", "package", str(compiled), str(folder), "--build", "wheel"]
    subprocess.run(command, check=True)
    (wheel,) = folder.rglob("*.whl")
    return wheel


def figures(meta: dict[str, Any], scores: dict[str, Any], dropped: dict[str, list[Any]], wheel: Path) -> dict[str, str]:
    """Return the values of the card's placeholders."""
    verification = meta["spacy_lambda"]["verification"]
    (ner,) = verification["components"]
    by_label = "\n".join(
        f"| {label} | {score['p']:.3f} | {score['r']:.3f} | {score['f']:.3f} |"
        for label, score in sorted(scores["ents_per_type"].items())
    )
    return {
        "name": f"{meta['lang']}_{meta['name']}",
        "version": meta["version"],
        "megabytes": f"{wheel.stat().st_size / 1e6:.1f}",
        "by_label": by_label,
        "p": f"{scores['ents_p']:.3f}",
        "r": f"{scores['ents_r']:.3f}",
        "f": f"{scores['ents_f']:.3f}",
        "gold_original": f"{ner['gold_original']:.3f}",
        "gold_compiled": f"{ner['gold_compiled']:.3f}",
        "agreement": f"{ner['agreement']:.3f}",
        "identical": str(verification["identical_documents"]),
        "documents": str(verification["documents"]),
        "dropped_train": str(len(dropped["train"])),
        "dropped_dev": str(len(dropped["dev"])),
        "tools": ", ".join(f"{tool} {version}" for tool, version in meta["spacy_lambda"]["tools"].items()),
    }


if __name__ == "__main__":
    main()
