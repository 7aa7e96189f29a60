"""authorization_code: a code gives tokens once, and only to its own client."""

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
    CHALLENGE,
    NONCE,
    VERIFIER,
    BackChannel,
    both_at_once,
    claims_of,
    error,
)
from tests.support.authorization_server.example_registrations import (
    CONFIDENTIAL,
    CONTACTS,
    CONTACTS_API,
    ISSUER,
    PUBLIC,
    REDIRECT_URI,
)

PUBLIC_REDIRECT_URI = PUBLIC.redirect_uris[0]


async def test_a_code_gives_an_access_token_an_id_token_and_a_refresh_token(
    back_channel: BackChannel,
) -> None:
    answer = await back_channel.exchange(await back_channel.code())

    tokens = answer.json()
    assert answer.status_code == 200
    assert {name: value for name, value in tokens.items() if not name.endswith("_token")} == {
        "token_type": "Bearer",
        "expires_in": 86_400,
        "scope": "openid read:contacts write:contacts offline_access",
    }
    assert {"access_token", "id_token", "refresh_token"} < set(tokens)


async def test_the_tokens_of_a_code_have_the_granted_scopes(
    back_channel: BackChannel, keys: SigningKeys
) -> None:
    tokens = await back_channel.tokens()

    access, identity = (claims_of(tokens[name], keys) for name in ("access_token", "id_token"))
    assert (access["sub"], access["gty"]) == ("alice", "authorization_code")
    assert access["scope"] == "openid read:contacts write:contacts offline_access"
    assert (identity["nonce"], identity["auth_time"]) == (NONCE, AUTH_TIME)
    assert len(identity["at_hash"]) == 22


async def test_no_response_about_tokens_may_be_cached(back_channel: BackChannel) -> None:
    code = await back_channel.code()

    answers = [await back_channel.exchange(code), await back_channel.exchange(code)]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert {answer.headers["pragma"] for answer in answers} == {"no-cache"}


async def test_the_request_may_be_a_json_object(
    http: httpx.AsyncClient, back_channel: BackChannel
) -> None:
    answer = await http.post(
        "oauth/token",
        json={
            "grant_type": "authorization_code",
            "client_id": CONFIDENTIAL.client_id,
            "client_secret": CONFIDENTIAL.client_secret,
            "code": await back_channel.code(),
            "redirect_uri": REDIRECT_URI,
        },
    )

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("scopes", "audience", "expected"),
    [
        (("read:contacts",), CONTACTS.identifier, {"access_token"}),
        (("openid",), None, {"access_token", "id_token"}),
        (("openid", "read:calendar"), "https://api.example/calendar", {"access_token", "id_token"}),
        (
            ("read:contacts", "offline_access"),
            CONTACTS.identifier,
            {"access_token", "refresh_token"},
        ),
    ],
    ids=["no openid", "no API", "no offline_access", "no openid, offline_access"],
)
async def test_the_token_endpoint_gives_only_the_granted_kinds_of_tokens(
    back_channel: BackChannel,
    scopes: tuple[str, ...],
    audience: str | None,
    expected: set[str],
) -> None:
    tokens = await back_channel.tokens(audience=audience, scopes=scopes)

    assert {name for name in tokens if name.endswith("_token")} == expected


@pytest.mark.parametrize(
    "audience", ["https://api.example/calendar", None], ids=["forbids", "no API"]
)
async def test_an_api_without_offline_access_gives_no_refresh_token_for_any_grant(
    back_channel: BackChannel, audience: str | None
) -> None:
    tokens = await back_channel.tokens(audience=audience, scopes=("openid", "offline_access"))

    assert "refresh_token" not in tokens


async def test_a_public_client_exchanges_a_code_with_pkce(back_channel: BackChannel) -> None:
    code = await back_channel.code(
        client_id=PUBLIC.client_id, redirect_uri=PUBLIC_REDIRECT_URI, code_challenge=CHALLENGE
    )

    answer = await back_channel.exchange(
        code,
        client_id=PUBLIC.client_id,
        redirect_uri=PUBLIC_REDIRECT_URI,
        code_verifier=VERIFIER,
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "AUTHORIZATION_CODE"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"code": "a guess"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": REDIRECT_URI + "/"}, "invalid_grant"),
        ({"redirect_uri": REDIRECT_URI + "?"}, "invalid_grant"),
        ({"redirect_uri": REDIRECT_URI.replace("http:", "HTTP:")}, "invalid_grant"),
        ({"redirect_uri": REDIRECT_URI.replace("callback", "%63allback")}, "invalid_grant"),
        ({"code_verifier": VERIFIER}, "invalid_grant"),
    ],
    ids=str,
)
async def test_a_request_that_does_not_match_its_code_is_refused(
    back_channel: BackChannel, change: dict[str, str | None], expected: str
) -> None:
    answer = await back_channel.exchange(await back_channel.code(), **change)

    assert error(answer) == (400, expected)
    assert set(answer.json()) == {"error", "error_description"}


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "x" * 43,
        VERIFIER[:42],
        VERIFIER + "x" * 100,
        CHALLENGE,
        VERIFIER + "é",
        f"{VERIFIER} ",
    ],
    ids=["missing", "empty", "another", "short", "long", "challenge", "no ASCII", "space"],
)
async def test_a_code_with_a_challenge_is_refused_without_its_verifier(
    back_channel: BackChannel, verifier: str | None
) -> None:
    code = await back_channel.code(code_challenge=CHALLENGE)

    refused = await back_channel.exchange(code, code_verifier=verifier)
    owner = await back_channel.exchange(code, code_verifier=VERIFIER)

    assert error(refused) == (400, "invalid_grant")
    assert owner.status_code == 200


async def test_a_code_is_valid_for_a_minute(back_channel: BackChannel, clock: FakeClock) -> None:
    last, late = await back_channel.code(), await back_channel.code()

    clock.advance(59)
    in_time = await back_channel.exchange(last)
    clock.advance(1)
    too_late = await back_channel.exchange(late)

    assert in_time.status_code == 200
    assert error(too_late) == (400, "invalid_grant")


async def test_a_code_that_another_client_presents_stays_valid_for_its_own_client(
    back_channel: BackChannel,
) -> None:
    code = await back_channel.code()

    stolen = await back_channel.exchange(code, client_id=PUBLIC.client_id)
    own = await back_channel.exchange(code)

    assert error(stolen) == (400, "invalid_grant")
    assert own.status_code == 200


async def test_a_used_code_that_another_client_presents_revokes_nothing(
    back_channel: BackChannel,
) -> None:
    code = await back_channel.code()
    tokens = (await back_channel.exchange(code)).json()

    await back_channel.exchange(code, client_id=PUBLIC.client_id)

    assert await back_channel.is_active(tokens["access_token"])


async def test_a_replayed_code_revokes_all_its_tokens(
    back_channel: BackChannel, caplog: pytest.LogCaptureFixture
) -> None:
    code = await back_channel.code()
    tokens = (await back_channel.exchange(code)).json()

    with caplog.at_level(logging.WARNING, "demo"):
        replay = await back_channel.exchange(code)

    assert error(replay) == (400, "invalid_grant")
    assert not await back_channel.is_active(tokens["access_token"])
    assert not await back_channel.is_active(tokens["refresh_token"])
    (message,) = caplog.messages
    assert message.startswith("A code was replayed: the grant of user alice to client web-appl")
    assert code not in caplog.text


async def test_a_replay_is_noticed_long_after_the_code_has_expired(
    back_channel: BackChannel, clock: FakeClock
) -> None:
    code = await back_channel.code()
    tokens = (await back_channel.exchange(code)).json()
    clock.advance(3_600)

    await back_channel.exchange(code)

    assert not await back_channel.is_active(tokens["refresh_token"])


async def test_of_two_clients_that_present_a_code_at_once_one_gets_tokens_and_they_are_revoked(
    back_channel: BackChannel, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state.grants, "find_code", both_at_once(state.grants.find_code))
    code = await back_channel.code()

    answers = await asyncio.gather(back_channel.exchange(code), back_channel.exchange(code))

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    (given,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await back_channel.is_active(given["access_token"])
    assert not await back_channel.is_active(given["refresh_token"])


async def test_a_client_uses_only_the_grant_types_it_is_registered_for(
    back_channel: BackChannel,
) -> None:
    code = await back_channel.code(client_id=CONTACTS_API.client_id)

    answer = await back_channel.exchange(code, client_id=CONTACTS_API.client_id)

    assert error(answer) == (400, "unauthorized_client")


@pytest.mark.parametrize("gone", ["user", "API", "scopes"])
async def test_a_user_or_api_that_is_no_longer_registered_gets_no_tokens(
    registrations: Registrations, keys: SigningKeys, state: State, clock: FakeClock, gone: str
) -> None:
    changed = {
        "user": replace(registrations, users={}),
        "API": replace(registrations, apis={}),
        "scopes": replace(registrations, apis={CONTACTS.identifier: replace(CONTACTS, scopes={})}),
    }[gone]
    app = create_authorization_server(
        issuer=ISSUER, registrations=changed, keys=keys, state=state, clock=clock
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        back_channel = BackChannel(http, state)
        code = await back_channel.code(scopes=("read:contacts",))

        answer = await back_channel.exchange(code)

    assert error(answer) == (400, "invalid_grant")


async def test_a_scope_that_is_no_longer_registered_is_omitted(
    registrations: Registrations, keys: SigningKeys, state: State, clock: FakeClock
) -> None:
    less = replace(CONTACTS, scopes={"read:contacts": "See your contacts"})
    app = create_authorization_server(
        issuer=ISSUER,
        registrations=replace(registrations, apis={CONTACTS.identifier: less}),
        keys=keys,
        state=state,
        clock=clock,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        tokens = await BackChannel(http, state).tokens()

    assert tokens["scope"] == "openid read:contacts offline_access"
    assert claims_of(tokens["access_token"], keys)["scope"] == tokens["scope"]
