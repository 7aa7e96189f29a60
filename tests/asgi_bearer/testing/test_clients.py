"""The fixtures with the test clients of frameworks; no test needs a network or an event loop."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import httpx
import httpx2
import pytest
from fastapi import Depends, FastAPI, Request
from litestar import Litestar, get
from litestar import Request as LitestarRequest
from litestar.datastructures import State
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient as LitestarClient
from starlette.testclient import TestClient

from asgi_bearer import BearerMiddleware, JWTVerifier, Presented
from asgi_bearer.testing import AttackToken, FakeIssuer
from tests.support.asgi import answer_subject

Headers = Callable[..., dict[str, str]]

verifier = JWTVerifier(issuer="https://tenant.example/", audience="https://api.example/orders")
"""As applications make it, when their module is imported."""

orders = FastAPI()
orders.add_middleware(BearerMiddleware, verifier=verifier)


@orders.get("/orders")
def listed(request: Request) -> str:
    subject: str = request.user.subject
    return subject


@pytest.fixture
def tenant() -> Iterator[FakeIssuer]:
    with FakeIssuer.instead_of(verifier) as issuer:
        yield issuer


async def test_httpx_and_httpx2(issuer: FakeIssuer, auth_headers: Headers) -> None:
    app = issuer.guard(answer_subject)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://api.example"
    ) as one:
        assert (await one.get("/", headers=auth_headers(sub="bob"))).text == "bob"
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="https://api.example"
    ) as other:
        assert (await other.get("/", headers=auth_headers(sub="bob"))).text == "bob"


async def test_each_attack_is_refused_over_httpx(
    issuer: FakeIssuer, attack_tokens: list[AttackToken]
) -> None:
    transport = httpx.ASGITransport(app=issuer.guard())

    async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as http:
        for attack in attack_tokens:
            response = await http.get("/", headers=attack.headers)
            assert response.status_code == attack.status, attack
            assert f'error="{attack.error}"' in response.headers["www-authenticate"], attack


def test_the_test_client_of_starlette_and_an_application_with_a_verifier_of_its_module(
    tenant: FakeIssuer,
) -> None:
    headers = {"Authorization": f"Bearer {tenant.token(sub='bob')}"}

    # With its lifespan, in one event loop, and without it, in one event loop for each request.
    with TestClient(orders) as client:
        assert client.get("/orders", headers=headers).json() == "bob"
        with tenant.outage():
            assert client.get("/orders", headers=headers).json() == "bob"
    assert TestClient(orders).get("/orders", headers=headers).json() == "bob"
    assert TestClient(orders).get("/orders").status_code == 401


def test_each_attack_is_refused_by_the_test_client_of_starlette(
    issuer: FakeIssuer, attack_tokens: list[AttackToken]
) -> None:
    with TestClient(issuer.guard()) as client:
        for attack in attack_tokens:
            assert client.get("/", headers=attack.headers).status_code == attack.status, attack


def test_a_verifier_that_is_a_dependency_is_overridden_with_that_of_the_issuer(
    issuer: FakeIssuer, auth_headers: Headers
) -> None:
    def configured() -> JWTVerifier:
        raise NotImplementedError

    app = FastAPI()

    @app.get("/")
    async def who(request: Request, used: Annotated[JWTVerifier, Depends(configured)]) -> str:
        _, _, token = request.headers["authorization"].partition(" ")
        return (await used.verify(Presented(token))).subject or ""

    checked = issuer.verifier()
    app.dependency_overrides[configured] = lambda: checked

    assert TestClient(app).get("/", headers=auth_headers(sub="bob")).json() == "bob"


def test_the_test_client_of_litestar(issuer: FakeIssuer, auth_headers: Headers) -> None:
    @get("/", sync_to_thread=False)
    def who(request: LitestarRequest[object, object, State]) -> str:
        subject: str = request.scope["user"].subject
        return subject

    # Litestar has types of its own for ASGI.
    guard: Any = BearerMiddleware
    guarded = DefineMiddleware(guard, verifier=issuer.verifier())
    # By default Litestar sets the level of the root logger, for all later tests of the process.
    app = Litestar([who], middleware=[guarded], logging_config=None)
    with LitestarClient(app) as client:
        assert client.get("/", headers=auth_headers(sub="bob")).text == "bob"
        assert client.get("/").status_code == 401
