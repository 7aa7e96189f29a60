"""`BearerAuth` in FastAPI on WebSockets: refused before they are accepted."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Security, WebSocket

from asgi_bearer import BearerMiddleware, Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, handshake, websocket_scope

issuer = FakeIssuer()
verifier = issuer.verifier()
auth = BearerAuth(verifier)

READS = ["read:contacts"]


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def application(*, added: bool = True) -> FastAPI:
    app = FastAPI()
    if added:
        auth.add_to(app)

    @app.websocket("/parameter")
    async def parameter(
        websocket: WebSocket,
        user: Annotated[Principal, Security(auth, scopes=["read:contacts"])],
    ) -> None:
        await websocket.accept()
        await websocket.send_json(user.subject)
        await websocket.close()

    @app.websocket("/optional")
    async def optional(
        websocket: WebSocket, user: Annotated[Principal | None, Security(auth.optional)]
    ) -> None:
        await websocket.accept()
        await websocket.send_json(user.subject if user else None)
        await websocket.close()

    app.websocket("/dependencies", dependencies=[Security(auth, scopes=READS)])(echo)
    router = APIRouter()
    router.websocket("/echo")(echo)
    app.include_router(router, prefix="/router", dependencies=[Security(auth, scopes=READS)])
    return app


PROTECTED = ["/parameter", "/dependencies", "/router/echo"]


def kinds(sent: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in sent]


@pytest.mark.parametrize("path", PROTECTED)
async def test_a_token_with_the_scope_opens_a_websocket(path: str) -> None:
    sent = await handshake(application(), websocket_scope(path, bearer(issuer.token())))

    assert sent[0]["type"] == "websocket.accept"


async def test_the_endpoint_gets_the_principal() -> None:
    sent = await handshake(application(), websocket_scope("/parameter", bearer(issuer.token())))

    assert sent[1]["text"] == '"alice"'


@pytest.mark.parametrize("added", [True, False], ids=["add_to", "forgotten"])
@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no token"),
        pytest.param(bearer(issuer.token(exp=1)), 401, id="expired"),
        pytest.param(bearer(issuer.token(scope="openid")), 403, id="too little scope"),
    ],
)
async def test_a_refused_websocket_is_answered_with_http(
    headers: dict[str, str], status: int, path: str, added: bool
) -> None:
    sent = await handshake(application(added=added), websocket_scope(path, headers))

    assert kinds(sent) == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == status
    fields = dict(sent[0]["headers"])
    assert fields[b"www-authenticate"].startswith(b'Bearer realm="api"')
    assert fields[b"cache-control"] == b"no-store"


@pytest.mark.parametrize("path", PROTECTED)
async def test_a_server_that_cannot_answer_with_http_closes_the_websocket(path: str) -> None:
    sent = await handshake(application(), websocket_scope(path, denial=False))

    assert kinds(sent) == ["websocket.close"]
    assert sent[0]["code"] == 1008


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, "websocket.accept", id="no token"),
        pytest.param(bearer(issuer.token()), "websocket.accept", id="a token"),
        pytest.param(
            bearer(issuer.token(exp=1)), "websocket.http.response.start", id="a bad token"
        ),
    ],
)
async def test_an_optional_token_is_verified_if_there_is_one(
    headers: dict[str, str], expected: str
) -> None:
    sent = await handshake(application(), websocket_scope("/optional", headers))

    assert sent[0]["type"] == expected


def offered(*subprotocols: str) -> dict[str, Any]:
    scope = websocket_scope("/parameter", {"sec-websocket-protocol": ", ".join(subprotocols)})
    return {**scope, "subprotocols": list(subprotocols)}


async def test_behind_the_guard_a_token_may_come_as_a_subprotocol() -> None:
    app = BearerMiddleware(application(), verifier=verifier, websocket_subprotocol="bearer")

    sent = await handshake(app, offered("bearer", issuer.token()))

    assert sent[0] == {"type": "websocket.accept", "subprotocol": "bearer", "headers": []}


@pytest.mark.parametrize("denial", [True, False])
async def test_behind_the_guard_an_endpoint_refuses_as_without_it(denial: bool) -> None:
    app = BearerMiddleware(application(), verifier=verifier)
    headers = bearer(issuer.token(scope="openid"))

    sent = await handshake(app, websocket_scope("/parameter", headers, denial=denial))

    assert sent[0].get("status", sent[0].get("code")) == (403 if denial else 1008)


@pytest.mark.parametrize("headers", [{}, bearer(issuer.token(scope="openid"))])
async def test_a_dependency_of_the_application_protects_websockets(headers: dict[str, str]) -> None:
    app = FastAPI(dependencies=[Security(auth, scopes=READS)])
    app.websocket("/")(echo)

    sent = await handshake(app, websocket_scope("/", headers))

    assert sent[0]["type"] == "websocket.http.response.start"
