"""`BearerAuth.any_of` in FastAPI: one of several scopes is enough."""

import logging
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Security, WebSocket

from asgi_bearer import Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client, handshake, websocket_scope

issuer = FakeIssuer()
auth = BearerAuth(issuer.verifier(), realm="contacts")

Writer = Annotated[Principal, Security(auth.any_of("write:contacts", "admin"))]


def application() -> FastAPI:
    app = FastAPI()
    auth.add_to(app)

    @app.get("/")
    async def read(user: Writer) -> str | None:
        return user.subject

    @app.get("/both", dependencies=[Security(auth.any_of("admin", "audit"), scopes=["openid"])])
    async def both() -> str:
        return "both"

    @app.websocket("/")
    async def watch(websocket: WebSocket, user: Writer) -> None:
        await websocket.accept()

    return app


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/", None, 401),
        ("/", "read:contacts", 403),
        ("/", "write:contacts", 200),
        ("/", "admin read:contacts", 200),
        ("/both", "admin", 403),
        ("/both", "openid", 403),
        ("/both", "openid admin", 200),
    ],
)
async def test_one_of_the_scopes_is_enough(path: str, scope: str | None, status: int) -> None:
    headers = bearer(issuer.token(scope=scope)) if scope else {}

    assert (await client(application()).get(path, headers=headers)).status_code == status


async def test_the_challenge_and_the_log_name_all_of_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    response = await client(application()).get("/", headers=bearer(issuer.token(scope="openid")))

    assert response.headers["www-authenticate"].startswith('Bearer realm="contacts", error=')
    assert 'scope="write:contacts admin"' in response.headers["www-authenticate"]
    assert response.json()["error"] == "insufficient_scope"
    assert [record.getMessage() for record in caplog.records if record.name == "asgi_bearer"] == [
        "refused GET /: insufficient_scope: needs one of write:contacts admin, the token has openid"
    ]


@pytest.mark.parametrize(
    ("scope", "kind"),
    [("openid", "websocket.http.response.start"), ("admin", "websocket.accept")],
)
async def test_a_websocket_needs_one_of_the_scopes(scope: str, kind: str) -> None:
    headers = bearer(issuer.token(scope=scope))

    sent = await handshake(application(), websocket_scope("/", headers))

    assert sent[0]["type"] == kind


@pytest.mark.parametrize(("scopes", "status"), [({"admin"}, 200), (set[str](), 403)])
async def test_a_principal_of_a_test_needs_one_of_the_scopes_too(
    scopes: set[str], status: int
) -> None:
    app = application()
    alice = Principal("https://issuer.example/", "alice", None, frozenset(scopes), 0.0, {})
    app.dependency_overrides[auth] = lambda: alice

    assert (await client(app).get("/")).status_code == status


def test_openapi_shows_the_operation_as_protected() -> None:
    operation = application().openapi()["paths"]["/"]["get"]

    assert operation["security"] == [{"bearer": []}]
    assert "403" in operation["responses"]


@pytest.mark.parametrize("scopes", [(), ("two names",)])
def test_the_scopes_are_checked(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scope"):
        Depends(auth.any_of(*scopes))
