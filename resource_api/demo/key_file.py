"""The file that keeps the issuer's key and its client, so that a restart breaks no token."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from resource_api.demo.keys import SigningKey
from resource_api.demo.registrations import Client

FILE = Path("issuer", "keys.json")
"""Where it lies within the data folder. The folder of its own can be 0700 whatever the other is."""

MAX_BYTES = 64 * 1024
"""Twenty times the real size; the limit keeps a wrong file from being read into memory."""


class KeyFileError(Exception):
    """The key file cannot be used; the message names the file and what to do."""


class KeyFileMissing(KeyFileError):
    """There is no key file yet: no demo has been started with this data folder."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file holds."""

    key: SigningKey
    client: Client


def kept(data: Path) -> KeyFile:
    """Return what the key file under the data folder holds, making it the first time.

    Raises KeyFileError.
    """
    try:
        return loaded(data)
    except KeyFileMissing:
        made = KeyFile(SigningKey.generated(), Client.generated())
        _write(data / FILE, made)
        return made


def loaded(data: Path) -> KeyFile:
    """Return what the key file under the data folder holds.

    Raises KeyFileMissing where there is none, and KeyFileError for one that is damaged or that
    other users of the machine can read.
    """
    path = data / FILE
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileMissing(f"There is no key file {path}") from None
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise KeyFileError(
            f"The key file {path} is open to other users of this machine. "
            f"Delete it to get new keys, or, if nobody can have read it: chmod 600 {path}"
        )
    try:
        return _parsed(text)
    except ValueError as error:
        raise KeyFileError(
            f"The key file {path} is damaged: {error}. Restore it, or delete it to get new keys "
            "(tokens issued so far stop working)"
        ) from None


def _parsed(text: bytes) -> KeyFile:
    if len(text) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        # json.JSONDecodeError carries the whole document.
        raise ValueError("it is not JSON") from None
    key = _member(content, "signing_key")
    client = _member(content, "client")
    client_id, client_secret = client.get("client_id"), client.get("client_secret")
    if not (isinstance(client_id, str) and isinstance(client_secret, str)):
        raise ValueError("the client has no client_id or no client_secret")
    if not (client_id and client_secret):
        raise ValueError("the client's client_id or client_secret is empty")
    return KeyFile(SigningKey.from_private_jwk(key), Client(client_id, client_secret))


def _member(content: object, name: str) -> dict[str, object]:
    member = cast("dict[str, object]", content).get(name) if isinstance(content, dict) else None
    if not isinstance(member, dict):
        raise ValueError(f"it is not a JSON object with an object {name!r}")
    return cast("dict[str, object]", member)


def _write(path: Path, content: KeyFile) -> None:
    """Put the file in place whole or not at all, also on power loss."""
    document = {
        "signing_key": content.key.private_jwk(),
        "client": {
            "client_id": content.client.client_id,
            "client_secret": content.client.client_secret,
        },
    }
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.chmod(0o700)
        # Created with its final mode: there is no moment at which others could open it.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be written: {error.strerror}") from None
