"""Attacks on /authorize: no request gets tokens, and no browser is sent to an unregistered address.

The user is signed in and has allowed everything, so a request that is not refused gets tokens.
"""

import hmac
import re
from collections.abc import AsyncGenerator, Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asgi_bearer.testing import signing_key
from asgi_bearer.testing.signing import b64
from tests.refusals.authorization_requests import (
    CLIENT_ERRORS,
    ERROR_PAGES,
    PUBLIC_CALLBACK,
    WITHOUT_A_SESSION,
    ClientError,
    ErrorPage,
)
from tests.support.authorization_server.attacked_server import AttackedServer, attacked_server
from tests.support.authorization_server.example_registrations import ISSUER
from tests.support.authorization_server.front_channel import CALLBACK, CHALLENGE, query

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = "application/x-www-form-urlencoded"

_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749 §4.1.2.1."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AttackedServer]:
    async with attacked_server(tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cookie(attacked: AttackedServer) -> dict[str, str]:
    return await attacked.consenting_session()


def outcome(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Return the address of a redirect."""
    return answer.status_code, answer.headers.get("location"), answer.headers.get("content-type")


async def requested(
    server: AttackedServer, method: str, encoded: str, headers: dict[str, str]
) -> httpx.Response:
    if method == "GET":
        return await server.http.get(f"/authorize?{encoded}", headers=headers)
    form = {**headers, "Content-Type": FORM}
    return await server.http.post("/authorize", content=encoded, headers=form)


class _Hidden(HTMLParser):
    """The forms of a page: their addresses and their hidden fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.actions: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.actions.append(given["action"])
        if tag == "input":
            self.fields.append((given["name"], given["value"]))


def error_parameters(answer: httpx.Response, row: ClientError) -> list[tuple[str, str]]:
    """Return the parameters from the expected place; no other place may have any."""
    if row.place == "form_post":
        page = _Hidden(answer.text)
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert page.actions == [row.redirect_uri]
        return page.fields
    assert answer.status_code == 303
    assert answer.content == b""
    target = urlsplit(answer.headers["location"])
    assert target._replace(query="", fragment="").geturl() == row.redirect_uri
    there, elsewhere = target.fragment, target.query
    if row.place == "query":
        there, elsewhere = elsewhere, there
    assert elsewhere == ""
    return parse_qsl(there, keep_blank_values=True, strict_parsing=True)


def assert_error_sent(answer: httpx.Response, row: ClientError) -> None:
    parameters = error_parameters(answer, row)
    error = dict(parameters)
    assert len(error) == len(parameters)
    assert _DESCRIPTION.fullmatch(error.pop("error_description"))
    state = {} if row.state is None else {"state": row.state}
    assert error == {"error": row.error, "iss": ISSUER, **state}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_the_valid_request_behind_the_others_is_granted_at_once(
    attacked: AttackedServer, cookie: dict[str, str]
) -> None:
    answer = await requested(attacked, "GET", query(), cookie)

    assert answer.headers["location"].startswith(f"{CALLBACK}#code=")


async def test_the_same_request_of_a_public_client_shows_the_consent_page(
    attacked: AttackedServer, cookie: dict[str, str]
) -> None:
    changes = {
        "client_id": "single-page",
        "redirect_uri": PUBLIC_CALLBACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    answer = await requested(attacked, "GET", query(**changes), cookie)

    assert answer.status_code == 200
    assert "Allow Contact page?" in answer.text


@pytest.mark.parametrize("row", ERROR_PAGES, ids=lambda row: row.case)
async def test_a_fault_without_a_trusted_redirect_uri_is_shown_and_redirects_nobody(
    attacked: AttackedServer, cookie: dict[str, str], row: ErrorPage
) -> None:
    before = attacked.memory()

    answer = await requested(attacked, "GET", row.query, cookie)

    assert answer.status_code == 400
    assert row.named in answer.text
    assert {"location", "refresh", "set-cookie", "link"}.isdisjoint(answer.headers)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "form-action 'self'; frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<form|<script|http-equiv|<meta[^>]*refresh", answer.text)
    assert all(link.startswith("/") for link in re.findall(r'(?:href|src)="([^"]*)', answer.text))
    assert len(answer.content) < 5000
    assert attacked.memory() == before


@pytest.mark.parametrize("row", CLIENT_ERRORS, ids=lambda row: row.case[:60])
async def test_any_other_fault_is_sent_to_the_client_like_a_response(
    attacked: AttackedServer, cookie: dict[str, str], row: ClientError
) -> None:
    before = attacked.memory()

    answer = await requested(attacked, "GET", row.query, cookie)

    assert_error_sent(answer, row)
    assert attacked.memory() == before


async def test_posting_a_request_makes_no_difference(
    attacked: AttackedServer, cookie: dict[str, str]
) -> None:
    different: list[str] = []
    before = attacked.memory()

    rows: list[ErrorPage | ClientError] = [*ERROR_PAGES, *CLIENT_ERRORS]
    for row in rows:
        there = await requested(attacked, "GET", row.query, cookie)
        posted = await requested(attacked, "POST", row.query, cookie)
        if posted.headers.get("location", "").startswith("/authorize?"):
            # An id_token_hint is checked after the redirect to a GET request.
            posted = await attacked.http.get(posted.headers["location"], headers=cookie)
        if outcome(there) != outcome(posted):
            different.append(row.case)

    assert different == []
    assert attacked.memory() == before


Signing = Callable[[RSAPrivateKey, bytes], bytes]


def with_the_own_key(key: RSAPrivateKey, content: bytes) -> bytes:
    return key.sign(content, PKCS1v15(), SHA256())


def with_another_key(_key: RSAPrivateKey, content: bytes) -> bytes:
    return signing_key("RS256").sign(content)


def with_the_public_key(key: RSAPrivateKey, content: bytes) -> bytes:
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac.digest(secret, content, "sha256")


def unsigned(_key: RSAPrivateKey, _content: bytes) -> bytes:
    return b""


def hint_of(server: AttackedServer, header: dict[str, Any], sign: Signing) -> str:
    """Return an ID token of alice with this header and the id of the signing key."""
    key = server.keys.current
    claims = {"iss": ISSUER, "sub": "alice", "aud": "web-application", "azp": "web-application"}
    content = f"{b64({'kid': key.kid, **header})}.{b64({**claims, 'exp': 4_000_000_000})}"
    return f"{content}.{b64(sign(key.private_key, content.encode()))}"


async def test_the_valid_hint_behind_the_forged_ones_is_accepted(
    attacked: AttackedServer, cookie: dict[str, str]
) -> None:
    hint = hint_of(attacked, {"alg": "RS256"}, with_the_own_key)

    answer = await requested(attacked, "GET", query(id_token_hint=hint), cookie)

    assert answer.headers["location"].startswith(f"{CALLBACK}#code=")


@pytest.mark.parametrize(
    ("header", "sign"),
    [
        pytest.param({"alg": "HS256"}, with_the_public_key, id="HMAC with the public key"),
        pytest.param({"alg": "RS256"}, with_another_key, id="another key of the same name"),
        pytest.param({"alg": "RS256", "kid": "../keys"}, with_the_own_key, id="a path for a name"),
        pytest.param({"alg": "RS256", "kid": None}, with_the_own_key, id="no name"),
        pytest.param({"alg": "RS256", "jku": "https://evil.example/"}, with_another_key, id="jku"),
        pytest.param({"alg": "none"}, unsigned, id="not signed"),
        pytest.param({"alg": "RS256"}, unsigned, id="not signed, and not saying so"),
        pytest.param({"alg": "RS384"}, with_the_own_key, id="another algorithm"),
        pytest.param({"alg": "RS256", "crit": ["x"], "x": 1}, with_the_own_key, id="crit"),
    ],
)
async def test_a_forged_hint_is_refused(
    attacked: AttackedServer, cookie: dict[str, str], header: dict[str, Any], sign: Signing
) -> None:
    row = ClientError("", query(id_token_hint=hint_of(attacked, header, sign)), "invalid_request")
    before = attacked.memory()

    answer = await requested(attacked, "GET", row.query, cookie)

    assert_error_sent(answer, row)
    assert attacked.memory() == before


@pytest.mark.parametrize("row", WITHOUT_A_SESSION, ids=lambda row: row.case)
async def test_prompt_none_without_a_session_gives_an_error(
    attacked: AttackedServer, row: ClientError
) -> None:
    before = attacked.memory()

    answer = await requested(attacked, "GET", row.query, {})

    assert_error_sent(answer, row)
    assert attacked.memory() == before


@pytest.mark.parametrize(
    "value",
    ["x", "x" * 5000, "' OR 1=1--", '"\\000\\377"', "\u00ff"],
    ids=["unknown", "long", "SQL", "octal", "not ASCII"],
)
async def test_an_invented_cookie_signs_nobody_in(attacked: AttackedServer, value: str) -> None:
    header = f"authorization_server_session={value}".encode("latin-1")

    answer = await attacked.http.get(f"/authorize?{query()}", headers=[(b"Cookie", header)])

    assert answer.status_code == 200
    assert "/authorize/sign-in?" in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
async def test_other_methods_are_refused(
    attacked: AttackedServer, cookie: dict[str, str], method: str
) -> None:
    before = attacked.memory()

    answer = await attacked.http.request(method, f"/authorize?{query()}", headers=cookie)

    assert answer.status_code == 405
    assert attacked.memory() == before


@pytest.mark.parametrize(
    ("content_type", "body", "in_address"),
    [
        pytest.param("application/json", b'{"client_id": "web-application"}', "", id="JSON"),
        pytest.param("text/plain", query().encode(), "", id="plain text"),
        pytest.param("multipart/form-data; boundary=x", b"--x--", "", id="multipart"),
        pytest.param("", query().encode(), "", id="no type"),
        pytest.param(FORM, query().encode(), query(), id="form and address"),
        pytest.param(FORM, query().encode(), "x=y", id="form, and a bit in the address"),
        pytest.param(FORM, b"", query(), id="empty form and address"),
        pytest.param(FORM, query().encode("utf-16"), "", id="UTF-16"),
        pytest.param(FORM, b"\xef\xbb\xbfclient_id=web-application", "", id="BOM"),
        pytest.param(FORM, b"\x00" * 16_385, "", id="too long"),
    ],
)
async def test_an_ambiguous_posted_request_shows_an_error_page(
    attacked: AttackedServer,
    cookie: dict[str, str],
    content_type: str,
    body: bytes,
    in_address: str,
) -> None:
    before = attacked.memory()

    answer = await attacked.http.post(
        f"/authorize?{in_address}" if in_address else "/authorize",
        content=body,
        headers={**cookie, "Content-Type": content_type},
    )

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert attacked.memory() == before
