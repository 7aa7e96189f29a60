"""The key file: stores the keys and the generated client secrets, so that tokens survive a restart.

Client secrets from the registrations file are not in it.
"""

import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

from demo.authorization_server.keys.signing_keys import RetiredKey, SigningKey, SigningKeys
from resource_api.private_files import private_folder

FOLDER = "authorization-server"
"""In the data folder. A folder of its own can have the mode 0700 in any data folder."""

FILE = Path(FOLDER, "keys.json")

MAX_BYTES = 1024 * 1024
"""More than the largest registrations need. The limit keeps a wrong file out of memory."""


class KeyFileError(Exception):
    """The key file cannot be used; the message names the file and what to do."""


class KeyFileMissing(KeyFileError):
    """There is no key file: no server has been started with this data folder."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The content of the file.

    Arguments:
        client_secrets: the generated secrets, by client id.
    """

    keys: SigningKeys
    client_secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Content:
    current: SigningKey
    retired: tuple[RetiredKey, ...] = ()
    client_secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def load_or_create(data: Path, client_ids: Collection[str]) -> KeyFile:
    """Return the content of the key file in the data folder; create what is missing.

    Arguments:
        client_ids: the clients that need a generated secret. Secrets of others are deleted.

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


def load(data: Path) -> KeyFile:
    """Return the content of the key file in the data folder.

    Raises KeyFileMissing if there is no file, KeyFileError if it is damaged or other users of this
    machine can read it.
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
            f"Other users of this machine can read the key file {path}. Delete it to get new keys. "
            f"If you are sure that no other user has read it, run: chmod 600 {path}"
        )
    try:
        return _parsed(text)
    except ValueError as error:
        raise KeyFileError(
            f"The key file {path} is damaged: {error}. Restore it, or delete it to get new keys "
            "(all tokens issued so far become invalid)"
        ) from None


def _parsed(text: bytes) -> _Content:
    if len(text) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        # The JSONDecodeError would quote the whole document.
        raise ValueError("it is not JSON") from None
    document = _object(content, "it")
    client_secrets = _object(document.get("client_secrets"), "client_secrets")
    if not all(isinstance(secret, str) and secret for secret in client_secrets.values()):
        raise ValueError("a client secret is empty or not a string")
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
        raise ValueError("until of a retired key is not a whole number")
    return RetiredKey.from_public_jwk(_object(entry.get("key"), "key of a retired key"), until)


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not a JSON object")
    return cast("dict[str, object]", value)


def _write(path: Path, content: _Content) -> None:
    """Replace the file as a whole, so that even a power failure leaves the old or the new one."""
    document = {
        "signing_key": content.current.private_jwk(),
        "retired_keys": [{"until": k.until, "key": k.public_jwk()} for k in content.retired],
        "client_secrets": dict(content.client_secrets),
    }
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        private_folder(path.parent)
        path.parent.chmod(0o700)
        # Created with its final mode, so that other users can never open it.
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
