"""The CDK app -> files that the user owns, and that need spacy-lambda no more.

They are the very constructs that ``deploy`` uses, with imports of their own, and a file with what they are given.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy_lambda import errors as errors_module
from spacy_lambda.config import aws_names as names_module
from spacy_lambda.config import literal_text as text_module
from spacy_lambda.config import project as settings_module
from spacy_lambda.config.aws_names import stack_name
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core import digest as digest_module
from spacy_lambda.core import env_names as env_names_module
from spacy_lambda.core import lambda_function as lambda_function_module
from spacy_lambda.core import lambda_limits as lambda_limits_module
from spacy_lambda.core import location as location_module
from spacy_lambda.core import output_location as output_location_module
from spacy_lambda.deploy import cost as cost_module
from spacy_lambda.deploy import spec as model_module
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.deploy.cdk_cli import VERSION
from spacy_lambda.deploy.concurrency import concurrency_limits
from spacy_lambda.deploy.plan import shared_spec
from spacy_lambda.deploy.prepare import NOT_PUSHED, Prepared, make_spec, prepared_function
from spacy_lambda.deploy.spec import FunctionSpec, SharedSpec, ZipCode
from spacy_lambda.deploy.versions import deployed_image, live_version
from spacy_lambda.errors import DeployError

__all__ = ["eject_app"]

CONSTRUCTS = Path(__file__).with_name("cdk")
PACKAGE = "constructs_of_app"
MODULES = {
    "spacy_lambda.deploy.spec": "model",
    "spacy_lambda.config.project": "settings",
    "spacy_lambda.config.aws_names": "names",
    "spacy_lambda.config.literal_text": "text",
    "spacy_lambda.errors": "errors",
    "spacy_lambda.deploy.cost": "cost",
    "spacy_lambda.core.digest": "digest",
    "spacy_lambda.core.env_names": "env_names",
    "spacy_lambda.core.lambda_function": "lambda_function",
    "spacy_lambda.core.lambda_limits": "lambda_limits",
    "spacy_lambda.core.location": "location",
    "spacy_lambda.core.output_location": "output_location",
}
"""Our modules that the constructs import, by their names in the app."""

IMPORT = re.compile(r"^(\s*)from (spacy_lambda[\w.]*) import", re.MULTILINE)

APP = '''"""The CDK app: ``cdk deploy --all``. What it deploys is in ``functions.json``."""

from __future__ import annotations

import json
from pathlib import Path

from {package}.app import make_app
from {package}.model import FunctionSpec, ImageCode, SharedSpec, ZipCode

HERE = Path(__file__).parent


def function(told: dict) -> FunctionSpec:
    code = told.pop("code")
    return FunctionSpec(code=ZipCode(HERE / code["path"]) if "path" in code else ImageCode(**code), **tuples(told))


def tuples(told: dict) -> dict:
    return {{key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}}


told = json.loads((HERE / "functions.json").read_text(encoding="utf-8"))
functions = [function(one) for one in told["functions"]]
make_app(functions, SharedSpec(**tuples(told["shared"])), HERE / "cdk.out").synth()
'''

README = """# The CDK app of {project}

```console
$ pip install -r requirements.txt
$ npx aws-cdk@{cli} diff
$ npx aws-cdk@{cli} deploy --all
```

- `functions.json`: what is deployed, and how. `live_version` is the published version that the alias `live` names:
  deploy once to publish, ask the new version (the stack's output `Version`) what you want to know, then write its
  number here and deploy again. Without it there is no alias, and no URL.
- `code/`: the zips. `spacy-lambda bundle` makes new ones; images are pushed by `spacy-lambda image push`.
- `{package}/`: the constructs, yours to change.
"""


def eject_app(
    project: Project,
    functions: Sequence[FunctionConfig],
    out: Path,
    *,
    aws: Aws,
    on_step: Callable[[str, int, int], None] = lambda *step: None,
) -> list[Path]:
    """Write the app; its stacks have the names of those that are deployed, so that it takes them over.

    :param out: The folder.
    :return: The files.
    :raises DeployError: If the folder has something in it, or an image was not pushed yet.
    """
    if out.exists() and any(out.iterdir()):
        raise DeployError(f"{out} is not empty", remedy="give another folder with --out; nothing was written")
    with ExitStack() as stack:
        prepared = [
            stack.enter_context(prepared_function(project, one, build_images=False, on_step=on_step))
            for one in functions
        ]
        specs = [_spec(project, aws, one) for one in prepared]
        _write_constructs(out / PACKAGE)
        told = {
            "shared": _plain(shared_spec(project, aws)),
            "functions": [_with_code(spec, out) for spec in specs],
        }
    (out / "functions.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    (out / "app.py").write_text(APP.format(package=PACKAGE), encoding="utf-8")
    (out / "cdk.json").write_text(json.dumps({"app": "python app.py"}, indent=2) + "\n", encoding="utf-8")
    pins = "".join(f"{name}=={version(name)}\n" for name in ("aws-cdk-lib", "constructs"))
    (out / "requirements.txt").write_text(pins, encoding="utf-8")
    readme = README.format(project=project.name, cli=VERSION, package=PACKAGE)
    (out / "README.md").write_text(readme, encoding="utf-8")
    return sorted(path for path in out.rglob("*") if path.is_file())


def _spec(project: Project, aws: Aws, prepared: Prepared) -> FunctionSpec:
    """What is deployed: an image is named by the digest of the one that was pushed."""
    function = stack_name(project.name, prepared.config.name)
    digest = NOT_PUSHED if prepared.bundle.package_type == "zip" else deployed_image(aws, function)
    limit = concurrency_limits(aws, project.name, [prepared.config])[prepared.config.name].reserved
    live = live_version(aws, function)
    return make_spec(project, aws, prepared, live_version=live, concurrency=limit, digest=digest)


def _write_constructs(folder: Path) -> None:
    folder.mkdir(parents=True)
    sources = {path.stem: path.read_text(encoding="utf-8") for path in CONSTRUCTS.glob("*.py")}
    modules = {
        "model": model_module,
        "settings": settings_module,
        "names": names_module,
        "text": text_module,
        "cost": cost_module,
        "location": location_module,
        "digest": digest_module,
        "env_names": env_names_module,
        "lambda_function": lambda_function_module,
        "lambda_limits": lambda_limits_module,
        "output_location": output_location_module,
        "errors": errors_module,
    }
    sources |= {name: Path(str(module.__file__)).read_text(encoding="utf-8") for name, module in modules.items()}
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(IMPORT.sub(_own_import, source), encoding="utf-8")


def _own_import(match: re.Match[str]) -> str:
    module = match[2]
    own = module.rpartition(".")[2] if module.startswith("spacy_lambda.deploy.cdk.") else MODULES[module]
    return f"{match[1]}from .{own} import"


def _with_code(spec: FunctionSpec, out: Path) -> dict[str, Any]:
    """A spec in plain values; its zip is copied."""
    plain = _plain(spec)
    if isinstance(spec.code, ZipCode):
        own = Path("code", f"{spec.name}.zip")
        (out / own).parent.mkdir(exist_ok=True)
        shutil.copyfile(spec.code.path, out / own)
        plain["code"] = {"path": str(own)}
    return plain


def _plain(spec: FunctionSpec | SharedSpec) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(spec), default=str)))
