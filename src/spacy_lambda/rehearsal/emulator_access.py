"""Access to an emulator: its address and keys, as environment variables, and as a file for other commands."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import string
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from spacy_lambda.core.files import read_file
from spacy_lambda.core.strict_json import parse_json

__all__ = [
    "PROOF_PREFIX",
    "Access",
    "access_file",
    "kept_access",
    "new_access",
    "proof_of",
    "read_access",
    "using",
]

FILE = "rehearsal.json"
MAX_BYTES = 10_000
AWS_PREFIX = "AWS_"
ACCOUNT = "MOTO_ACCOUNT_ID"
PROXY_EXCEPTIONS = ("NO_PROXY", "no_proxy")
LOOPBACK = "localhost,127.0.0.1"
PROOF_PREFIX = "/-/proof/"
"""Path of the proofs on the emulator's port; no bucket has this name."""

CHALLENGE = re.compile(rf"{PROOF_PREFIX}(?P<challenge>[0-9a-f]{{32}})")
PROOF_SECONDS = 5
DIGEST_CHARACTERS = 64
KEY_CHARACTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Access:
    """Everything that a client of an emulator needs.

    :param endpoint: URL of all of its APIs.
    :param account: The account that it emulates.
    :param region: The region of a project.
    :param access_key: Id of the only key that it accepts.
    :param secret_key: That key's secret, which clients require.
    """

    endpoint: str
    account: str
    region: str
    access_key: str
    secret_key: str

    def variables(self) -> dict[str, str]:
        """Return the environment variables with which every client finds the emulator, and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            ACCOUNT: self.account,
            **{name: ",".join(filter(None, (os.environ.get(name), LOOPBACK))) for name in PROXY_EXCEPTIONS},
        }


def new_access(port: int, *, account: str, region: str) -> Access:
    """Return the access to a new emulator, with a key that nobody else knows.

    :param port: Its port. CloudFormation's emulation reads templates from the host ``localhost`` only.
    """
    key = "AKIA" + "".join(secrets.choice(KEY_CHARACTERS) for _ in range(16))
    return Access(f"http://localhost:{port}", account, region, key, secrets.token_hex(20))


@contextmanager
def using(access: Access) -> Iterator[None]:
    """Replace AWS by the emulator for this process and its children; all variables of AWS are restored at the end."""
    import boto3

    variables = access.variables()
    changed = {*variables, *(name for name in os.environ if name.startswith(AWS_PREFIX))}
    before = {name: os.environ.pop(name) for name in changed if name in os.environ}
    session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, None
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in changed:
            os.environ.pop(name, None)
        os.environ.update(before)
        boto3.DEFAULT_SESSION = session


@contextmanager
def access_file(folder: Path, access: Access) -> Iterator[None]:
    """Write the access for other commands, readable for this user alone, as long as the emulator is kept.

    :param folder: The project's folder for files that can be removed at any time.
    """
    path = folder / FILE
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(access), file)
    try:
        yield
    finally:
        if read_access(folder) == access:  # not another one's, if the folder was removed and made again
            path.unlink(missing_ok=True)


def read_access(folder: Path) -> Access | None:
    """Return the access that was written; ``None`` if no emulator is kept."""
    try:
        access = Access(**parse_json(read_file(folder / FILE, limit=MAX_BYTES)))
    except (OSError, ValueError, TypeError):
        return None
    return access if all(isinstance(value, str) for value in asdict(access).values()) else None


def kept_access(folder: Path) -> Access | None:
    """Return the access to the emulator that is kept and answers; ``None`` if there is none.

    A file may have stayed when its emulator was killed, and its port may be another program's: that gets a challenge,
    and nothing that is signed with the key.

    :param folder: The project's folder for files that can be removed at any time.
    """
    access = read_access(folder)
    return access if access is not None and _answers(access) else None


def proof_of(access: Access, path: str) -> str | None:
    """Return an emulator's answer to a challenge, which its secret key alone makes; ``None`` if it is not one.

    :param path: The path of the request.
    """
    match = CHALLENGE.fullmatch(path)
    if match is None:
        return None
    return hmac.new(access.secret_key.encode(), match["challenge"].encode(), hashlib.sha256).hexdigest()


def _answers(access: Access) -> bool:
    """Return whether the emulator of this access listens, and not another program on its port."""
    path = PROOF_PREFIX + secrets.token_hex(16)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(access.endpoint).port, timeout=PROOF_SECONDS)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse().read(DIGEST_CHARACTERS + 1)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return hmac.compare_digest(answer, str(proof_of(access, path)).encode())
