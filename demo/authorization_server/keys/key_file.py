"""The file that keeps the keys and the generated client secrets: a restart breaks no token.

It holds nothing that the operator wrote: the secrets that stand in the registrations are not in it.
"""

import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

from demo.authorization_server.keys.signing_key import RetiredKey, SigningKey, SigningKeys
from resource_api.private_files import private_folder

FOLDER = "authorization-server"
"""Within the data folder. A folder of its own can be 0700 whatever the other is."""

FILE = Path(FOLDER, "keys.json")

MAX_BYTES = 1024 * 1024
"""More than the largest registrations can bring about; it keeps a wrong file out of memory."""


class KeyFileError(Exception):
    """The key file cannot be used; the message names the file and what to do."""


class KeyFileMissing(KeyFileError):
    """There is no key file yet: no server has been started with this data folder."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file holds.

    Arguments:
        client_secrets: the generated ones, by client id.
    """

    keys: SigningKeys
    client_secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Content:
    current: SigningKey
    retired: tuple[RetiredKey, ...] = ()
    client_secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def kept(data: Path, client_ids: Collection[str]) -> KeyFile:
    """Return what the key file under the data folder holds, making what it has not yet.

    Arguments:
        client_ids: the clients that need a generated secret. Those of others are forgotten.

    Raises KeyFileError.
    """
    path = data / FILE
    try:
        found = _read(path)
        changed = set(client_ids) != set(found.client_secrets)
    except KeyFileMissing:
        found, changed = _Content(SigningKey.generated()), True
    client_secrets = {
        client_id: found.client_secrets.get(client_id) or secrets.token_urlsafe(32)
        for client_id in client_ids
    }
    if changed:
        _write(path, _Content(found.current, found.retired, client_secrets))
    return _key_file(path, _Content(found.current, found.retired, client_secrets))


def loaded(data: Path) -> KeyFile:
    """Return what the key file under the data folder holds.

    Raises KeyFileMissing where there is none, and KeyFileError for one that is damaged or that
    other users of the machine can read.
    """
    return _key_file(data / FILE, _read(data / FILE))


def _key_file(path: Path, content: _Content) -> KeyFile:
    def save(current: SigningKey, retired: tuple[RetiredKey, ...]) -> None:
        _write(path, _Content(current, retired, content.client_secrets))

    return KeyFile(
        SigningKeys(content.current, content.retired, save=save),
        MappingProxyType(dict(content.client_secrets)),
    )


def _read(path: Path) -> _Content:
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


def _parsed(text: bytes) -> _Content:
    if len(text) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        # json.JSONDecodeError carries the whole document.
        raise ValueError("it is not JSON") from None
    document = _object(content, "it")
    client_secrets = _object(document.get("client_secrets"), "client_secrets")
    if not all(isinstance(secret, str) and secret for secret in client_secrets.values()):
        raise ValueError("a client's secret is empty or no string")
    retired = document.get("retired_keys")
    if not isinstance(retired, list):
        raise ValueError("retired_keys is not a list")
    return _Content(
        SigningKey.from_private_jwk(_object(document.get("signing_key"), "signing_key")),
        tuple(_retired(member) for member in cast("list[object]", retired)),
        cast("dict[str, str]", client_secrets),
    )


def _retired(member: object) -> RetiredKey:
    entry = _object(member, "a retired key")
    until = entry.get("until")
    if isinstance(until, bool) or not isinstance(until, int):
        raise ValueError("a retired key's until is not a whole number")
    return RetiredKey.from_public_jwk(_object(entry.get("key"), "a retired key's key"), until)


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not a JSON object")
    return cast("dict[str, object]", value)


def _write(path: Path, content: _Content) -> None:
    """Put the file in place whole or not at all, also on power loss."""
    document = {
        "signing_key": content.current.private_jwk(),
        "retired_keys": [{"until": k.until, "key": k.public_jwk()} for k in content.retired],
        "client_secrets": dict(content.client_secrets),
    }
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        private_folder(path.parent)
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
