"""Keys over plain HTTP from a host in a private network, if the operator allows the host."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asgi_bearer import JWTVerifier, Presented
from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import remote_keys
from asgi_bearer.testing import AUDIENCE, FakeIssuer, signing_key
from tests.support.answering_server import Server, ok_response, serving, without_proxies

HOST = "0.0.0.0"  # noqa: S104 - to connect to, not to listen at
"""An address of this machine, like 127.0.0.1, but not a loopback host by its name."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@asynccontextmanager
async def keycloak(**changes: str) -> AsyncGenerator[tuple[Server, FakeIssuer]]:
    """Serve an issuer's metadata and keys without TLS; `changes` replace members of the
    metadata."""
    documents: dict[str, bytes] = {}

    async def answer(writer: Any) -> None:
        path = server.requests[-1].split(b" ")[1].decode()
        missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        writer.write(ok_response(documents[path]) if path in documents else missing)
        await writer.drain()

    async with serving(answer) as server:
        address = f"http://{HOST}:{server.port}/realms/x"
        issuer = FakeIssuer(key=signing_key("ES256"), issuer=address)
        metadata = {"issuer": address, "jwks_uri": f"{address}/keys", **changes}
        documents["/realms/x/.well-known/openid-configuration"] = json.dumps(metadata).encode()
        documents["/realms/x/keys"] = json.dumps(issuer.jwks()).encode()
        yield server, issuer


async def test_a_token_of_an_issuer_without_tls_is_accepted_if_allow_http_names_its_host() -> None:
    async with keycloak() as (server, issuer):
        verifier = JWTVerifier(
            issuer=issuer.issuer,
            audience=AUDIENCE,
            allow_http={f"{HOST}:{server.port}"},
            clock=issuer.clock,
        )

        principal = await verifier.verify(Presented(issuer.token()))

    assert principal.subject == "alice"
    assert [line.split(b" ")[1] for line in server.requests][-1] == b"/realms/x/keys"


async def test_an_issuer_without_tls_is_refused_if_allow_http_does_not_name_its_host_and_port() -> (
    None
):
    async with keycloak() as (server, issuer):
        for hosts in ((), {HOST}, {f"{HOST}:{server.port + 1}"}, {f"keycloak:{server.port}"}):
            with pytest.raises(ValueError, match=r"^issuer must be https .*allow_http names"):
                remote_keys(issuer=issuer.issuer, allow_http=hosts)

    assert server.requests == []


async def test_metadata_without_tls_cannot_lead_to_another_host_without_tls() -> None:
    async with keycloak(jwks_uri="http://127.0.0.2:1/keys") as (server, issuer):
        keys = remote_keys(issuer=issuer.issuer, allow_http={f"{HOST}:{server.port}"})

        with pytest.raises(KeysUnavailable, match="jwks_uri must not point to this machine"):
            await keys.key_set()

    async with keycloak(jwks_uri="http://keys.example/keys") as (server, issuer):
        keys = remote_keys(issuer=issuer.issuer, allow_http={f"{HOST}:{server.port}"})

        with pytest.raises(
            KeysUnavailable, match=r"jwks_uri must be https .*'http://keys\.example"
        ):
            await keys.key_set()
