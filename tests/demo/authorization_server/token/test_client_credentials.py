"""client_credentials: a client gets a token for itself, for registered APIs and scopes."""

from dataclasses import replace

import httpx
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.state.state import State
from tests.support.authorization_server.back_channel import BackChannel, claims_of, error
from tests.support.authorization_server.example_registrations import (
    CALENDAR,
    COMMAND_LINE,
    CONTACTS,
    CONTACTS_API,
    ISSUER,
    PUBLIC,
)

ASKED = {
    "client_id": COMMAND_LINE.client_id,
    "grant_type": "client_credentials",
    "audience": CONTACTS.identifier,
    "scope": "read:contacts",
}


async def test_a_client_gets_an_access_token_and_nothing_else(
    back_channel: BackChannel, keys: SigningKeys, clock: FakeClock
) -> None:
    answer = await back_channel.post("oauth/token", **ASKED)

    tokens = answer.json()
    claims = claims_of(tokens.pop("access_token"), keys)
    assert tokens == {"token_type": "Bearer", "expires_in": 86_400, "scope": "read:contacts"}
    assert (claims["sub"], claims["gty"]) == ("command-line@clients", "client-credentials")
    assert (claims["aud"], claims["scope"]) == (CONTACTS.identifier, "read:contacts")
    assert claims["exp"] == clock.now + 86_400


@pytest.mark.parametrize(
    ("change", "claim", "expected"),
    [
        ({"scope": "write:contacts read:contacts"}, "scope", "write:contacts read:contacts"),
        ({"scope": "read:contacts read:contacts"}, "scope", "read:contacts"),
        (
            {"audience": CALENDAR.identifier, "scope": "read:calendar"},
            "aud",
            CALENDAR.identifier,
        ),
        ({"unknown": "parameters are ignored"}, "aud", CONTACTS.identifier),
        ({"subject": "alice"}, "sub", "command-line@clients"),
    ],
    ids=str,
)
async def test_a_token_has_the_requested_scope_and_audience(
    back_channel: BackChannel,
    keys: SigningKeys,
    change: dict[str, str],
    claim: str,
    expected: object,
) -> None:
    answer = await back_channel.post("oauth/token", **{**ASKED, **change})

    assert claims_of(answer.json()["access_token"], keys)[claim] == expected


@pytest.mark.parametrize(
    ("seconds", "told"), [("1", 1), ("60", 60), ("86400", 86_400), ("-1", 0), ("-86400", 0)]
)
async def test_a_client_can_request_the_lifetime_of_its_token(
    back_channel: BackChannel, keys: SigningKeys, clock: FakeClock, seconds: str, told: int
) -> None:
    answer = await back_channel.post("oauth/token", **ASKED, expires_in=seconds)

    claims = claims_of(answer.json()["access_token"], keys)
    assert claims["exp"] == clock.now + int(seconds)
    assert claims["iat"] < claims["exp"]
    assert claims["iat"] <= clock.now
    assert answer.json()["expires_in"] == told


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"audience": None}, "invalid_request"),
        ({"audience": "https://api.example/"}, "invalid_target"),
        ({"audience": CONTACTS.identifier + "/"}, "invalid_target"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "read:contacts offline_access"}, "invalid_scope"),
        ({"scope": "read:calendar"}, "invalid_scope"),
        ({"scope": "READ:contacts"}, "invalid_scope"),
        ({"scope": "read:contacts  write:contacts"}, "invalid_scope"),
        ({"scope": "https://contacts.example/team"}, "invalid_scope"),
        ({"expires_in": "0"}, "invalid_request"),
        ({"expires_in": "-0"}, "invalid_request"),
        ({"expires_in": "86401"}, "invalid_request"),
        ({"expires_in": "-86401"}, "invalid_request"),
        ({"expires_in": "1.5"}, "invalid_request"),
        ({"expires_in": "+60"}, "invalid_request"),
        ({"expires_in": "6_0"}, "invalid_request"),
        ({"expires_in": " 60"}, "invalid_request"),
        ({"expires_in": "9" * 5000}, "invalid_request"),
        ({"expires_in": "١٢"}, "invalid_request"),
        ({"client_id": CONTACTS_API.client_id}, "unauthorized_client"),
        ({"client_id": PUBLIC.client_id}, "unauthorized_client"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_request_that_cannot_be_granted_is_refused(
    back_channel: BackChannel, change: dict[str, str | None], expected: str
) -> None:
    asked: dict[str, str | None] = {**ASKED, **change}
    client_id = asked.pop("client_id") or ""

    answer = await back_channel.post("oauth/token", client_id=client_id, **asked)

    assert error(answer) == (400, expected)


async def test_a_public_client_gets_no_token_for_itself_whatever_its_registration_says(
    registrations: Registrations, keys: SigningKeys, state: State, clock: FakeClock
) -> None:
    """RFC 6749 §4.4: a public client cannot authenticate."""
    public = replace(PUBLIC, grant_types=frozenset({"client_credentials"}))
    app = create_authorization_server(
        issuer=ISSUER,
        registrations=replace(registrations, clients={public.client_id: public}),
        keys=keys,
        state=state,
        clock=clock,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        answer = await http.post("oauth/token", data={**ASKED, "client_id": public.client_id})

    assert error(answer) == (400, "unauthorized_client")
