"""Key rotation: the new key signs at once; the old one stays published until its tokens expire."""

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from asgi_bearer.testing import FakeClock
from demo.authorization_server.keys.signing_keys import SigningKeys
from tests.demo.authorization_server.conftest import ORIGIN
from tests.support.authorization_server.back_channel import BackChannel
from tests.support.authorization_server.example_registrations import ISSUER

PATH = ".demo/rotate-keys"


async def published(http: httpx.AsyncClient) -> list[str]:
    keys = (await http.get(".well-known/jwks.json")).json()["keys"]
    return [key["kid"] for key in keys]


@pytest.mark.parametrize("headers", [{}, {"Origin": ORIGIN}], ids=["no origin", "own origin"])
async def test_the_response_to_a_rotation_names_the_new_key_and_all_published_keys(
    http: httpx.AsyncClient, keys: SigningKeys, headers: dict[str, str]
) -> None:
    old = keys.current.kid

    answer = await http.post(PATH, headers=headers)

    assert answer.status_code == 200
    assert answer.json() == {"kid": keys.current.kid, "published": [keys.current.kid, old]}
    assert keys.current.kid != old
    assert await published(http) == answer.json()["published"]
    assert answer.headers["cache-control"] == "no-store"


async def test_after_a_rotation_new_tokens_have_the_new_key_and_old_tokens_stay_valid(
    back_channel: BackChannel,
) -> None:
    before = await back_channel.tokens()
    kid = (await back_channel.http.post(PATH)).json()["kid"]

    after = await back_channel.tokens()

    assert jwt.get_unverified_header(after["access_token"])["kid"] == kid
    assert jwt.get_unverified_header(after["id_token"])["kid"] == kid
    assert await back_channel.is_active(before["access_token"])
    assert await back_channel.is_active(after["access_token"])
    headers = {"Authorization": f"Bearer {before['access_token']}"}
    assert (await back_channel.http.get("userinfo", headers=headers)).status_code == 200


async def test_the_old_key_stays_published_a_minute_longer_than_its_last_token_lives(
    http: httpx.AsyncClient, clock: FakeClock
) -> None:
    await http.post(PATH)

    clock.advance(86_400 + 59)
    before = await published(http)
    clock.advance(1)
    after = await published(http)

    assert (len(before), len(after)) == (2, 1)
    assert before[0] == after[0]


async def test_a_rotation_is_refused_while_too_many_keys_are_published(
    http: httpx.AsyncClient, clock: FakeClock
) -> None:
    statuses = [(await http.post(PATH)).status_code for _ in range(5)]
    clock.advance(86_400 + 60)
    later = await http.post(PATH)

    assert statuses == [200, 200, 200, 200, 429]
    assert later.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "http://attacker.example")],
        [("Origin", "null")],
        [("Origin", "http://127.0.0.1:8080")],
        [("Origin", "http://localhost:9000")],
        [("Origin", "https://127.0.0.1:9000")],
        [("Origin", ORIGIN), ("Origin", "http://attacker.example")],
    ],
    ids=["foreign", "null", "another port", "another name", "another scheme", "two"],
)
async def test_a_page_of_another_origin_cannot_rotate_the_keys(
    http: httpx.AsyncClient, keys: SigningKeys, headers: list[tuple[str, str]]
) -> None:
    old = keys.current.kid

    answer = await http.post(PATH, headers=headers)

    assert answer.status_code == 403
    assert keys.current.kid == old


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "testclient", "", "2001:db8::1"])
async def test_another_machine_cannot_rotate_the_keys(
    app: Starlette, keys: SigningKeys, host: str
) -> None:
    old = keys.current.kid
    transport = httpx.ASGITransport(app, client=(host, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        answer = await http.post(PATH)

    assert answer.status_code == 403
    assert keys.current.kid == old


async def test_a_caller_without_an_address_cannot_rotate_the_keys(
    app: Starlette, keys: SigningKeys
) -> None:
    old = keys.current.kid

    async def without_address(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": None}, receive, send)

    transport = httpx.ASGITransport(without_address)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        answer = await http.post(PATH)

    assert answer.status_code == 403
    assert keys.current.kid == old


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1"])
async def test_a_caller_with_any_loopback_address_can_rotate_the_keys(
    app: Starlette, host: str
) -> None:
    transport = httpx.ASGITransport(app, client=(host, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        answer = await http.post(PATH)

    assert answer.status_code == 200


async def test_a_get_request_does_not_rotate_the_keys(
    http: httpx.AsyncClient, keys: SigningKeys
) -> None:
    old = keys.current.kid

    answer = await http.get(PATH)

    assert answer.status_code == 405
    assert keys.current.kid == old
