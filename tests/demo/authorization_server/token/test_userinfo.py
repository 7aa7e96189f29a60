"""/userinfo returns the claims that the scopes of a valid token release."""

from dataclasses import replace

import httpx
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.state.state import State
from tests.support.authorization_server.back_channel import BackChannel
from tests.support.authorization_server.example_registrations import ISSUER, TEAM_CLAIM


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (("openid",), {}),
        (("openid", "profile"), {"name": "Alice Archer"}),
        (
            ("openid", "email", "phone"),
            {"email": "alice@contacts.example", "email_verified": True},
        ),
        (("openid", TEAM_CLAIM), {TEAM_CLAIM: "red"}),
    ],
    ids=str,
)
async def test_userinfo_returns_the_claims_of_the_scopes_and_always_the_subject(
    back_channel: BackChannel, scopes: tuple[str, ...], expected: dict[str, object]
) -> None:
    tokens = await back_channel.tokens(audience=None, scopes=scopes)

    answer = await back_channel.http.get("userinfo", headers=bearer(tokens["access_token"]))

    assert answer.json() == {"sub": "alice", **expected}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_userinfo_accepts_a_token_of_an_api_if_openid_was_granted(
    back_channel: BackChannel, method: str
) -> None:
    tokens = await back_channel.tokens(scopes=("openid", "read:contacts"))

    answer = await back_channel.http.request(
        method, "userinfo", headers=bearer(tokens["access_token"])
    )

    assert answer.json() == {"sub": "alice"}


async def test_userinfo_accepts_tokens_of_both_profiles(back_channel: BackChannel) -> None:
    tokens = await back_channel.tokens(
        audience="https://api.example/calendar", scopes=("openid", "read:calendar")
    )

    answer = await back_channel.http.get("userinfo", headers=bearer(tokens["access_token"]))

    assert answer.status_code == 200


async def test_userinfo_without_a_token_gives_a_challenge_without_an_error(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("userinfo")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="userinfo"'


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
async def test_userinfo_refuses_other_kinds_of_tokens(back_channel: BackChannel, kind: str) -> None:
    tokens = await back_channel.tokens()

    answer = await back_channel.http.get("userinfo", headers=bearer(tokens[kind]))

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_userinfo_refuses_a_token_of_an_api_without_openid(back_channel: BackChannel) -> None:
    tokens = await back_channel.tokens(scopes=("read:contacts", "profile"))

    answer = await back_channel.http.get("userinfo", headers=bearer(tokens["access_token"]))

    assert answer.status_code == 401


async def test_userinfo_refuses_a_token_without_api_and_openid_for_its_scope(
    back_channel: BackChannel,
) -> None:
    tokens = await back_channel.tokens(audience=None, scopes=("profile",))

    answer = await back_channel.http.get("userinfo", headers=bearer(tokens["access_token"]))

    assert answer.status_code == 403
    assert 'scope="openid"' in answer.headers["www-authenticate"]


async def test_userinfo_allows_no_leeway_for_expired_tokens(
    back_channel: BackChannel, clock: FakeClock
) -> None:
    tokens = await back_channel.tokens(audience=None, scopes=("openid",))
    headers = bearer(tokens["access_token"])

    clock.advance(3_599)
    before = await back_channel.http.get("userinfo", headers=headers)
    clock.advance(1)
    after = await back_channel.http.get("userinfo", headers=headers)

    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_revoked_token_is_refused(back_channel: BackChannel) -> None:
    tokens = await back_channel.tokens()

    await back_channel.post("oauth/revoke", token=tokens["access_token"])
    answer = await back_channel.http.get("userinfo", headers=bearer(tokens["access_token"]))

    assert answer.status_code == 401


async def test_userinfo_refuses_the_token_of_a_user_who_is_no_longer_registered(
    back_channel: BackChannel,
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: FakeClock,
) -> None:
    token = (await back_channel.tokens())["access_token"]
    app = create_authorization_server(
        issuer=ISSUER,
        registrations=replace(registrations, users={}),
        keys=keys,
        state=state,
        clock=clock,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        answer = await http.get("userinfo", headers=bearer(token))

    assert answer.status_code == 401


async def test_userinfo_ignores_a_token_in_the_url_or_a_form(back_channel: BackChannel) -> None:
    token = (await back_channel.tokens())["access_token"]

    in_query = await back_channel.http.get("userinfo", params={"access_token": token})
    in_form = await back_channel.http.post("userinfo", data={"access_token": token})

    assert (in_query.status_code, in_form.status_code) == (401, 401)
