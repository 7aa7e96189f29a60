"""`BearerAuth` in FastAPI beside other verifiers, and behind `BearerMiddleware`."""

import asyncio
import copy
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request, Security
from fastapi.security import SecurityScopes

from asgi_bearer import (
    PRINCIPAL_KEY,
    REALM_KEY,
    BearerMiddleware,
    JWTVerifier,
    Presented,
    Principal,
    principal,
)
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.starlette import Refused
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client

issuer = FakeIssuer()
auth = BearerAuth(issuer.verifier(), realm="contacts")

READS = ["read:contacts"]


def answer() -> str:
    return "contacts"


@pytest.mark.parametrize("first", ["ours", "theirs"])
async def test_each_verifier_judges_the_token_itself(first: str) -> None:
    """A request may need two audiences; what one verifier accepts counts only for its own."""
    theirs = BearerAuth(issuer.verifier(audience="https://other.example"), scheme_name="theirs")
    dependencies = [Security(auth), Security(theirs)]
    if first == "theirs":
        dependencies.reverse()
    app = FastAPI()
    app.get("/", dependencies=dependencies)(answer)

    ours = await client(app).get("/", headers=bearer(issuer.token()))
    both = issuer.token(aud=[issuer.audience, "https://other.example"])

    assert ours.status_code == 401
    assert (await client(app).get("/", headers=bearer(both))).status_code == 200


class CountingVerifier:
    """Counts how often it verifies."""

    def __init__(self, verifier: JWTVerifier) -> None:
        self.count = 0
        self._verifier = verifier

    async def verify(self, presented: Presented) -> Principal:
        self.count += 1
        return await self._verifier.verify(presented)


async def test_a_token_is_verified_once_for_all_dependencies_of_a_request() -> None:
    verifier = CountingVerifier(issuer.verifier())
    counted = BearerAuth(verifier)
    app = FastAPI(dependencies=[Security(counted)])
    app.get("/", dependencies=[Security(counted, scopes=READS), Security(counted.optional)])(answer)

    assert (await client(app).get("/", headers=bearer(issuer.token()))).status_code == 200
    assert verifier.count == 1


def guarded(verifier: Any, dependency: BearerAuth, **arguments: Any) -> BearerMiddleware:
    """Return an application with one protected operation, behind a guard."""
    app = FastAPI()

    @app.get("/")
    async def read(request: Request, user: Annotated[Principal, Security(dependency)]) -> bool:
        return request.user is user

    return BearerMiddleware(app, verifier=verifier, **arguments)


async def test_behind_the_guard_a_token_is_verified_once() -> None:
    verifier = CountingVerifier(issuer.verifier())
    app = guarded(verifier, BearerAuth(verifier))

    response = await client(app).get("/", headers=bearer(issuer.token()))

    assert response.json() is True
    assert verifier.count == 1


@pytest.mark.parametrize(
    "arguments", [{"public": ["/"]}, {"optional": True}], ids=["public path", "optional"]
)
async def test_a_guard_that_lets_all_pass_does_not_open_the_operation(
    arguments: dict[str, Any],
) -> None:
    app = guarded(issuer.verifier(), BearerAuth(issuer.verifier()), **arguments)

    assert (await client(app).get("/")).status_code == 401
    assert (await client(app).get("/", headers=bearer(issuer.token()))).status_code == 200
    assert (await client(app).get("/", headers=bearer(issuer.token(exp=1)))).status_code == 401


async def test_a_guard_with_another_verifier_does_not_open_the_operation() -> None:
    wide = issuer.verifier(audience=[issuer.audience, "https://other.example"])
    app = guarded(wide, auth)
    other = issuer.token(aud="https://other.example")

    assert (await client(app).get("/", headers=bearer(other))).status_code == 401
    assert (await client(app).get("/", headers=bearer(issuer.token()))).status_code == 200


async def test_behind_the_guard_its_realm_is_named() -> None:
    verifier = issuer.verifier()
    app = FastAPI()
    reader = BearerAuth(verifier)
    app.get("/", dependencies=[Security(reader, scopes=READS)])(answer)
    outside = BearerMiddleware(app, verifier=verifier, realm="outside")

    response = await client(outside).get("/", headers=bearer(issuer.token(scope="openid")))

    assert response.status_code == 403
    assert 'realm="outside"' in response.headers["www-authenticate"]


async def test_a_refused_dependency_leaves_no_principal_of_another_verifier() -> None:
    """An application that goes on after a refusal is anonymous for the verifier that refused."""
    theirs = BearerAuth(issuer.verifier(audience="https://other.example"), scheme_name="theirs")
    app = FastAPI()

    @app.get("/", dependencies=[Security(auth)])
    async def read(request: Request) -> list[int]:
        statuses: list[int] = []
        for _ in range(2):
            try:
                await theirs(request, SecurityScopes())
            except Refused as refused:
                statuses.append(refused.status_code)
        return statuses

    response = await client(app).get("/", headers=bearer(issuer.token()))

    assert response.json() == [401, 401]


async def test_a_copied_scope_is_verified_again() -> None:
    verifier = issuer.verifier()
    app = FastAPI()
    app.get("/", dependencies=[Security(BearerAuth(verifier))])(answer)

    async def copying(scope: Any, receive: Any, send: Any) -> None:
        left = {key: copy.deepcopy(scope[key]) for key in (PRINCIPAL_KEY, REALM_KEY)}
        await app({**scope, **left}, receive, send)

    outside = BearerMiddleware(copying, verifier=verifier)

    assert (await client(outside).get("/", headers=bearer(issuer.token()))).status_code == 200


async def test_requests_at_the_same_time_have_their_own_principals() -> None:
    app = FastAPI()

    @app.get("/")
    async def read(user: Annotated[Principal, Security(auth)]) -> str | None:
        await asyncio.sleep(0)
        return user.subject

    names = [f"user {number}" for number in range(20)]
    async with client(app) as http:
        responses = await asyncio.gather(
            *(http.get("/", headers=bearer(issuer.token(sub=name))) for name in names)
        )

    assert [response.json() for response in responses] == names


async def test_without_a_guard_the_principal_is_in_the_scope_too() -> None:
    app = FastAPI()

    @app.get("/", dependencies=[Security(auth)])
    async def read(request: Request) -> str | None:
        user = principal(request.scope)
        return user.subject if user else None

    assert (await client(app).get("/", headers=bearer(issuer.token()))).json() == "alice"


@pytest.mark.parametrize(
    ("method", "path", "without"),
    [
        pytest.param("GET", "/docs", 200, id="documentation"),
        pytest.param("GET", "/openapi.json", 200, id="document"),
        pytest.param("GET", "/mounted/", 200, id="a mounted application"),
        pytest.param("POST", "/", 422, id="a body that is read before dependencies"),
        pytest.param("GET", "/nowhere", 404, id="no route"),
    ],
)
async def test_the_guard_protects_what_dependencies_do_not_reach(
    method: str, path: str, without: int
) -> None:
    verifier = issuer.verifier()
    app = FastAPI(dependencies=[Security(BearerAuth(verifier))])
    mounted = FastAPI()
    mounted.get("/")(answer)
    app.mount("/mounted", mounted)

    @app.post("/")
    async def write(body: dict[str, str]) -> None: ...

    request = {"content": b"{", "headers": {"content-type": "application/json"}}
    arguments: dict[str, Any] = request if method == "POST" else {}
    guarded = BearerMiddleware(app, verifier=verifier)

    assert (await client(app).request(method, path, **arguments)).status_code == without
    assert (await client(guarded).request(method, path, **arguments)).status_code == 401
