"""Container engines, by their command lines: docker, podman, buildah and finch."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from spacy_lambda.bundler.target import Target
from spacy_lambda.core.files import ARCHIVE_TIME
from spacy_lambda.core.loopback import is_loopback
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import BundleError

__all__ = [
    "ENGINES",
    "PLATFORMS",
    "ContainerEngine",
    "ImageConfig",
    "find_engine",
    "has_local_registry",
    "require_known",
]

PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""Lambda's architectures, as container engines call them."""

NO_ATTESTATIONS = ("--provenance=false", "--sbom=false")
"""BuildKit's attestations turn the image into an index, which Lambda refuses."""

TIMESTAMP_OPTIONS = (f"--timestamp={ARCHIVE_TIME}",)


@dataclass(frozen=True)
class ImageConfig:
    """The configuration with which an image runs.

    :param entrypoint: The program.
    :param arguments: Its arguments: the handler.
    :param variables: Its environment.
    :param folder: Its working directory.
    :param user: Its user; empty for root.
    :param labels: Its labels.
    """

    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    folder: str
    user: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class ContainerEngine:
    """One engine.

    :param name: The program.
    :param build: Arguments for building, without attestations and with fixed dates.
    :param ready: Arguments that succeed if it can work: some engines are only the client of a service.
    :param insecure: Arguments for a registry on this machine, which has no certificate.
    """

    name: str
    build: tuple[str, ...]
    ready: tuple[str, ...]
    insecure: tuple[str, ...] = ()

    def build_image(self, context: Path, tag: str, target: Target) -> str:
        """Build an image for the target's platform.

        :returns: The image's id: ``sha256:`` of its configuration.
        :raises BundleError: If that fails.
        """
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            file = Path(scratch, "id")
            words = (*self.build, "--platform", PLATFORMS[target.arch], "--iidfile", str(file), "--tag", tag)
            self.call(*words, str(context))
            return f"sha256:{file.read_text(encoding='ascii').strip().removeprefix('sha256:')}"

    def push_image(self, image: str, destination: str) -> str:
        """Push an image.

        :param image: Its id.
        :param destination: ``REGISTRY/NAME:TAG``
        :returns: The manifest's digest, ``sha256:...``, as the registry has it.
        :raises BundleError: If that fails.
        """
        insecure = self.insecure if has_local_registry(destination) else ()
        if self.name in ("buildah", "podman"):
            with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
                file = Path(scratch, "digest")
                self.call("push", *insecure, "--digestfile", str(file), image, f"docker://{destination}")
                return file.read_text(encoding="ascii").strip()
        self.call("tag", image, destination)
        self.call("push", *insecure, destination)
        name = destination.rpartition(":")[0]
        digests = self.inspect(destination).get("RepoDigests") or []
        found = [str(digest).partition("@")[2] for digest in digests if str(digest).startswith(f"{name}@")]
        if not found:
            raise BundleError(
                f"{self.name} pushed {destination} but does not report its digest", remedy="push it with another engine"
            )
        return found[0]

    def pull_image(self, reference: str) -> None:
        """Pull an image from a registry, if the engine does not have it.

        :raises BundleError: If that fails.
        """
        insecure = self.insecure if has_local_registry(reference) else ()
        self.call("pull", *insecure, reference)

    def read_config(self, reference: str) -> ImageConfig:
        """Return the configuration of an image in the engine.

        :raises BundleError: If the engine does not have it.
        """
        config: dict[str, Any] = self.inspect(reference)["Config"]
        return ImageConfig(
            entrypoint=tuple(config.get("Entrypoint") or ()),
            arguments=tuple(config.get("Cmd") or ()),
            variables=dict(pair.split("=", 1) for pair in config.get("Env") or ()),
            folder=config.get("WorkingDir") or "/",
            user=config.get("User") or "",
            labels=config.get("Labels") or {},
        )

    def login(self, registry: str, user: str, password: str) -> None:
        """Log in; the password goes through a pipe, because process lists show arguments.

        :raises BundleError: If the registry refuses.
        """
        self.call("login", "--username", user, "--password-stdin", registry, stdin=password)

    def inspect(self, reference: str) -> dict[str, Any]:
        """Return the engine's description of an image, in docker's format."""
        if self.name == "buildah":
            found = parse_json(self.call("inspect", "--type", "image", reference))
            docker: dict[str, Any] = found["Docker"]
            return {"Config": docker["config"]}
        found = parse_json(self.call("image", "inspect", reference))
        image: dict[str, Any] = found[0]
        return image

    def call(self, *words: str, stdin: str | None = None) -> str:
        """Run the program.

        :returns: Its standard output.
        :raises BundleError: If it fails, with the end of its error output.
        """
        environ = {**os.environ, "SOURCE_DATE_EPOCH": str(ARCHIVE_TIME)}
        command = [self.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, input=stdin or "", env=environ)
        if done.returncode:
            raise BundleError(
                f"{self.name} {words[0]} failed: {(done.stderr or done.stdout).strip()[-1000:]}",
                remedy=f"correct what it reports, or choose another engine: --engine {' or '.join(sorted(ENGINES))}",
            )
        return done.stdout


ENGINES = {
    engine.name: engine
    for engine in (
        ContainerEngine("docker", ("buildx", "build", *NO_ATTESTATIONS, "--load"), ready=("version",)),
        ContainerEngine("podman", ("build", *TIMESTAMP_OPTIONS), ready=("info",), insecure=("--tls-verify=false",)),
        ContainerEngine("finch", ("build", *NO_ATTESTATIONS), ready=("info",), insecure=("--insecure-registry",)),
        ContainerEngine("buildah", ("build", *TIMESTAMP_OPTIONS), ready=("info",), insecure=("--tls-verify=false",)),
    )
}
"""In the order of preference."""


def require_known(wanted: str | None) -> None:
    """Refuse an unknown engine.

    :raises BundleError: If it is unknown.
    """
    if wanted is not None and wanted not in ENGINES:
        raise BundleError(f"unknown engine {wanted!r}", remedy=f"choose {', '.join(ENGINES)}")


def find_engine(wanted: str | None = None) -> ContainerEngine:
    """Return the requested engine, or the first one that is installed and works.

    :raises BundleError: If none does.
    """
    require_known(wanted)
    names: Sequence[str] = [wanted] if wanted is not None else list(ENGINES)
    for name in names:
        if shutil.which(name) is not None and _is_ready(ENGINES[name]):
            return ENGINES[name]
    raise BundleError(
        f"no engine that builds images is installed and running; looked for {', '.join(names)}",
        remedy="install one and start it (Debian: apt-get install buildah), or --engine none for the Dockerfile alone",
    )


def has_local_registry(reference: str) -> bool:
    """Return whether an image's registry is on this machine."""
    return is_loopback(urlsplit(f"//{reference}").hostname or "")


def _is_ready(engine: ContainerEngine) -> bool:
    try:
        done = subprocess.run([engine.name, *engine.ready], capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
