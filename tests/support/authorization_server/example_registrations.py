"""Registrations, a signing key and a state for the tests of the authorization server.

All of it is fast: the key is generated once, and the password hashes are as cheap as possible.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from demo.authorization_server.keys.signing_keys import SigningKey, SigningKeys
from demo.authorization_server.registrations.model import Api, Client, Registrations, User
from demo.authorization_server.registrations.values import RESPONSE_TYPES
from demo.authorization_server.state.state import State
from resource_api.database.connect import connect

ISSUER = "http://127.0.0.1:9000/"
REDIRECT_URI = "http://localhost:8080/callback"
POST_LOGOUT_REDIRECT_URI = "http://localhost:8080/"
TEAM_CLAIM = "https://contacts.example/team"

CONTACTS = Api(
    identifier="https://api.example/contacts",
    name="Contacts",
    scopes=MappingProxyType(
        {"read:contacts": "Read your contacts", "write:contacts": "Change your contacts"}
    ),
    token_profile="rfc9068",
    allow_offline_access=True,
    token_lifetime=86400,
    front_channel_token_lifetime=7200,
)
CALENDAR = Api(
    identifier="https://api.example/calendar",
    name="Calendar",
    scopes=MappingProxyType({"read:calendar": "Read your calendar"}),
    token_profile="jwt",
    allow_offline_access=False,
    token_lifetime=3600,
    front_channel_token_lifetime=600,
)

CONFIDENTIAL = Client(
    client_id="web-application",
    name="Contact book",
    type="confidential",
    client_secret="a secret:with +%& in it",
    redirect_uris=(REDIRECT_URI,),
    post_logout_redirect_uris=(POST_LOGOUT_REDIRECT_URI,),
    response_types=frozenset(RESPONSE_TYPES),
    grant_types=frozenset(
        {"authorization_code", "implicit", "refresh_token", "client_credentials"}
    ),
)
PUBLIC = Client(
    client_id="single-page",
    name="Contact page",
    type="public",
    redirect_uris=("http://localhost:8081/callback", "com.example.contacts:/callback"),
    response_types=frozenset(RESPONSE_TYPES),
    grant_types=frozenset({"authorization_code", "implicit", "refresh_token"}),
)
COMMAND_LINE = Client(
    client_id="command-line",
    name="Command line",
    type="confidential",
    client_secret="the command line's secret",
    grant_types=frozenset({"client_credentials"}),
)
CONTACTS_API = Client(
    client_id="contacts-api",
    name="Contacts API",
    type="confidential",
    client_secret="the API's secret",
    introspects=frozenset({CONTACTS.identifier}),
)


def cheap_hash(password: str) -> str:
    """Return a very cheap hash in PHC form."""
    argon2 = Argon2id(salt=b"unsalted", length=16, iterations=1, lanes=1, memory_cost=8)
    return argon2.derive_phc_encoded(password.encode())


ALICE_PASSWORD = "correct horse"
BOB_PASSWORD = "battery staple"


def registrations() -> Registrations:
    """Return two APIs, four clients and two users; only alice's password is shown."""
    alice = User(
        username="alice",
        password_hash=cheap_hash(ALICE_PASSWORD),
        shown_password=ALICE_PASSWORD,
        claims=MappingProxyType(
            {
                "name": "Alice Archer",
                "email": "alice@contacts.example",
                "email_verified": True,
                TEAM_CLAIM: "red",
            }
        ),
    )
    bob = User(
        username="bob",
        password_hash=cheap_hash(BOB_PASSWORD),
        claims=MappingProxyType({"name": "Bob Baker", "email": "bob@contacts.example"}),
    )
    clients = (CONFIDENTIAL, PUBLIC, COMMAND_LINE, CONTACTS_API)
    return Registrations(
        apis=MappingProxyType({api.identifier: api for api in (CONTACTS, CALENDAR)}),
        clients=MappingProxyType({client.client_id: client for client in clients}),
        users=MappingProxyType({user.username: user for user in (alice, bob)}),
    )


@cache
def signing_key() -> SigningKey:
    """Return the one key of a test run, because generating keys is slow."""
    return SigningKey.generated()


def signing_keys() -> SigningKeys:
    """Return new keys without a file; the current one is the key of the test run."""
    return SigningKeys(signing_key())


@asynccontextmanager
async def opened_state(folder: Path, clock: Callable[[], float]) -> AsyncGenerator[State]:
    """Open the state in this folder, with its earlier content."""
    state = State(connect(f"sqlite:///{folder}/authorization-server.sqlite3"), clock=clock)
    try:
        await state.prepare()
        yield state
    finally:
        await state.aclose()
