"""An issuer on a real socket: for processes and clients that fetch over HTTP."""

import threading
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from asgi_bearer import JWTVerifier, Presented
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeIssuer


async def test_a_verifier_fetches_over_http() -> None:
    issuer = FakeIssuer()

    with issuer.serve() as url:
        verifier = JWTVerifier(issuer=url, audience=AUDIENCE)
        principal = await verifier.verify(Presented(issuer.token()))

    assert principal.issuer == url
    assert issuer.requested == ["/.well-known/oauth-authorization-server", "/jwks"]
    assert issuer.issuer == ISSUER


def test_a_synchronous_test_fetches_too_and_sees_the_faults() -> None:
    issuer = FakeIssuer()

    with issuer.serve() as url:
        with urlopen(f"{url}/jwks") as response:  # noqa: S310 - a URL on loopback
            assert response.headers["content-type"] == "application/json"
        with issuer.outage(), pytest.raises(HTTPError, match="503") as failed:
            urlopen(f"{url}/jwks")  # noqa: S310 - a URL on loopback
        failed.value.close()


def test_two_issuers_are_served_at_once() -> None:
    with FakeIssuer().serve() as one, FakeIssuer().serve() as other:
        assert one != other


def test_an_answer_over_http_is_held_back_until_the_block_ends() -> None:
    issuer = FakeIssuer()
    statuses: list[int] = []

    def fetch(url: str) -> None:
        with urlopen(url) as response:  # noqa: S310 - a URL on loopback
            statuses.append(response.status)

    with issuer.serve() as url:
        thread = threading.Thread(target=fetch, args=(f"{url}/jwks",))
        with issuer.held_back():
            thread.start()
            while not issuer.requested:
                thread.join(0.001)
            assert statuses == []
        thread.join(60)

    assert statuses == [200]


def test_the_block_ends_while_an_answer_is_held_back() -> None:
    issuer = FakeIssuer()

    def fetch(url: str) -> None:
        with urlopen(url):  # noqa: S310 - a URL on loopback
            pass

    with issuer.held_back(), issuer.serve() as url:
        thread = threading.Thread(target=fetch, args=(f"{url}/jwks",))
        thread.start()
        while not issuer.requested:
            thread.join(0.001)
    thread.join(60)

    assert not thread.is_alive()


async def test_the_issuers_own_verifier_fetches_in_process_meanwhile() -> None:
    issuer = FakeIssuer()

    with issuer.serve() as url:
        principal = await issuer.verifier().verify(Presented(issuer.token()))

    assert principal.issuer == url
