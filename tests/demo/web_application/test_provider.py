"""The provider: its discovery document, and the requests to its token endpoint."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from asgi_bearer.testing import FakeClock
from demo.web_application.provider.discovery import Provider, ProviderUnavailable, validated
from demo.web_application.provider.http import MAX_BYTES, NoAnswer, send
from demo.web_application.provider.token_endpoint import TokenEndpoint, TokenRefused
from demo.web_application.settings import WebApplicationSettings
from tests.demo.web_application.conftest import WEB, Parties
from tests.support.fake_provider import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    PROVIDER,
)

ISSUER = "https://issuer.example"

DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def client(respond: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """Return a client that reads the responses from a stream, as from a real server."""

    def streamed(request: httpx.Request) -> httpx.Response:
        made = respond(request)
        stream = httpx.ByteStream(made.content)
        return httpx.Response(made.status_code, headers=made.headers, stream=stream)

    return httpx.AsyncClient(transport=httpx.MockTransport(streamed))


def test_a_document_may_omit_optional_members() -> None:
    metadata = validated(DOCUMENT, ISSUER)

    assert metadata.end_session_endpoint is None
    assert metadata.userinfo_endpoint is None
    assert metadata.revocation_endpoint is None
    assert metadata.names_issuer is False
    assert metadata.authentication == {"client_secret_basic"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"issuer": f"{ISSUER}/"}, "issuer"),
        ({"issuer": None}, "issuer"),
        ({"authorization_endpoint": None}, "authorization_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"authorization_endpoint": "http://issuer.example/"}, "authorization_endpoint"),
        ({"token_endpoint": "/token"}, "token_endpoint"),
        ({"token_endpoint": "http://127.0.0.1/token"}, "token_endpoint"),
        ({"token_endpoint": "https://user:password@issuer.example/"}, "token_endpoint"),
        ({"jwks_uri": 7}, "jwks_uri"),
        ({"end_session_endpoint": "ftp://issuer.example/"}, "end_session_endpoint"),
        ({"userinfo_endpoint": "https://issuer.example/#a"}, "userinfo_endpoint"),
        ({"revocation_endpoint": "http://127.0.0.1/revoke"}, "revocation_endpoint"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "auth_methods"),
        ({"token_endpoint_auth_methods_supported": "none"}, "auth_methods"),
    ],
    ids=str,
)
def test_an_invalid_document_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ProviderUnavailable, match=named):
        validated({**DOCUMENT, **changes}, ISSUER)


def test_the_error_names_all_invalid_members() -> None:
    with pytest.raises(ProviderUnavailable, match=r"issuer .*token_endpoint .*jwks_uri"):
        validated({**DOCUMENT, "issuer": "x", "token_endpoint": "x", "jwks_uri": "x"}, ISSUER)


async def test_the_document_is_cached_for_ten_minutes() -> None:
    clock = FakeClock()
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=DOCUMENT)

    async with client(respond) as http:
        provider = Provider(ISSUER, http, clock=clock)
        for seconds in (0, 599, 2):
            clock.advance(seconds)
            await provider.metadata()

    assert asked == [f"{ISSUER}/.well-known/openid-configuration"] * 2


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://attacker.example/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b" " * (MAX_BYTES + 1)),
        httpx.Response(200, headers={"Content-Encoding": "br"}, content=b"{}"),
    ],
    ids=["404", "redirect", "HTML", "array", "too long", "compressed"],
)
async def test_without_a_document_the_provider_is_unavailable(response: httpx.Response) -> None:
    async with client(lambda _: response) as http:
        with pytest.raises(ProviderUnavailable):
            await Provider(ISSUER, http).metadata()


async def test_a_cookie_of_a_server_is_not_sent_back() -> None:
    sent: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "session=alices; Path=/"})

    async with client(respond) as http:
        for _ in range(2):
            await send(http, http.build_request("GET", ISSUER))

        assert not http.cookies

    assert sent == [None, None]


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.web_application.provider.http.TIMEOUT", 0.01)

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            import asyncio

            await asyncio.Event().wait()
            raise AssertionError

    async with httpx.AsyncClient(transport=Silent()) as http:
        with pytest.raises(NoAnswer):
            await send(http, http.build_request("GET", ISSUER))


def _answering(response: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    def respond(request: httpx.Request) -> httpx.Response:
        return response if request.method == "POST" else httpx.Response(200, json=DOCUMENT)

    return respond


class TestTokenRequests:
    """Client authentication, and the verdicts of the token endpoint."""

    async def test_the_client_secret_is_sent_in_the_header_by_default(
        self, parties: Parties
    ) -> None:
        await parties.signed_in()

        (request,) = parties.provider.exchanges()
        (header,) = parties.provider.authorization_headers
        assert (header or "").startswith("Basic ")
        assert "client_secret" not in request

    async def test_the_client_secret_is_sent_in_the_body_if_only_that_is_supported(
        self, parties: Parties
    ) -> None:
        parties.provider.metadata = {
            "token_endpoint_auth_methods_supported": ["client_secret_post"]
        }

        await parties.signed_in()

        (request,) = parties.provider.exchanges()
        assert (request["client_id"], request["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        assert parties.provider.authorization_headers == [None]

    async def test_the_code_is_sent_with_redirect_uri_and_verifier(self, parties: Parties) -> None:
        callback = await parties.at_callback()
        await parties.hand_over(callback)

        (request,) = parties.provider.exchanges()
        assert request["code"] == callback.fragment["code"]
        assert request["redirect_uri"] == f"{WEB}callback"
        assert len(request["code_verifier"]) >= 43
        assert "audience" not in request

    @pytest.mark.parametrize(
        ("response", "error"),
        [
            (httpx.Response(400, json={"error": "invalid_grant"}), "invalid_grant"),
            (httpx.Response(401, json={"error": "invalid_client"}), "invalid_client"),
            (httpx.Response(403, json={"error": "access_denied"}), "access_denied"),
        ],
        ids=["400", "401", "403"],
    )
    async def test_an_oauth_error_is_a_refusal(
        self, web_settings: WebApplicationSettings, response: httpx.Response, error: str
    ) -> None:
        async with client(_answering(response)) as http:
            endpoint = TokenEndpoint(web_settings, Provider(ISSUER, http), http)
            with pytest.raises(TokenRefused) as refused:
                await endpoint.refresh("token")

        assert refused.value.error == error

    @pytest.mark.parametrize(
        "response",
        [
            httpx.Response(401, json={"error": 7}),
            httpx.Response(400, text="<html>"),
            httpx.Response(429, json={"error": "slow_down"}),
            httpx.Response(500, text="oops"),
            httpx.Response(503, json={"error": "invalid_grant"}),
            httpx.Response(200, json={"token_type": "Bearer"}),
            httpx.Response(200, json={"access_token": "a", "token_type": "mac"}),
            httpx.Response(200, json={"access_token": "a"}),
            httpx.Response(200, json={"error": "invalid_grant"}),
            httpx.Response(302, headers={"Location": "https://attacker.example/"}),
        ],
        ids=[
            "strange error",
            "no JSON",
            "too many",
            "broken",
            "away",
            "no token",
            "type",
            "no type",
            "error with 200",
            "redirect",
        ],
    )
    async def test_any_other_response_is_no_verdict(
        self, web_settings: WebApplicationSettings, response: httpx.Response
    ) -> None:
        async with client(_answering(response)) as http:
            endpoint = TokenEndpoint(web_settings, Provider(ISSUER, http), http)
            with pytest.raises(ProviderUnavailable, match=f"answers {response.status_code}"):
                await endpoint.refresh("token")


class TestAnotherNameForTheAudience:
    """A provider that supports `resource` (RFC 8707)."""

    @pytest.fixture
    def web_settings(self, web_settings: WebApplicationSettings) -> WebApplicationSettings:
        return replace(web_settings, audience_parameter="resource")

    async def test_the_resource_is_sent_to_both_endpoints(self, parties: Parties) -> None:
        await parties.press(await parties.signed_in(), "/refresh")

        (request,) = parties.provider.requested
        assert request["resource"] == AUDIENCE
        assert "audience" not in request
        assert [sent["resource"] for sent in parties.provider.requests] == [AUDIENCE, AUDIENCE]


def settings(**changes: Any) -> WebApplicationSettings:
    good: dict[str, Any] = {
        "address": WEB,
        "issuer": PROVIDER,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "api": "https://api.example/",
        "audience": AUDIENCE,
        "scopes": ("openid",),
    }
    return WebApplicationSettings(**{**good, **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"address": "http://localhost:8080"}, "address must end in a slash"),
        ({"address": "http://web.example/"}, "address must be https"),
        ({"issuer": "issuer"}, "issuer must be"),
        ({"api": "http://api.example/"}, "api must be https"),
        ({"client_id": ""}, "client_id must not be empty"),
        ({"client_secret": ""}, "client_secret must not be empty"),
        ({"audience": ""}, "audience must not be empty"),
        ({"scopes": ("email",)}, "scopes must contain openid"),
        ({"audience_parameter": "aud"}, "audience_parameter must be"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        settings(**changes)


def test_settings_do_not_show_the_secret() -> None:
    assert CLIENT_SECRET not in repr(settings())


def test_an_https_address_needs_a_secure_cookie() -> None:
    assert settings(address="https://web.example/").is_https
    assert not settings().is_https
