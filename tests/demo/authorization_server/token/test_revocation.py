"""Revocation: a client can revoke its own tokens, and no others (RFC 7009)."""

import pytest

from asgi_bearer.testing import FakeClock
from tests.support.authorization_server.back_channel import BackChannel, error
from tests.support.authorization_server.example_registrations import COMMAND_LINE, CONTACTS, PUBLIC


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something"])
async def test_revoking_an_access_token_revokes_only_that_token_with_any_hint(
    back_channel: BackChannel, hint: str | None
) -> None:
    tokens = await back_channel.tokens()

    answer = await back_channel.post(
        "oauth/revoke", token=tokens["access_token"], token_type_hint=hint
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert not await back_channel.is_active(tokens["access_token"])
    assert await back_channel.is_active(tokens["refresh_token"])


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something"])
async def test_revoking_a_refresh_token_revokes_the_whole_grant_with_any_hint(
    back_channel: BackChannel, hint: str | None
) -> None:
    tokens = await back_channel.tokens()

    answer = await back_channel.post(
        "oauth/revoke", token=tokens["refresh_token"], token_type_hint=hint
    )

    assert answer.status_code == 200
    assert not await back_channel.is_active(tokens["access_token"])
    assert not await back_channel.is_active(tokens["refresh_token"])
    assert error(await back_channel.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


async def test_revoking_a_used_refresh_token_revokes_its_grant(back_channel: BackChannel) -> None:
    first = await back_channel.tokens()
    second = (await back_channel.refresh(first["refresh_token"])).json()

    await back_channel.post("oauth/revoke", token=first["refresh_token"])

    assert not await back_channel.is_active(second["refresh_token"])


async def test_the_revocation_endpoint_accepts_a_json_body(back_channel: BackChannel) -> None:
    asked = {
        "client_id": COMMAND_LINE.client_id,
        "grant_type": "client_credentials",
        "audience": CONTACTS.identifier,
        "scope": "read:contacts",
    }
    token = (await back_channel.post("oauth/token", **asked)).json()["access_token"]

    answer = await back_channel.http.post(
        "oauth/revoke",
        json={
            "token": token,
            "client_id": COMMAND_LINE.client_id,
            "client_secret": COMMAND_LINE.client_secret,
        },
    )

    assert answer.status_code == 200
    assert not await back_channel.is_active(token, client_id=COMMAND_LINE.client_id)


@pytest.mark.parametrize("token", ["a guess", "a.b.c", "é"])
async def test_an_unknown_token_counts_as_revoked(back_channel: BackChannel, token: str) -> None:
    answer = await back_channel.post("oauth/revoke", token=token)

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_revoked_token_can_be_revoked_again(back_channel: BackChannel) -> None:
    token = (await back_channel.tokens())["access_token"]

    answers = [await back_channel.post("oauth/revoke", token=token) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_an_expired_token_counts_as_revoked(
    back_channel: BackChannel, clock: FakeClock
) -> None:
    token = (await back_channel.tokens())["access_token"]
    clock.advance(86_400)

    answer = await back_channel.post("oauth/revoke", token=token)

    assert answer.status_code == 200


async def test_an_id_token_cannot_be_revoked_and_changes_nothing(
    back_channel: BackChannel,
) -> None:
    tokens = await back_channel.tokens()

    answer = await back_channel.post("oauth/revoke", token=tokens["id_token"])

    assert answer.status_code == 200
    assert await back_channel.is_active(tokens["access_token"])


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("other", [PUBLIC.client_id, COMMAND_LINE.client_id])
async def test_a_client_cannot_revoke_the_token_of_another_client(
    back_channel: BackChannel, kind: str, other: str
) -> None:
    tokens = await back_channel.tokens()

    answer = await back_channel.post("oauth/revoke", client_id=other, token=tokens[kind])

    assert error(answer) == (400, "invalid_request")
    assert await back_channel.is_active(tokens["access_token"])
    assert await back_channel.is_active(tokens["refresh_token"])


async def test_a_revocation_request_without_a_token_is_refused(back_channel: BackChannel) -> None:
    answer = await back_channel.post("oauth/revoke")

    assert error(answer) == (400, "invalid_request")
