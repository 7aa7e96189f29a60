"""`BearerAuth` in FastAPI: which requests pass, and what a refused one is answered with."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Security

from asgi_bearer import Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client

issuer = FakeIssuer()
auth = BearerAuth(issuer.verifier(), realm="contacts")

User = Annotated[Principal, Security(auth)]
Reader = Annotated[Principal, Security(auth, scopes=["read:contacts"])]

READS, WRITES = ["read:contacts"], ["write:contacts"]


def answer() -> str:
    return "contacts"


def is_admin(user: Annotated[Principal, Security(auth, scopes=["read:contacts"])]) -> Principal:
    return user


def application(*, added: bool = True) -> FastAPI:
    app = FastAPI()
    if added:
        auth.add_to(app)

    @app.get("/any")
    async def any_token(user: User) -> str | None:
        return user.subject

    @app.get("/reader")
    async def reader(user: Reader) -> str | None:
        return user.subject

    @app.get("/not-async")
    def not_async(user: Reader) -> str | None:
        return user.subject

    @app.get("/both")
    async def both(
        user: Annotated[Principal, Security(auth, scopes=["read:contacts", "write:contacts"])],
    ) -> str | None:
        return user.subject

    @app.get("/nested")
    async def nested(
        user: Annotated[Principal, Security(is_admin, scopes=["write:contacts"])],
    ) -> str | None:
        return user.subject

    @app.get("/twice")
    async def twice(
        reads: Reader, writes: Annotated[Principal, Security(auth, scopes=["write:contacts"])]
    ) -> bool:
        return reads is writes

    app.get("/dependencies", dependencies=[Security(auth, scopes=READS)])(answer)

    router = APIRouter(dependencies=[Security(auth, scopes=READS)])
    router.get("/router")(answer)
    router.get("/router-and-route", dependencies=[Security(auth, scopes=WRITES)])(answer)
    app.include_router(router)

    included = APIRouter()
    included.get("/answer")(answer)
    app.include_router(included, prefix="/included", dependencies=[Security(auth, scopes=READS)])

    mounted = FastAPI(dependencies=[Security(auth, scopes=READS)])
    if added:
        auth.add_to(mounted)
    mounted.get("/answer")(answer)
    app.mount("/mounted", mounted)
    return app


ONE_SCOPE = [
    "/reader",
    "/not-async",
    "/dependencies",
    "/router",
    "/included/answer",
    "/mounted/answer",
]
TWO_SCOPES = ["/both", "/nested", "/twice", "/router-and-route"]
PROTECTED = ["/any", *ONE_SCOPE, *TWO_SCOPES]


@pytest.mark.parametrize("added", [True, False], ids=["add_to", "forgotten"])
@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        *(pytest.param(path, None, 401, id=f"{path} without a token") for path in PROTECTED),
        pytest.param("/any", "openid", 200, id="/any"),
        *(pytest.param(path, "read:contacts", 200, id=path) for path in ONE_SCOPE),
        *(pytest.param(path, "openid", 403, id=f"{path} without the scope") for path in ONE_SCOPE),
        *(pytest.param(path, "read:contacts write:contacts", 200, id=path) for path in TWO_SCOPES),
        *(
            pytest.param(path, scope, 403, id=f"{path}: {scope} alone")
            for path in TWO_SCOPES
            for scope in ("read:contacts", "write:contacts")
        ),
    ],
)
async def test_a_request_needs_a_token_with_all_scopes_around_it(
    path: str, scope: str | None, status: int, added: bool
) -> None:
    headers = bearer(issuer.token(scope=scope)) if scope else {}

    response = await client(application(added=added)).get(path, headers=headers)

    assert response.status_code == status


async def test_the_endpoint_gets_the_principal() -> None:
    response = await client(application()).get("/any", headers=bearer(issuer.token(sub="bob")))

    assert response.json() == "bob"


async def test_scopes_written_as_one_string_let_no_request_pass() -> None:
    wrong: Any = "read:contacts"
    app = FastAPI()
    app.get("/", dependencies=[Security(auth, scopes=wrong)])(answer)

    assert (await client(app).get("/", headers=bearer(issuer.token()))).status_code == 403


async def test_an_override_replaces_the_dependency_in_tests() -> None:
    app = application()
    alice = Principal("https://issuer.example/", "alice", None, frozenset(), 0.0, {})
    app.dependency_overrides[auth] = lambda: alice

    assert (await client(app).get("/reader")).json() == "alice"


async def test_a_refusal_comes_before_faults_of_the_parameters() -> None:
    app = FastAPI()

    @app.get("/{number}")
    async def read(number: int, needed: str, user: User) -> int:
        return number

    assert (await client(app).get("/one")).status_code == 401
    assert (await client(app).get("/one", headers=bearer(issuer.token()))).status_code == 422


async def test_one_dependency_serves_several_applications() -> None:
    apps = [application(), application()]
    headers = bearer(issuer.token())

    assert [(await client(app).get("/reader", headers=headers)).status_code for app in apps] == [
        200,
        200,
    ]


def on_the_route(app: FastAPI) -> None:
    app.get("/", dependencies=[Security(auth, scopes=READS)])(answer)


def included_before(app: FastAPI) -> None:
    router = APIRouter()
    app.include_router(router, dependencies=[Security(auth, scopes=READS)])
    router.get("/")(answer)


def included_after(app: FastAPI) -> None:
    router = APIRouter()
    router.get("/")(answer)
    app.include_router(router, dependencies=[Security(auth, scopes=READS)])


@pytest.mark.parametrize("added", ["before", "after"])
@pytest.mark.parametrize("route", [on_the_route, included_before, included_after])
async def test_no_order_leaves_a_route_open(route: Callable[[FastAPI], None], added: str) -> None:
    app = FastAPI()
    steps = [route, auth.add_to]
    for step in steps if added == "after" else reversed(steps):
        step(app)

    statuses = [
        (await client(app).get("/", headers=headers)).status_code
        for headers in ({}, bearer(issuer.token(scope="openid")), bearer(issuer.token()))
    ]

    # Some versions of FastAPI include only the routes that a router already has.
    assert statuses in ([401, 403, 200], [404, 404, 404])
