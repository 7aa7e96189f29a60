"""Introspection: an API can check the tokens for it, a client its own tokens (RFC 7662)."""

import httpx
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.keys.signing_keys import SigningKeys
from tests.support.authorization_server.back_channel import BackChannel, claims_of, error
from tests.support.authorization_server.example_registrations import (
    CALENDAR,
    COMMAND_LINE,
    CONTACTS,
    CONTACTS_API,
    ISSUER,
    PUBLIC,
)


async def introspected(
    back_channel: BackChannel, token: str, client_id: str = "web-application"
) -> dict[str, object]:
    answer = await back_channel.post("oauth/introspect", client_id=client_id, token=token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    content: dict[str, object] = answer.json()
    return content


@pytest.mark.parametrize("asker", [CONTACTS_API.client_id, "web-application"])
async def test_an_access_token_is_described(
    back_channel: BackChannel, keys: SigningKeys, clock: FakeClock, asker: str
) -> None:
    token = (await back_channel.tokens())["access_token"]

    answer = await introspected(back_channel, token, asker)

    assert answer == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "sub": "alice",
        "username": "alice",
        "aud": [CONTACTS.identifier, f"{ISSUER}userinfo"],
        "client_id": "web-application",
        "scope": "openid read:contacts write:contacts offline_access",
        "iat": clock.now,
        "exp": clock.now + 86_400,
        "jti": claims_of(token, keys)["jti"],
    }


async def test_introspection_names_the_client_also_if_only_azp_has_it(
    back_channel: BackChannel,
) -> None:
    tokens = await back_channel.tokens(audience=CALENDAR.identifier, scopes=("read:calendar",))

    answer = await introspected(back_channel, tokens["access_token"])

    assert answer["client_id"] == "web-application"


async def test_introspection_of_a_token_of_a_client_itself_names_no_user(
    back_channel: BackChannel,
) -> None:
    answer = await back_channel.post(
        "oauth/token",
        client_id=COMMAND_LINE.client_id,
        grant_type="client_credentials",
        audience=CONTACTS.identifier,
        scope="read:contacts",
    )

    told = await introspected(back_channel, answer.json()["access_token"], CONTACTS_API.client_id)

    assert told["sub"] == "command-line@clients"
    assert "username" not in told


async def test_a_refresh_token_is_described_to_its_client(
    back_channel: BackChannel, clock: FakeClock
) -> None:
    token = (await back_channel.tokens())["refresh_token"]

    answer = await introspected(back_channel, token)

    assert answer == {
        "active": True,
        "iss": ISSUER,
        "sub": "alice",
        "username": "alice",
        "client_id": "web-application",
        "scope": "openid read:contacts write:contacts offline_access",
        "exp": clock.now + 30 * 86_400,
    }


@pytest.mark.parametrize(
    ("kind", "asker"),
    [
        ("access_token", COMMAND_LINE.client_id),
        ("refresh_token", COMMAND_LINE.client_id),
        ("refresh_token", CONTACTS_API.client_id),
        ("id_token", "web-application"),
    ],
)
async def test_a_token_of_another_client_looks_like_an_unknown_token(
    back_channel: BackChannel, kind: str, asker: str
) -> None:
    tokens = await back_channel.tokens()

    assert await introspected(back_channel, tokens[kind], asker) == {"active": False}


async def test_an_api_is_told_nothing_about_the_tokens_of_another(
    back_channel: BackChannel,
) -> None:
    tokens = await back_channel.tokens(
        audience=CALENDAR.identifier, scopes=("openid", "read:calendar")
    )

    answer = await introspected(back_channel, tokens["access_token"], CONTACTS_API.client_id)

    assert answer == {"active": False}


@pytest.mark.parametrize("token", ["a guess", "a.b.c", "é"])
async def test_an_unknown_token_is_not_active(back_channel: BackChannel, token: str) -> None:
    assert await introspected(back_channel, token) == {"active": False}


async def test_an_expired_token_is_not_active(back_channel: BackChannel, clock: FakeClock) -> None:
    token = (await back_channel.tokens())["access_token"]

    clock.advance(86_399)
    before = await back_channel.is_active(token)
    clock.advance(1)
    after = await back_channel.is_active(token)

    assert (before, after) == (True, False)


async def test_a_token_with_a_changed_signature_is_not_active(back_channel: BackChannel) -> None:
    token = (await back_channel.tokens())["access_token"]
    head, _, signature = token.rpartition(".")
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]

    assert await introspected(back_channel, f"{head}.{changed}") == {"active": False}


async def test_a_used_refresh_token_is_not_active(back_channel: BackChannel) -> None:
    token = (await back_channel.tokens())["refresh_token"]
    await back_channel.refresh(token)

    assert await introspected(back_channel, token) == {"active": False}


async def test_a_public_client_cannot_introspect_tokens(back_channel: BackChannel) -> None:
    token = (await back_channel.tokens())["access_token"]

    answer = await back_channel.post("oauth/introspect", client_id=PUBLIC.client_id, token=token)

    assert error(answer) == (401, "invalid_client")


async def test_an_introspection_request_without_a_token_is_refused(
    back_channel: BackChannel,
) -> None:
    answer = await back_channel.post("oauth/introspect")

    assert error(answer) == (400, "invalid_request")


async def test_a_token_in_the_url_of_an_introspection_request_is_refused(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("oauth/introspect", params={"token": "x"})

    assert answer.status_code == 405
