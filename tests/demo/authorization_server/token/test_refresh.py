"""refresh_token: a token works once; its reuse revokes the whole grant."""

import asyncio
import logging
from dataclasses import replace

import httpx
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.state.state import State
from tests.support.authorization_server.back_channel import (
    AUTH_TIME,
    BackChannel,
    both_at_once,
    claims_of,
    error,
)
from tests.support.authorization_server.example_registrations import (
    CONFIDENTIAL,
    CONTACTS,
    ISSUER,
    PUBLIC,
)


async def test_a_refresh_gives_new_tokens_of_the_same_grant(
    back_channel: BackChannel, keys: SigningKeys, clock: FakeClock
) -> None:
    first = await back_channel.tokens()
    clock.advance(60)

    second = (await back_channel.refresh(first["refresh_token"])).json()

    before, after = (claims_of(tokens["access_token"], keys) for tokens in (first, second))
    assert after["gty"] == "refresh_token"
    assert after["jti"] != before["jti"]
    assert after["exp"] == before["exp"] + 60
    assert all(after[name] == before[name] for name in ("sub", "aud", "scope", "auth_time"))
    assert second["refresh_token"] != first["refresh_token"]


async def test_a_refreshed_id_token_has_the_time_of_the_sign_in_and_no_nonce(
    back_channel: BackChannel, keys: SigningKeys, clock: FakeClock
) -> None:
    """OpenID Connect Core §12.2."""
    first = await back_channel.tokens()
    clock.advance(60)

    second = (await back_channel.refresh(first["refresh_token"])).json()

    before, after = (claims_of(tokens["id_token"], keys) for tokens in (first, second))
    assert after["auth_time"] == AUTH_TIME
    assert after["iat"] == before["iat"] + 60
    assert "nonce" not in after
    assert after["at_hash"] != before["at_hash"]
    assert all(after[name] == before[name] for name in ("iss", "sub", "aud", "azp"))


async def test_each_new_refresh_token_can_be_used(back_channel: BackChannel) -> None:
    token = (await back_channel.tokens())["refresh_token"]

    for _ in range(3):
        answer = await back_channel.refresh(token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]

    assert await back_channel.is_active(token)


async def test_reuse_of_a_refresh_token_revokes_the_whole_grant(
    back_channel: BackChannel, caplog: pytest.LogCaptureFixture
) -> None:
    first = await back_channel.tokens()
    second = (await back_channel.refresh(first["refresh_token"])).json()

    with caplog.at_level(logging.WARNING, "demo"):
        reuse = await back_channel.refresh(first["refresh_token"])

    assert error(reuse) == (400, "invalid_grant")
    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        assert not await back_channel.is_active(token)
    (message,) = caplog.messages
    assert message.startswith("A refresh token was reused: the grant of user alice to client web-")
    assert first["refresh_token"] not in caplog.text


async def test_reuse_of_a_refresh_token_keeps_other_grants_of_user_and_client(
    back_channel: BackChannel,
) -> None:
    replayed, other = await back_channel.tokens(), await back_channel.tokens()
    await back_channel.refresh(replayed["refresh_token"])

    await back_channel.refresh(replayed["refresh_token"])

    assert await back_channel.is_active(other["access_token"])
    assert (await back_channel.refresh(other["refresh_token"])).status_code == 200


async def test_of_two_refreshes_at_once_one_counts_as_reuse_and_revokes_the_grant(
    back_channel: BackChannel, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = both_at_once(state.tokens.find_refresh_token)
    monkeypatch.setattr(state.tokens, "find_refresh_token", together)
    token = (await back_channel.tokens())["refresh_token"]

    answers = await asyncio.gather(back_channel.refresh(token), back_channel.refresh(token))

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    (given,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await back_channel.is_active(given["refresh_token"])


async def test_a_refresh_may_request_fewer_scopes(
    back_channel: BackChannel, keys: SigningKeys
) -> None:
    tokens = await back_channel.tokens()

    less = await back_channel.refresh(tokens["refresh_token"], scope="read:contacts")

    claims = claims_of(less.json()["access_token"], keys)
    assert less.json()["scope"] == claims["scope"] == "read:contacts"
    assert claims["aud"] == CONTACTS.identifier
    assert "id_token" not in less.json()


async def test_a_refresh_may_request_scopes_that_the_previous_one_omitted(
    back_channel: BackChannel,
) -> None:
    tokens = await back_channel.tokens()
    less = await back_channel.refresh(tokens["refresh_token"], scope="read:contacts")

    all_again = await back_channel.refresh(less.json()["refresh_token"])

    assert all_again.json()["scope"] == tokens["scope"]


@pytest.mark.parametrize(
    "scope", ["read:contacts email", "email", "read:contacts  write:contacts", " "]
)
async def test_a_refresh_for_more_scopes_is_refused_and_the_token_stays_valid(
    back_channel: BackChannel, scope: str
) -> None:
    tokens = await back_channel.tokens()

    more = await back_channel.refresh(tokens["refresh_token"], scope=scope)
    as_granted = await back_channel.refresh(tokens["refresh_token"])

    assert error(more) == (400, "invalid_scope")
    assert as_granted.status_code == 200


async def test_a_refresh_token_of_another_client_is_refused_and_stays_valid(
    back_channel: BackChannel,
) -> None:
    tokens = await back_channel.tokens()

    stolen = await back_channel.refresh(tokens["refresh_token"], client_id=PUBLIC.client_id)
    own = await back_channel.refresh(tokens["refresh_token"])

    assert error(stolen) == (400, "invalid_grant")
    assert own.status_code == 200


@pytest.mark.parametrize(
    ("token", "expected"),
    [(None, "invalid_request"), ("", "invalid_request"), ("a guess", "invalid_grant")],
)
async def test_a_refresh_without_a_valid_refresh_token_is_refused(
    back_channel: BackChannel, token: str | None, expected: str
) -> None:
    answer = await back_channel.post("oauth/token", grant_type="refresh_token", refresh_token=token)

    assert error(answer) == (400, expected)


async def test_refreshing_does_not_extend_the_thirty_days(
    back_channel: BackChannel, clock: FakeClock
) -> None:
    token = (await back_channel.tokens())["refresh_token"]
    clock.advance(29 * 86_400)
    token = (await back_channel.refresh(token)).json()["refresh_token"]

    clock.advance(86_400)

    assert error(await back_channel.refresh(token)) == (400, "invalid_grant")


@pytest.mark.parametrize("change", ["API forbids", "client may not", "user is gone"])
async def test_a_refresh_is_refused_if_it_is_no_longer_allowed(
    back_channel: BackChannel,
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: FakeClock,
    change: str,
) -> None:
    token = (await back_channel.tokens())["refresh_token"]
    forbidding = replace(CONTACTS, allow_offline_access=False)
    without = replace(CONFIDENTIAL, grant_types=frozenset({"authorization_code"}))
    changed, expected = {
        "API forbids": (
            replace(registrations, apis={CONTACTS.identifier: forbidding}),
            "invalid_grant",
        ),
        "client may not": (
            replace(registrations, clients={without.client_id: without}),
            "unauthorized_client",
        ),
        "user is gone": (replace(registrations, users={}), "invalid_grant"),
    }[change]
    app = create_authorization_server(
        issuer=ISSUER, registrations=changed, keys=keys, state=state, clock=clock
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        answer = await BackChannel(http, state).refresh(token)

    assert error(answer) == (400, expected)
