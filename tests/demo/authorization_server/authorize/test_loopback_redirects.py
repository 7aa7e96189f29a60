"""Redirect URIs on the loopback address: only the port may vary (RFC 8252 §7.3)."""

from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest

from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.authorize.request import AuthorizationRequest, authorization_request
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.parameters import parameters
from demo.authorization_server.state.state import State
from tests.support.authorization_server.back_channel import CHALLENGE, VERIFIER, BackChannel, error
from tests.support.authorization_server.example_registrations import CONFIDENTIAL, PUBLIC
from tests.support.authorization_server.front_channel import address, decide, query, sign_in
from tests.support.user_agent import UserAgent

NATIVE = (
    "http://127.0.0.1/cb",
    "http://[::1]/cb",
    "http://localhost/cb",
    "http://127.0.0.1:5000/with/port",
    "http://localhost:5000/one/program",
    "http://127.0.0.1/tenant?id=1",
    "https://127.0.0.1/secure",
    "http://127.0.0.2/another",
    "http://[0:0:0:0:0:0:0:1]/long",
    "http://127.0.0.1",
)
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


@pytest.fixture
def registrations(registrations: Registrations) -> Registrations:
    """A native client, and a confidential one with the same addresses."""
    clients = {
        "native": replace(PUBLIC, client_id="native", redirect_uris=NATIVE),
        "server": replace(CONFIDENTIAL, client_id="server", redirect_uris=NATIVE),
    }
    return replace(registrations, clients={**registrations.clients, **clients})


def parsed_request(
    registrations: Registrations, redirect_uri: str, client_id: str = "native"
) -> AuthorizationRequest:
    asked = query(client_id=client_id, redirect_uri=redirect_uri, **PKCE)
    return authorization_request(parameters(asked.encode()), registrations)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        *NATIVE,
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1:49152/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]:49152/cb",
        "http://localhost:49152/cb",
        "http://127.0.0.1:5001/with/port",
        "http://127.0.0.1/with/port",
        "http://127.0.0.1:49152/tenant?id=1",
        "http://127.0.0.1:49152",
    ],
)
def test_a_public_client_may_use_any_port_of_its_loopback_address(
    registrations: Registrations, redirect_uri: str
) -> None:
    assert parsed_request(registrations, redirect_uri).destination.redirect_uri == redirect_uri


@pytest.mark.parametrize(
    "redirect_uri",
    [
        # Other names of this machine, and names that only look like it.
        "http://127.1:5000/cb",
        "http://127.0.0.01:5000/cb",
        "http://0x7f000001:5000/cb",
        "http://0x7f.0.0.1:5000/cb",
        "http://2130706433:5000/cb",
        "http://017700000001:5000/cb",
        "http://0.0.0.0:5000/cb",
        "http://127.0.0.2:5000/another",
        "http://[0:0:0:0:0:0:0:1]:5000/long",
        "http://[::ffff:127.0.0.1]:5000/cb",
        "http://[::1%25lo]:5000/cb",
        "http://::1:5000/cb",
        "http://LOCALHOST:5000/cb",
        "http://localhost.:5000/cb",
        "http://127.0.0.1.:5000/cb",
        "http://127.0.0.1.evil.example:5000/cb",
        "http://localhost.evil.example:5000/cb",
        "http://evil.example:5000/cb",
        "http://127\uff0e0.0.1:5000/cb",
        # The loopback hosts are different hosts.
        "http://localhost:5000/with/port",
        "http://[::1]:5000/with/port",
        # Registered with a port, `localhost` names one program on this machine.
        "http://localhost:5001/one/program",
        "http://localhost/one/program",
        # User information.
        "http://user@127.0.0.1:5000/cb",
        "http://user:5000@127.0.0.1/cb",
        "http://@127.0.0.1:5000/cb",
        "http://127.0.0.1:5000@evil.example/cb",
        "http://127.0.0.1:5000\\@evil.example/cb",
        # Impossible ports.
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:00/cb",
        "http://127.0.0.1:05000/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:500000/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:+1/cb",
        "http://127.0.0.1:5e3/cb",
        "http://127.0.0.1: 5000/cb",
        "http://127.0.0.1:\u0665\u0660/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:5000:5000/cb",
        "http://127.0.0.1:*/cb",
        # Scheme, path, query and fragment.
        "https://127.0.0.1:5000/cb",
        "https://127.0.0.1:5000/secure",
        "HTTP://127.0.0.1:5000/cb",
        "ftp://127.0.0.1:5000/cb",
        "//127.0.0.1:5000/cb",
        "http:/127.0.0.1:5000/cb",
        "http://127.0.0.1:5000/",
        "http://127.0.0.1:5000/CB",
        "http://127.0.0.1:5000/cb/",
        "http://127.0.0.1:5000//cb",
        "http://127.0.0.1:5000/c%62",
        "http://127.0.0.1:5000/./cb",
        "http://127.0.0.1:5000/x/../cb",
        "http://127.0.0.1:5000/cb?",
        "http://127.0.0.1:5000/cb?next=https://evil.example/",
        "http://127.0.0.1:5000/tenant?id=2",
        "http://127.0.0.1:5000/tenant?id=1&id=2",
        "http://127.0.0.1:5000/tenant",
        "http://127.0.0.1:5000?",
        "http://127.0.0.1:5000/cb#",
        "http://127.0.0.1:5000/cb#code",
        "http://127.0.0.1:5000#/cb",
        " http://127.0.0.1:5000/cb",
    ],
)
def test_everything_but_the_port_must_be_equal(
    registrations: Registrations, redirect_uri: str
) -> None:
    with pytest.raises(RequestUnusable) as refused:
        parsed_request(registrations, redirect_uri)

    assert refused.value.name == "redirect_uri"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_line_break_after_the_port_is_refused(registrations: Registrations, host: str) -> None:
    asked = query(client_id="native", redirect_uri=None, **PKCE)
    redirect_uri = quote(f"http://{host}:5000/cb\n", safe="")

    with pytest.raises(RequestUnusable):
        authorization_request(
            parameters(f"{asked}&redirect_uri={redirect_uri}".encode()), registrations
        )


@pytest.mark.parametrize(
    "redirect_uri", ["http://127.0.0.1:5000/cb", "http://[::1]:5000/cb", "http://localhost:1/cb"]
)
def test_a_confidential_client_may_use_its_registered_port_only(
    registrations: Registrations, redirect_uri: str
) -> None:
    with pytest.raises(RequestUnusable):
        parsed_request(registrations, redirect_uri, "server")


async def code_for(browser: UserAgent, redirect_uri: str) -> str:
    asked = address(client_id="native", redirect_uri=redirect_uri, **PKCE)
    page = await decide(browser, await sign_in(browser, await browser.get(asked)))
    assert page.url.startswith(f"{redirect_uri}#"), page.text
    return page.fragment["code"]


async def test_the_token_endpoint_requires_the_port_of_the_authorization_request(
    browser: UserAgent, http: httpx.AsyncClient, state: State
) -> None:
    back_channel = BackChannel(http, state)
    redirect_uri = "http://127.0.0.1:49152/cb"
    code = await code_for(browser, redirect_uri)
    form = {"client_id": "native", "code_verifier": VERIFIER}

    refused = [
        error(await back_channel.exchange(code, redirect_uri=other, **form))
        for other in ("http://127.0.0.1:49153/cb", "http://127.0.0.1/cb", "http://[::1]:49152/cb")
    ]
    given = await back_channel.exchange(code, redirect_uri=redirect_uri, **form)

    assert refused == [(400, "invalid_grant")] * 3
    assert given.status_code == 200
    assert "access_token" in given.json()


async def test_the_policy_of_the_pages_allows_the_port_of_the_request(
    browser: UserAgent,
) -> None:
    page = await browser.get(
        address(client_id="native", redirect_uri="http://127.0.0.1:49152/cb", **PKCE)
    )

    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:49152;" in policy


async def test_an_error_is_sent_to_the_port_of_the_request(browser: UserAgent) -> None:
    asked = address(client_id="native", redirect_uri="http://[::1]:49152/cb", scope=None, **PKCE)

    page = await browser.get(asked)

    assert page.url.startswith("http://[::1]:49152/cb#")
    assert page.fragment["error"] == "invalid_scope"
