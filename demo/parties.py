"""Builds the three parties of the Hybrid Flow, each with its own address and database file."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import httpx
from starlette.types import ASGIApp

from asgi_bearer import RemoteKeys, remote_keys
from demo.addresses import HOST, Addresses, with_start_page
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.claims import STANDARD_SCOPES
from demo.authorization_server.registrations.model import Api, Registrations
from demo.authorization_server.registrations.scopes import custom_claim_names
from demo.authorization_server.registrations.values import CLIENT_SUFFIX
from demo.authorization_server.state.state import State
from demo.log_names import API, key_observer
from demo.required_registrations import AUDIENCE, COMMAND_LINE, WEB_APPLICATION
from demo.web_application.app import create_web_application
from demo.web_application.session.store import Sessions
from demo.web_application.settings import WebApplicationSettings
from resource_api.app import create_app
from resource_api.contacts.model import ContactFields, Owner
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.database.connect import connect
from resource_api.database.schema import prepare
from resource_api.settings import Settings

GRANT_TYPES_OF_THE_TOKEN_ENDPOINT = ("authorization_code", "refresh_token", "client-credentials")
"""The claim `gty` of every access token that did not pass through the browser."""


_BOB = ContactFields(
    name="Bob Baker", email="bob@example.com", phone="+1 555 0100", note="Knows where the keys are."
)
_CAROL = ContactFields(name="Carol Carter", email="carol@example.com")
_DAVE = ContactFields(name="Dave Dyer", phone="+1 555 0199")
_ALICE = ContactFields(name="Alice Archer", email="alice@example.com", note="Asks good questions.")

FIRST_CONTACTS: Mapping[str, Sequence[ContactFields]] = MappingProxyType(
    {
        "alice": (_BOB, _CAROL, _DAVE),
        "bob": (_ALICE, _CAROL),
        COMMAND_LINE + CLIENT_SUFFIX: (_BOB, _CAROL, _DAVE),
    }
)
"""The contacts of each owner at the first start, by the subject of the owner's tokens."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The three ASGI applications."""

    api: ASGIApp
    authorization_server: ASGIApp
    web_application: ASGIApp


async def prepared_parties(
    addresses: Addresses,
    registrations: Registrations,
    keys: SigningKeys,
    *,
    http: httpx.AsyncClient,
    refuse_front_channel_tokens: bool = False,
    issuer_keys: RemoteKeys | None = None,
    clock: Callable[[], float] = time.time,
) -> Parties:
    """Return the parties, after preparing their databases and adding the first contacts.

    Arguments:
        registrations: already checked by `required_registrations.check`.
        keys: the signing keys of the authorization server.
        http: the HTTP client of the web application.
        issuer_keys: the API's source for the issuer's keys; by default discovery over HTTP.
        clock: returns seconds since the epoch.

    Raises:
        DatabaseUnusable: one of the databases cannot be used.
    """
    # Given here and not read from the environment, which may be that of a deployment.
    settings = Settings(
        issuer=addresses.issuer,
        audience=(AUDIENCE,),
        token_profile=registrations.apis[AUDIENCE].token_profile,
        grant_types=GRANT_TYPES_OF_THE_TOKEN_ENDPOINT if refuse_front_channel_tokens else None,
        database_url=_database_url(addresses, "contacts.sqlite3"),
    )
    contacts = connect(settings.database_url)
    await prepare(contacts)
    store = SqlContactStore(contacts, clock=clock)
    for subject, fields in FIRST_CONTACTS.items():
        owner = Owner(addresses.issuer, subject)
        if not await store.page(owner, limit=1):
            for contact in fields:
                await store.add(owner, contact)
    state = State(
        connect(_database_url(addresses, "authorization-server/state.sqlite3")), clock=clock
    )
    await state.prepare()
    sessions = Sessions(connect(_database_url(addresses, "web-application.sqlite3")), clock=clock)
    await sessions.prepare()
    return Parties(
        api=with_start_page(
            create_app(
                settings,
                keys=issuer_keys
                or remote_keys(issuer=addresses.issuer, observer=key_observer(API)),
                store=store,
                clock=clock,
            ),
            addresses.web_application,
            hosts=[HOST, "localhost"],
        ),
        authorization_server=create_authorization_server(
            issuer=addresses.issuer,
            registrations=registrations,
            keys=keys,
            state=state,
            clock=clock,
        ),
        # Its own address has the host name localhost.
        web_application=with_start_page(
            create_web_application(
                _web_application_settings(addresses, registrations),
                sessions=sessions,
                http=http,
                clock=clock,
            ),
            addresses.web_application,
            hosts=[HOST],
        ),
    )


def _database_url(addresses: Addresses, name: str) -> str:
    return f"sqlite:///{addresses.data / name}"


def _web_application_settings(
    addresses: Addresses, registrations: Registrations
) -> WebApplicationSettings:
    api = registrations.apis[AUDIENCE]
    other = next(
        (one for one in registrations.apis.values() if _has_wrong_audience_only(one, api)), None
    )
    custom = sorted(
        {name for user in registrations.users.values() for name in custom_claim_names(user)}
    )
    return WebApplicationSettings(
        address=addresses.web_application,
        issuer=addresses.issuer,
        client_id=WEB_APPLICATION,
        client_secret=registrations.clients[WEB_APPLICATION].client_secret or "",
        api=addresses.api,
        audience=AUDIENCE,
        scopes=tuple(dict.fromkeys([*STANDARD_SCOPES, *api.scopes, *custom])),
        other_audience=other.identifier if other else "",
        other_scope=next(iter(other.scopes)) if other else "",
    )


def _has_wrong_audience_only(other: Api, api: Api) -> bool:
    """Return whether `api` refuses tokens for `other` only because of their audience.

    With the profile `rfc9068`, an API also refuses the type of other tokens. With the profile
    `jwt`, it accepts both types.
    """
    return (
        other is not api
        and bool(other.scopes)
        and api.token_profile in {"jwt", other.token_profile}
    )
