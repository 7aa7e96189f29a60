"""Reads the registrations file, and reports all its faults at once."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from demo.authorization_server.registrations.claims import accepted_claims
from demo.authorization_server.registrations.model import Api, Client, Registrations, User
from demo.authorization_server.registrations.values import MAX_LIFETIME

SHIPPED = Path(__file__).with_name("registrations.toml")
"""The registrations that the demo uses by default."""

WEB_APPLICATION = "{web_application}"
"""Placeholder at the start of a redirect URI for the address of the demo's web application."""

MAX_BYTES = 256 * 1024
"""Of the file; enough for hundreds of entries."""

_EXPECTED = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is unknown",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a table",
    "greater_than_equal": f"must be from 1 to {MAX_LIFETIME}",
    "less_than_equal": f"must be from 1 to {MAX_LIFETIME}",
}

_KINDS: Mapping[str, str] = MappingProxyType(
    {"api": "identifier", "client": "client_id", "user": "username"}
)
"""The kinds of entries, and the member that identifies an entry of each kind."""

_Entry = TypeVar("_Entry")


class RegistrationsFaults(Exception):
    """All faults of the registrations, a line each; no line contains a secret.

    Arguments:
        faults: each with its place and what is expected there.
    """

    def __init__(self, file: Path, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n  ".join([f"The registrations {file} have {count}:", *faults]))


@dataclass(frozen=True, slots=True)
class RegistrationsFile:
    """The content of the file, without the generated client secrets.

    Arguments:
        without_secret: the ids of the confidential clients that need a generated secret.
    """

    without_secret: frozenset[str]
    _registrations: Registrations = field(repr=False)

    def with_secrets(self, secrets: Mapping[str, str]) -> Registrations:
        """Return the complete registrations.

        Arguments:
            secrets: by client id, for all clients in `without_secret`.

        Raises ValueError if one is missing: its client would become a public one.
        """
        if missing := sorted(client for client in self.without_secret if not secrets.get(client)):
            raise ValueError(f"secrets lacks {', '.join(missing)}")
        clients = {
            client_id: replace(client, client_secret=secrets[client_id])
            if client_id in self.without_secret
            else client
            for client_id, client in self._registrations.clients.items()
        }
        return replace(self._registrations, clients=MappingProxyType(clients))


def read(file: Path, *, web_application: str) -> RegistrationsFile:
    """Return the content of the file.

    Arguments:
        web_application: the address for the placeholder `{web_application}`, with its final slash.

    Raises RegistrationsFaults.
    """
    try:
        document = _document(file)
    except ValueError as error:
        raise RegistrationsFaults(file, [str(error)]) from None
    faults = [
        f"{name}: is unknown; expected [[api]], [[client]] or [[user]]"
        for name in document
        if name not in _KINDS
    ]
    raw = {kind: _tables(kind, document.get(kind, []), faults) for kind in _KINDS}
    for client in raw["client"]:
        for name in ("redirect_uris", "post_logout_redirect_uris"):
            client[name] = _with_address(client.get(name, []), web_application)
    apis = _entries("api", Api, raw["api"], faults)
    clients = _entries("client", Client, raw["client"], faults)
    users = _entries("user", User, raw["user"], faults)
    faults.extend(_faults_between_entries(raw, apis, users))
    if faults:
        raise RegistrationsFaults(file, faults)
    users = [replace(user, claims=accepted_claims(user.username, user.claims)) for user in users]
    return RegistrationsFile(
        frozenset(
            client.client_id
            for client in clients
            if not client.is_public and client.client_secret is None
        ),
        Registrations(
            apis=MappingProxyType({api.identifier: api for api in apis}),
            clients=MappingProxyType({client.client_id: client for client in clients}),
            users=MappingProxyType({user.username: user for user in users}),
        ),
    )


def _document(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"The file cannot be read: {error.strerror}") from None
    if len(text) > MAX_BYTES:
        raise ValueError(f"The file must be at most {MAX_BYTES} bytes")
    try:
        return tomllib.loads(text.decode())
    except UnicodeDecodeError:
        raise ValueError("The file must be UTF-8") from None
    except RecursionError:
        raise ValueError("The file has too many nested lists") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The file must be TOML: {error}") from None


def _tables(kind: str, value: object, faults: list[str]) -> list[dict[str, object]]:
    tables = _list(value)
    found = [cast("dict[str, object]", table) for table in tables if isinstance(table, dict)]
    if not isinstance(value, list) or len(found) < len(tables):
        faults.append(f"{kind}: must be tables, each under [[{kind}]]")
    return found


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _with_address(value: object, web_application: str) -> object:
    """Return a list of redirect URIs with the placeholder replaced; any other value unchanged."""
    if not isinstance(value, list):
        return value
    return [
        web_application + uri.removeprefix(WEB_APPLICATION)
        if isinstance(uri, str) and uri.startswith(WEB_APPLICATION)
        else uri
        for uri in _list(cast("object", value))
    ]


def _entries(
    kind: str, entry: type[_Entry], tables: list[dict[str, object]], faults: list[str]
) -> list[_Entry]:
    adapter = TypeAdapter(entry)
    found: list[_Entry] = []
    for position, table in enumerate(tables, start=1):
        try:
            found.append(adapter.validate_python(table))
        except ValidationError as error:
            place = _place(kind, table.get(_KINDS[kind]), position)
            faults.extend(f"{place}: {_sentence(details)}" for details in error.errors())
    return found


def _place(kind: str, name: object, position: int) -> str:
    return f"{kind} {json.dumps(name) if isinstance(name, str) and name else position}"


def _sentence(details: ErrorDetails) -> str:
    where = ""
    for step in details["loc"]:
        if isinstance(step, int):
            where += f"[{step}]"
        elif step != "[key]":  # pydantic's name for the key of a table
            where += f".{step}" if where else step
    kind = details["type"]
    if kind == "literal_error":
        return f"{where} must be {details.get('ctx', {}).get('expected')}"
    return f"{where} {_EXPECTED.get(kind, details['msg'])}"


def _faults_between_entries(
    raw: Mapping[str, list[dict[str, object]]], apis: Sequence[Api], users: Sequence[User]
) -> Iterator[str]:
    for kind, member in _KINDS.items():
        names = [table.get(member) for table in raw[kind]]
        for name in dict.fromkeys(name for name in names if isinstance(name, str)):
            if names.count(name) > 1:
                yield f"{_place(kind, name, 0)}: {member} is used twice"
    identifiers = [table.get("identifier") for table in raw["api"]]
    for number, client in enumerate(raw["client"], start=1):
        for position, identifier in enumerate(_list(client.get("introspects"))):
            if identifier not in identifiers:
                place = _place("client", client.get("client_id"), number)
                yield f"{place}: introspects[{position}] must be the identifier of an [[api]]"
    claims = {name for user in users for name in user.claims}
    for api in apis:
        for scope in claims.intersection(api.scopes):
            place = _place("api", api.identifier, 0)
            yield f"{place}: scopes.{scope} must not be the name of a user's claim"
