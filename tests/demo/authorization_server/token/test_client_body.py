"""The body of a client's request: an unambiguous form or JSON object; all else is refused."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from demo.authorization_server.requests.parameters import MAX_BYTES
from tests.support.authorization_server.back_channel import BackChannel, error
from tests.support.authorization_server.example_registrations import CONTACTS

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"grant_type=authorization_code"),
        ("", b"grant_type=authorization_code"),
        (FORM, b"grant_type=authorization_code&grant_type=authorization_code"),
        (FORM, b"grant_type=authorization_code&code=&code="),
        (FORM, b"grant_type=authorization_code&code=\xff"),
        (FORM, b"grant_type=authorization_code&code=%FF"),
        (FORM, b"x=" + b"y" * MAX_BYTES),
        (JSON, b"grant_type=authorization_code"),
        (JSON, b""),
        (JSON, b"[]"),
        (JSON, b'"grant_type"'),
        (JSON, b'{"grant_type": "authorization_code"'),
        (JSON, b'{"grant_type": "refresh_token", "grant_type": "authorization_code"}'),
        (JSON, b'{"grant_type": ["authorization_code"]}'),
        (JSON, b'{"grant_type": "client_credentials", "expires_in": 60}'),
        (JSON, b'{"grant_type": null}'),
        (JSON, b'{"client_id": {"client_id": "web-application"}}'),
        (JSON, b'{"code": "\\ud800"}'),
        (JSON, b'{"code": "\xff"}'),
        (JSON, b"[" * 16_000),
        (JSON, json.dumps({"code": "x" * MAX_BYTES}).encode()),
    ],
    ids=lambda value: (value if isinstance(value, str) else ascii(value))[:60],
)
async def test_an_ambiguous_or_unreadable_body_is_refused(
    http: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    answer = await http.post("oauth/token", content=body, headers={"Content-Type": content_type})

    assert error(answer) == (400, "invalid_request")


async def test_parameters_in_the_url_are_refused_even_with_a_valid_body(
    back_channel: BackChannel,
) -> None:
    asked = {
        "grant_type": "client_credentials",
        "audience": CONTACTS.identifier,
        "scope": "read:contacts",
    }

    in_body = await back_channel.post("oauth/token", **asked)
    in_both = await back_channel.post("oauth/token?scope=read:contacts", **asked)

    assert in_body.status_code == 200
    assert error(in_both) == (400, "invalid_request")


async def test_an_endless_body_is_refused_at_the_limit(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BYTES:
            sent += 1024
            yield b"x" * 1024

    answer = await http.post("oauth/token", content=endless(), headers={"Content-Type": FORM})

    assert error(answer) == (400, "invalid_request")
    assert sent <= MAX_BYTES + 4096


async def test_a_get_request_gets_no_tokens(http: httpx.AsyncClient) -> None:
    answer = await http.get("oauth/token")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
