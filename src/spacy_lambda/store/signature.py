"""Signatures of pipelines, in the format of OpenSSF Model Signing (https://github.com/sigstore/model-transparency).

A signature lists the digest of each file of a pipeline, and is made with an elliptic-curve key. It is verified without
a network, also by ``model_signing verify key``. It proves who published a pipeline; each load verifies the bytes again,
by digests alone.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.pack import left_out
from spacy_lambda.core.files import copy_folder
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.errors import JsonError, SignatureError

__all__ = ["sign_pipeline", "verify_signature"]

MAX_SIGNATURE_BYTES = 8 * 1024 * 1024
MAKE_KEYS = (
    "openssl ecparam -name prime256v1 -genkey -noout -out key.pem && openssl ec -in key.pem -pubout -out key.pub"
)


def sign_pipeline(folder: Path, manifest: Manifest, private_key: Path) -> bytes:
    """Sign the files of a pipeline that its artifact holds.

    :param private_key: An elliptic-curve key (P-256, P-384 or P-521) in PEM form, without a password.
    :returns: The signature, a Sigstore bundle in JSON.
    :raises SignatureError: If the key cannot be used.
    """
    from model_signing import hashing, signing

    _check_key(private_key, "private")
    if any(path.is_symlink() for path in folder.rglob("*")):  # the library signs no links
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            copy_folder(folder, Path(scratch, "pipeline"), ignore=left_out)
            return sign_pipeline(Path(scratch, "pipeline"), manifest, private_key)
    listed = {entry.path for entry in manifest.files}
    others = [
        path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).as_posix() not in listed
    ]
    config = hashing.Config().set_ignored_paths(paths=others, ignore_git_paths=True)
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        signature = Path(scratch, "model.sig")
        try:
            signer = signing.Config().use_elliptic_key_signer(private_key=private_key).set_hashing_config(config)
            signer.sign(folder, signature)
        except Exception as exc:  # the library has no error class
            raise SignatureError(
                f"{private_key} cannot sign: {system_reason(exc).partition('. ')[0]}",
                remedy=f"make a pair of keys: {MAKE_KEYS}",
            ) from exc
        signed = signature.read_bytes()
    problem = _difference(_signed_files(signed), {entry.path: entry.sha256 for entry in manifest.files})
    if problem is not None:
        raise SignatureError(
            f"the signature of {folder} would not be valid: {problem}",
            remedy="push it again when no program writes to it",
        )
    return signed


def verify_signature(folder: Path, manifest: Manifest, signature: bytes | None, public_key: Path, *, name: str) -> None:
    """Check that the holder of a key has signed exactly the files of a folder: no more, no fewer, no others.

    :param manifest: Of the artifact that the folder was unpacked from; its digests have been compared with the files.
    :param signature: The result of :func:`sign_pipeline`; ``None`` if the store has none.
    :param public_key: The key's public half, in PEM form.
    :param name: The pipeline's name in messages.
    :raises SignatureError: If it is not signed, or not by this key, or its files differ.
    """
    from model_signing import verifying

    _check_key(public_key, "public")
    if signature is None:
        raise SignatureError(f"{name} is not signed", remedy="push it with --sign KEY, or do not require a signature")
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        file = Path(scratch, "model.sig")
        file.write_bytes(signature)
        try:
            verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(folder, file)
        except Exception as exc:  # as above
            raise _not_valid(name, public_key, str(exc)) from exc
    # The library compares only the files that the signature claims to cover. It ignores .git and any file that the
    # signature excludes, so that an attacker could add such files.
    problem = _difference(_signed_files(signature), {entry.path: entry.sha256 for entry in manifest.files})
    if problem is not None:
        raise _not_valid(name, public_key, problem)


def _signed_files(signature: bytes) -> dict[str, str] | None:
    """Return the names and digests of the files in a valid signature; ``None`` for an unknown format."""
    try:
        bundle = read_json(signature, name="the signature", max_bytes=MAX_SIGNATURE_BYTES)
        payload = base64.b64decode(bundle["dsseEnvelope"]["payload"], validate=True)
        predicate = read_json(payload, name="its payload", max_bytes=MAX_SIGNATURE_BYTES)["predicate"]
        plain = predicate["serialization"]["method"] == "files" and not predicate["serialization"]["allow_symlinks"]
        resources = predicate["resources"]
        files = {one["name"]: str(one["digest"]) for one in resources if one["algorithm"] == "sha256"}
    except (JsonError, ValueError, KeyError, TypeError):
        return None
    return files if plain and len(files) == len(resources) else None


def _difference(signed: dict[str, str] | None, there: dict[str, str]) -> str | None:
    if signed is None:
        return "it does not list the SHA-256 of each file"
    for path in sorted(signed.keys() ^ there.keys()):
        return f"{path!a} is signed, but missing" if path in signed else f"{path!a} is not covered by it"
    return next((f"{path!a} has other contents" for path in sorted(there) if signed[path] != there[path]), None)


def _not_valid(name: str, public_key: Path, why: str) -> SignatureError:
    return SignatureError(
        f"the signature of {name} is not valid for {public_key}: {why}",
        remedy="do not use it; ask its publisher for the key, or to push it again",
    )


def _check_key(key: Path, kind: str) -> None:
    if not key.is_file():
        state = "is not a file" if key.exists() else "does not exist"
        raise SignatureError(f"the {kind} key {key} {state}", remedy=f"make a pair of keys: {MAKE_KEYS}")
