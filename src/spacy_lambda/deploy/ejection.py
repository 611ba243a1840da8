"""Write the CDK app as files that the user owns, and that do not need spacy-lambda.

The constructs are the ones that ``deploy`` uses. :mod:`spacy_lambda.cdk` imports, by relative imports, itself and a few
modules of :mod:`spacy_lambda.core` that import nothing of spacy-lambda, so that all of them are copied as they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from spacy_lambda import cdk, core
from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, SharedSpec, ZipCode
from spacy_lambda.cdk.spec_file import write_specs
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.cdk_cli import NPM_PACKAGE
from spacy_lambda.deploy.concurrency import ConcurrencyLimit, concurrency_limits
from spacy_lambda.deploy.planning import make_spec, shared_spec
from spacy_lambda.deploy.preparation import Prepared, prepare
from spacy_lambda.deploy.versions import deployed_image, live_before, live_version
from spacy_lambda.errors import DeployError

__all__ = ["check_folder", "eject", "write_app"]

PACKAGE = "ner_app"
"""Package with the copies of :mod:`spacy_lambda.cdk` and of the modules of :mod:`spacy_lambda.core` that it imports."""

CODE = "code"
"""Folder of the zips."""

CORE_MODULES = ("__init__", "env_names", "lambda_function", "lambda_limits", "metric_names", "output_location")

APP = f'''"""The CDK app: ``cdk deploy --all``. ``functions.json`` is what it deploys."""

from __future__ import annotations

from pathlib import Path

from {PACKAGE}.cdk.app import make_app
from {PACKAGE}.cdk.spec_file import read_specs

HERE = Path(__file__).parent

functions, shared = read_specs(HERE / "functions.json")
make_app(functions, shared, HERE / "cdk.out").synth()
'''

README = """# The CDK app of {project}

```console
$ pip install -r requirements.txt
$ npx {cdk} diff
$ npx {cdk} deploy --all
```

- `functions.json`: the functions and their configuration. `live_version` is the published version of the alias `live`:
  deploy once to publish, test the new version (the stack's output `Version`), then write its number here, put the
  former one first in `live_before`, from which `spacy-lambda rollback` chooses, and deploy again. Without
  `live_version` there is no alias, and no URL. `connected` lists the event sources that invoke it; `null` stands for
  all of `sources`.
- `code/`: the zips. `spacy-lambda bundle` makes new ones; images are pushed by `spacy-lambda image push`.
- `{package}/`: the constructs, yours to change.
"""


def eject(
    project: Project,
    functions: Sequence[FunctionConfig],
    out: Path,
    *,
    aws: AwsAccount,
    force: bool = False,
    on_step: OnStep = no_progress,
) -> list[Path]:
    """Write the app; its stacks have the names of the deployed ones, so that it takes them over.

    :param project: The project.
    :param functions: Those of its functions that the app has.
    :param out: The folder.
    :param aws: The account and the region.
    :param force: Replace the app that an earlier call wrote into the folder.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :returns: The files.
    :raises DeployError: If the folder is not empty, or an image was not pushed yet.
    """
    check_folder(out, force=force)
    limits = concurrency_limits(aws, project.name, functions)
    with ExitStack() as stack:
        prepared = [
            stack.enter_context(prepare(project, one, aws=aws, build_images=False, check=False, on_step=on_step))
            for one in functions
        ]
        specs = [_spec(project, one, aws=aws, limit=limits[one.config.name]) for one in prepared]
        for name in (PACKAGE, CODE):
            shutil.rmtree(out / name, ignore_errors=True)
        write_app(out, [_with_copied_zip(spec, out) for spec in specs], shared_spec(project, aws))
    (out / "cdk.json").write_text(json.dumps({"app": "python app.py"}, indent=2) + "\n", encoding="utf-8")
    pins = "".join(f"{name}=={version(name)}\n" for name in ("aws-cdk-lib", "constructs"))
    (out / "requirements.txt").write_text(pins, encoding="utf-8")
    readme = README.format(project=project.name, cdk=NPM_PACKAGE, package=PACKAGE)
    (out / "README.md").write_text(readme, encoding="utf-8")
    return sorted(path for path in out.rglob("*") if path.is_file())


def check_folder(out: Path, *, force: bool) -> None:
    """Refuse a folder that is not empty, unless it is an app that is to be replaced.

    :raises DeployError: If it is refused.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise DeployError(
            f"{out} is not empty" if out.is_dir() else f"{out} exists",
            remedy="choose another folder with --out, or replace the app in it with --force; nothing was written",
        )
    if not (out / PACKAGE).is_dir() or not (out / "cdk.json").is_file():
        raise DeployError(
            f"{out} is not an app that `spacy-lambda eject` wrote, so --force does not replace it",
            remedy="choose another folder with --out; nothing was written",
        )


def _spec(project: Project, prepared: Prepared, *, aws: AwsAccount, limit: ConcurrencyLimit) -> FunctionSpec:
    """Return the spec of a function with the image that is deployed, and its live version."""
    function = stack_name(project.name, prepared.config.name)
    code: ZipCode | ImageCode = ZipCode(prepared.bundle.path)
    if prepared.bundle.package_type == "image":
        code = ImageCode(deployed_image(aws, function), efs=prepared.config.shape == "image-efs")
    live = live_version(aws, function)
    before = live_before(aws, function) if live else ()
    return make_spec(project, prepared, aws=aws, code=code, limit=limit, live_version=live, before=before)


def write_app(out: Path, functions: Sequence[FunctionSpec], shared: SharedSpec) -> None:
    """Write the app itself: the constructs, ``app.py`` and ``functions.json``."""
    package = out / PACKAGE
    shutil.copytree(Path(cdk.__file__).parent, package / "cdk", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "core").mkdir()
    for name in CORE_MODULES:
        shutil.copyfile(Path(core.__file__).with_name(f"{name}.py"), package / "core" / f"{name}.py")
    (package / "__init__.py").write_text('"""Constructs of functions that predict entities."""\n', encoding="utf-8")
    (out / "app.py").write_text(APP, encoding="utf-8")
    write_specs(out / "functions.json", functions, shared)


def _with_copied_zip(spec: FunctionSpec, out: Path) -> FunctionSpec:
    """Copy a function's zip into the app."""
    if not isinstance(spec.code, ZipCode):
        return spec
    copied = Path(CODE, f"{spec.name}.zip")
    (out / copied).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(spec.code.path, out / copied)
    return replace(spec, code=ZipCode(copied))
