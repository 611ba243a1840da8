"""An image -> the program that runs it: as a user other than root, on a read-only root.

docker, podman and finch run the image themselves. buildah only stores images: the root is mounted, and a shell makes it
the root of a process in a separate mount namespace. This requires root's privileges, which are dropped after that.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spacy_lambda.bundler.image.context import PYTHON_LABEL
from spacy_lambda.bundler.image.engines import ContainerEngine, ImageConfig
from spacy_lambda.core.env_names import TASK_ROOT_VARIABLE
from spacy_lambda.core.lambda_limits import OPEN_FILES
from spacy_lambda.core.vcpus import vcpus
from spacy_lambda.errors import BundleError
from spacy_lambda.local.settings import Command, FunctionSettings, ImageLimits, Program

__all__ = ["image_program"]

LAMBDA_USER = "993:990"
"""The user as which Lambda runs a function; the image's USER has no effect."""

ENTER_ROOT = """
mount --rbind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t tmpfs -o "$4" tmpfs "$1/tmp" &&
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && root="$1" user="$2" folder="$3" && shift 4 &&
exec chroot --groups= --userspec="$user" "$root" /usr/bin/env -C "$folder" "$@"
"""
"""The shell script in the new namespace; its arguments are the root, the user, the folder, the options of ``/tmp`` and
the command."""


DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMITING_CPUS = ("docker", "finch")
"""Engines that limit the CPUs of every container; podman can for root and where the system delegates them."""

MakeCommand = Callable[[FunctionSettings | None], Command]
"""Returns the command with the limits of settings, or without any."""


@contextmanager
def image_program(engine: ContainerEngine, image: str) -> Iterator[tuple[Program, str]]:
    """Prepare an image; its containers are removed at the end.

    :param image: Its id or its name; it is pulled from its registry if it is missing.
    :returns: The program, and the image's handler.
    :raises BundleError: If there is no such image, or it cannot be run here.
    """
    if not image.startswith("sha256:"):
        engine.pull_image(image)
    config = engine.read_config(image)
    if not config.arguments:
        raise BundleError(f"{image} has no handler (CMD)", remedy="make it with `spacy-lambda bundle --shape image`")
    with (_mounted if engine.name == "buildah" else _contained)(engine, image, config) as make_command:
        yield (
            Program(
                command=make_command(None),
                folder=Path("/"),
                task_root=Path(config.variables.get(TASK_ROOT_VARIABLE, config.folder)),
                runtime_dir=Path(config.variables.get("LAMBDA_RUNTIME_DIR", "/var/runtime")),
                python=config.labels.get(PYTHON_LABEL, ""),
                about=f"{image}, by {engine.name}, as user {_user(config)}, on a root that is read-only",
                variables={"PATH": DEFAULT_PATH, **config.variables},
                limits=lambda settings: _limits(engine, make_command, settings),
            ),
            config.arguments[0],
        )


def _limits(engine: ContainerEngine, make_command: MakeCommand, settings: FunctionSettings) -> ImageLimits:
    missing = []
    if engine.name == "buildah":
        if settings.mounts:
            missing.append("folders to mount are not visible in an image that buildah has mounted")
        return ImageLimits(command=make_command(settings), missing=tuple(missing))
    missing.append(f"the memory of a container is limited, but not measured: Max Memory Used is {engine.name}'s own")
    if engine.name not in LIMITING_CPUS:
        missing.append(f"CPUs are not limited: {engine.name} cannot limit them for every user")
    return ImageLimits(command=make_command(settings), missing=tuple(missing), contained=True)


def _tmp_options(settings: FunctionSettings | None) -> str:
    """Return the options of ``/tmp``, from which programs can be run, as in Lambda."""
    size = "" if settings is None else f",size={settings.storage_mb}m"
    return f"rw,exec,nosuid,nodev,mode=1777{size}"


def _container_limits(engine: str, settings: FunctionSettings) -> Iterator[str]:
    memory = f"{settings.memory_mb}m"
    yield from ("--memory", memory, "--memory-swap", memory, "--ulimit", f"nofile={OPEN_FILES}:{OPEN_FILES}")
    if engine in LIMITING_CPUS:
        yield from ("--cpus", f"{min(vcpus(settings.memory_mb), os.cpu_count() or 1):.2f}")
    for folder in settings.mounts:
        yield from ("--volume", f"{folder.resolve()}:{folder.resolve()}")


@contextmanager
def _contained(engine: ContainerEngine, image: str, config: ImageConfig) -> Iterator[MakeCommand]:
    """Run each environment in a separate container."""
    label = f"spacy-lambda={uuid.uuid4().hex}"

    def make_command(settings: FunctionSettings | None) -> Command:
        limits = () if settings is None else tuple(_container_limits(engine.name, settings))
        tmp = ("--tmpfs", f"/tmp:{_tmp_options(settings)}")
        words = (engine.name, "run", "--rm", "--interactive", "--read-only", *tmp, *limits, "--network", "host")

        def command(names: Collection[str]) -> Sequence[str]:
            passed = (word for name in sorted({*names} - {"PATH"}) for word in ("--env", name))
            return (*words, "--user", _user(config), "--label", label, *passed, image)

        return command

    try:
        yield make_command
    finally:
        # A container keeps running when its command line was killed.
        left = engine.call("ps", "--quiet", "--filter", f"label={label}").split()
        if left:
            engine.call("kill", *left)


@contextmanager
def _mounted(engine: ContainerEngine, image: str, config: ImageConfig) -> Iterator[MakeCommand]:
    """Run on the mounted root of the image."""
    if os.geteuid() != 0:
        raise BundleError(
            "buildah does not run images, and mounting one requires root's privileges",
            remedy="run this as root, or with docker, podman or finch (--engine)",
        )
    container = engine.call("from", image).strip()
    try:
        root = engine.call("mount", container).strip()
        enter = ("unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER_ROOT, "sh", root)

        def make_command(settings: FunctionSettings | None) -> Command:
            words = (*enter, _user(config), config.folder, _tmp_options(settings), *config.entrypoint)
            return lambda names: words

        yield make_command
    finally:
        engine.call("rm", container)


def _user(config: ImageConfig) -> str:
    """Return the image's user, or Lambda's if it is root."""
    return config.user if config.user.partition(":")[0] not in ("", "0", "root") else LAMBDA_USER
