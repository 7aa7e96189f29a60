"""A token among the subprotocols of a WebSocket, because browsers cannot set its headers."""

from typing import Any

import pytest

from asgi_bearer import BearerMiddleware
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, handshake, websocket_scope

issuer = FakeIssuer()


class Accepting:
    """A WebSocket application that records its scopes and accepts."""

    def __init__(self, subprotocol: str | None = None) -> None:
        self._subprotocol = subprotocol
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await receive()
        chosen = {"subprotocol": self._subprotocol} if self._subprotocol else {}
        await send({"type": "websocket.accept", **chosen})


def offering(*names: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
    """Return the scope of a handshake that offers subprotocols."""
    text = ", ".join(names).encode("ascii", "replace").decode()
    offered = {"sec-websocket-protocol": text} if names else {}
    return websocket_scope(headers={**offered, **(headers or {})}, **options) | {
        "subprotocols": list(names)
    }


def guard(app: Any, **arguments: Any) -> BearerMiddleware:
    return issuer.guard(app, **{"websocket_subprotocol": "bearer", **arguments})


async def test_a_token_among_the_subprotocols_opens_a_websocket() -> None:
    app = Accepting()

    sent = await handshake(guard(app), offering("bearer", issuer.token()))

    assert sent == [{"type": "websocket.accept", "subprotocol": "bearer"}]
    assert app.scopes[0]["user"].subject == "alice"


@pytest.mark.parametrize(
    ("before", "after"),
    [([], ["chat"]), (["chat"], []), (["chat"], ["superchat"]), ([], [])],
    ids=["before", "behind", "between", "alone"],
)
async def test_the_application_sees_only_the_other_subprotocols(
    before: list[str], after: list[str]
) -> None:
    app, token = Accepting(), issuer.token()

    await handshake(guard(app), offering(*before, "bearer", token, *after))

    (scope,) = app.scopes
    assert scope["subprotocols"] == [*before, *after]
    shown = dict(scope["headers"]).get(b"sec-websocket-protocol")
    assert shown == (", ".join([*before, *after]).encode() or None)
    assert token.rpartition(".")[2] not in repr(scope)


async def test_a_subprotocol_that_the_application_chooses_stands() -> None:
    sent = await handshake(guard(Accepting("chat")), offering("bearer", issuer.token(), "chat"))

    assert sent == [{"type": "websocket.accept", "subprotocol": "chat"}]


async def test_a_token_in_the_header_needs_no_subprotocol() -> None:
    sent = await handshake(guard(Accepting()), offering("chat", headers=bearer(issuer.token())))

    assert sent == [{"type": "websocket.accept"}]


TOKEN = issuer.token()


@pytest.mark.parametrize(
    ("names", "anonymous"),
    [
        pytest.param((), True, id="no subprotocol"),
        pytest.param(("chat",), True, id="another subprotocol"),
        pytest.param(("Bearer", TOKEN), True, id="other case"),
        pytest.param((TOKEN,), True, id="the token alone"),
        pytest.param(("bearer", TOKEN), False, id="a token"),
    ],
)
async def test_a_handshake_without_the_subprotocol_is_anonymous(
    names: tuple[str, ...], anonymous: bool
) -> None:
    app = Accepting()

    refused = await handshake(guard(app), offering(*names))
    await handshake(guard(app, optional=True), offering(*names))

    assert (refused[0].get("status") == 401) is anonymous
    assert app.scopes[-1]["user"].is_authenticated is not anonymous


@pytest.mark.parametrize(
    ("names", "headers", "status"),
    [
        pytest.param((TOKEN, "bearer"), {}, 400, id="the token in front"),
        pytest.param(("bearer",), {}, 400, id="no token"),
        pytest.param(("bearer", ""), {}, 400, id="an empty token"),
        pytest.param(("bearer", "a b"), {}, 400, id="a space in the token"),
        pytest.param(("bearer", "ä"), {}, 400, id="not ASCII"),
        pytest.param(("bearer", "\ud800"), {}, 400, id="a lone surrogate"),
        pytest.param(("bearer", "chat", TOKEN), {}, 401, id="another name between"),
        pytest.param(("bearer", TOKEN, "bearer", TOKEN), {}, 400, id="twice"),
        pytest.param(("bearer", "bearer", TOKEN), {}, 401, id="the name twice"),
        pytest.param(("bearer", issuer.token(exp=1)), {}, 401, id="expired"),
        pytest.param(("bearer", TOKEN), bearer(TOKEN), 400, id="a header, too"),
        pytest.param(("bearer", TOKEN), {"authorization": "Basic x"}, 400, id="another scheme"),
        pytest.param(("bearer", "x" * 70_000), {}, 401, id="too long"),
    ],
)
@pytest.mark.parametrize("optional", [False, True])
async def test_a_bad_token_among_the_subprotocols_is_refused(
    names: tuple[str, ...], headers: dict[str, str], status: int, optional: bool
) -> None:
    app = Accepting()

    sent = await handshake(guard(app, optional=optional), offering(*names, headers=headers))

    assert sent[0]["status"] == status
    assert app.scopes == []


async def test_a_token_among_the_subprotocols_needs_the_scopes() -> None:
    token = issuer.token(scope="openid")

    sent = await handshake(guard(Accepting(), scopes="read:contacts"), offering("bearer", token))

    assert sent[0]["status"] == 403


@pytest.mark.parametrize("denial", [True, False])
async def test_a_refusal_names_no_subprotocol_and_no_token(denial: bool) -> None:
    token = issuer.token(exp=1)

    sent = await handshake(guard(Accepting()), offering("bearer", token, denial=denial))

    assert "subprotocol" not in sent[0]
    assert token.rpartition(".")[2] not in repr(sent)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("bearer", TOKEN), id="a token"),
        pytest.param(("bearer", TOKEN, "bearer", TOKEN), id="two tokens"),
        pytest.param(("bearer", "bearer", TOKEN), id="the name twice"),
        pytest.param(("bearer", TOKEN, "bearer"), id="the name at the end"),
    ],
)
async def test_the_application_of_a_public_path_sees_no_token(names: tuple[str, ...]) -> None:
    app = Accepting()

    sent = await handshake(guard(app, public={"/"}), offering(*names))

    assert sent == [{"type": "websocket.accept", "subprotocol": "bearer"}]
    assert TOKEN.rpartition(".")[2] not in repr(app.scopes)


async def test_without_the_setting_a_subprotocol_is_no_token() -> None:
    app = Accepting()

    sent = await handshake(issuer.guard(app), offering("bearer", issuer.token()))

    assert sent[0]["status"] == 401


async def test_several_header_fields_are_read_as_one_list() -> None:
    """Servers join them in `subprotocols`; the application sees one field without the token."""
    app, token = Accepting(), issuer.token()
    scope = offering("chat", "bearer", token, "superchat")
    scope["headers"] = [
        (b"Sec-WebSocket-Protocol", b"chat, bearer"),
        (b"sec-websocket-protocol", f"{token}, superchat".encode()),
        (b"host", b"api.example"),
    ]

    await handshake(guard(app), scope)

    assert app.scopes[0]["headers"] == [
        (b"host", b"api.example"),
        (b"sec-websocket-protocol", b"chat, superchat"),
    ]
