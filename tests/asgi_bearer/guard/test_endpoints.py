"""`principal` and `refusal`: what an endpoint of any framework asks about a request."""

import json
import logging
from typing import Any

import pytest

from asgi_bearer import (
    PRINCIPAL_KEY,
    REALM_KEY,
    Anonymous,
    BearerMiddleware,
    KeysUnavailable,
    Principal,
    Refusal,
    principal,
    refusal,
)
from asgi_bearer.guard.connection import REFUSAL_KEY
from asgi_bearer.guard.endpoints import admit
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import (
    RecordingApplication,
    bearer,
    bearer_fields,
    client,
    converse,
    handshake,
    http_scope,
    websocket_scope,
)

issuer = FakeIssuer()


async def scope_behind_guard(token: str | None, **arguments: Any) -> dict[str, Any]:
    """Return the scope that an application finds behind a guard."""
    app = RecordingApplication()
    headers = [] if token is None else bearer_fields(token)
    await converse(issuer.guard(app, **arguments), http_scope(headers=headers))
    scope: dict[str, Any] = app.scopes[0]
    return scope


async def test_an_application_finds_the_principal_of_a_request() -> None:
    scope = await scope_behind_guard(issuer.token())

    found = principal(scope)

    assert found is not None
    assert (found.issuer, found.subject) == (issuer.issuer, "alice")


@pytest.mark.parametrize(
    "arguments", [{"optional": True}, {"public": {"/"}}], ids=["optional", "public"]
)
async def test_an_anonymous_request_has_no_principal(arguments: dict[str, Any]) -> None:
    scope = await scope_behind_guard(None, **arguments)

    assert principal(scope) is None
    assert isinstance(scope[PRINCIPAL_KEY], Anonymous)


def test_a_request_that_no_guard_has_seen_has_no_principal() -> None:
    assert principal(http_scope()) is None


async def test_what_the_application_writes_into_user_is_not_believed() -> None:
    scope = await scope_behind_guard(None, optional=True)
    scope["user"] = Principal(issuer.issuer, "mallory", None, frozenset({"admin"}), 0.0, {})

    assert principal(scope) is None
    assert refusal(scope, "admin") is not None


async def test_the_guard_leaves_principal_and_realm_under_their_keys() -> None:
    scope = await scope_behind_guard(issuer.token(), realm="contacts")

    assert scope[PRINCIPAL_KEY] is principal(scope)
    assert scope[REALM_KEY] == "contacts"


@pytest.mark.parametrize("name", ["user", "auth"])
async def test_user_and_auth_can_be_left_alone(name: str) -> None:
    app = RecordingApplication()
    guard = issuer.guard(app, set_user=False)

    await converse(guard, http_scope(headers=bearer_fields(issuer.token()), **{name: "session"}))
    await converse(guard, http_scope(headers=bearer_fields(issuer.token())))

    assert app.scopes[0][name] == "session"
    assert name not in app.scopes[1]
    assert all(principal(scope) is not None for scope in app.scopes)


@pytest.mark.parametrize(
    ("scopes", "any_of", "status"),
    [
        pytest.param((), False, None, id="none needed"),
        pytest.param(("read:contacts",), False, None, id="one"),
        pytest.param(("read:contacts", "write:contacts"), False, 403, id="one of two"),
        pytest.param(("read:contacts", "write:contacts"), True, None, id="any of two"),
        pytest.param(("write:contacts", "admin"), True, 403, id="none of two"),
        pytest.param(("READ:contacts",), False, 403, id="other case"),
    ],
)
async def test_a_refusal_depends_on_the_scopes_of_the_token(
    scopes: tuple[str, ...], any_of: bool, status: int | None
) -> None:
    scope = await scope_behind_guard(issuer.token(scope="read:contacts"))

    refused = refusal(scope, *scopes, any_of=any_of)

    assert (refused and refused.status) == status


async def test_a_refusal_is_the_response_of_the_guard() -> None:
    """Status, headers and body can be sent as they are; the guard would send the same."""
    scope = await scope_behind_guard(issuer.token(scope="openid"), realm="contacts")
    by_guard = BearerMiddleware(
        RecordingApplication(), verifier=issuer.verifier(), scopes=("b", "a"), realm="contacts"
    )

    refused = refusal(scope, "b", "a")
    response = await client(by_guard).get("/", headers=bearer(issuer.token(scope="openid")))

    assert isinstance(refused, Refusal)
    status, headers, body = refused
    assert (status, body) == (response.status_code, response.content)
    assert headers == response.headers.raw
    assert json.loads(body)["status"] == 403
    assert b'scope="b a"' in dict(headers)[b"www-authenticate"]


async def test_an_anonymous_request_is_refused_without_an_error_code() -> None:
    scope = await scope_behind_guard(None, optional=True)

    refused = refusal(scope)

    assert refused is not None
    assert refused.status == 401
    assert dict(refused.headers)[b"www-authenticate"] == b'Bearer realm="api"'


async def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    scope = await scope_behind_guard(issuer.token(scope="openid"))

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        refusal(scope, "admin")

    assert [record.getMessage() for record in caplog.records] == [
        "refused GET /: insufficient_scope: needs admin, the token has openid"
    ]


@pytest.mark.parametrize(
    ("scopes", "any_of", "words"),
    [
        pytest.param(("a b",), False, "'a b' is not one scope name", id="two in one"),
        pytest.param((), True, "at least one scope", id="none to choose from"),
    ],
)
async def test_wrong_scopes_are_an_error_of_the_application(
    scopes: tuple[str, ...], any_of: bool, words: str
) -> None:
    scope = await scope_behind_guard(issuer.token())

    with pytest.raises(ValueError, match=words):
        refusal(scope, *scopes, any_of=any_of)


def test_a_refusal_needs_a_guard() -> None:
    with pytest.raises(RuntimeError, match="behind a BearerMiddleware"):
        refusal(http_scope(), "read:contacts")


class Refusing:
    """A WebSocket application that refuses, and then does what a framework does."""

    def __init__(self, *sends: dict[str, Any], copies: bool = False) -> None:
        self._sends = sends
        self._copies = copies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        refusal(dict(scope) if self._copies else scope, "admin")
        for message in self._sends:
            await send(message)


CLOSE = {"type": "websocket.close", "code": 4403}
ACCEPT = {"type": "websocket.accept"}
DENIAL: dict[str, Any] = {"type": "websocket.http.response.start", "status": 403, "headers": []}


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(Refusing(), id="returns"),
        pytest.param(Refusing(CLOSE), id="closes"),
        pytest.param(Refusing(CLOSE, copies=True), id="copies the scope"),
    ],
)
@pytest.mark.parametrize("denial", [True, False], ids=["with the extension", "without"])
async def test_the_guard_answers_a_websocket_that_an_endpoint_refuses(
    app: Refusing, denial: bool
) -> None:
    scope = websocket_scope(headers=bearer(issuer.token()), denial=denial)

    first, *others = await handshake(issuer.guard(app, realm="contacts"), scope)

    if denial:
        assert (first["type"], first["status"]) == ("websocket.http.response.start", 403)
        assert b'realm="contacts"' in dict(first["headers"])[b"www-authenticate"]
        assert [message["type"] for message in others] == ["websocket.http.response.body"]
    else:
        assert (first["type"], first["code"], others) == ("websocket.close", 1008, [])


@pytest.mark.parametrize(
    "sends",
    [
        pytest.param((ACCEPT, CLOSE), id="accepted all the same"),
        pytest.param(
            (DENIAL,),
            id="answered by the framework",
        ),
    ],
)
async def test_the_answer_of_the_application_to_a_websocket_stands(
    sends: tuple[dict[str, Any], ...],
) -> None:
    scope = websocket_scope(headers=bearer(issuer.token()))

    sent = await handshake(issuer.guard(Refusing(*sends)), scope)

    assert sent == list(sends)


async def test_an_application_may_ask_for_each_message_of_a_websocket() -> None:
    """A client that sends many messages must not fill the memory with refusals."""
    scope = websocket_scope(headers=bearer(issuer.token()))

    async def chat(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        for _ in range(100):
            assert refusal(scope, "write:contacts") is not None

    await handshake(issuer.guard(chat), scope)

    assert len(scope[REFUSAL_KEY]) == 1


async def test_a_close_without_a_refusal_stays_a_close() -> None:
    async def closing(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(CLOSE)

    sent = await handshake(issuer.guard(closing), websocket_scope(headers=bearer(issuer.token())))

    assert sent == [CLOSE]


async def test_a_request_can_be_admitted_without_a_middleware() -> None:
    scope = http_scope(headers=bearer_fields(issuer.token()))

    assert await admit(scope, issuer.verifier(), realm="contacts") is None

    found = principal(scope)
    assert found is not None
    assert found.subject == "alice"
    assert "user" not in scope
    refused = refusal(scope, "admin")
    assert refused is not None
    assert b'realm="contacts"' in dict(refused.headers)[b"www-authenticate"]


@pytest.mark.parametrize(
    ("headers", "optional", "code"),
    [
        pytest.param([], False, "credentials_missing", id="no token"),
        pytest.param([], True, None, id="no token, optional"),
        pytest.param(bearer_fields("x"), True, "token_opaque", id="a bad token, optional"),
        pytest.param([(b"authorization", b"Bearer")], False, "credentials_malformed", id="broken"),
        pytest.param(bearer_fields(issuer.token(exp=1)), False, "token_expired", id="expired"),
    ],
)
async def test_a_request_is_admitted_as_by_the_middleware(
    headers: list[tuple[bytes, bytes]],
    optional: bool,
    code: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scope = http_scope(headers=headers)

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        refused = await admit(scope, issuer.verifier(), optional=optional)

    assert (refused and refused.code) == code
    lines = [line for name, _, line in caplog.record_tuples if name == "asgi_bearer"]
    assert [line.split(": ")[1] for line in lines] == ([] if code is None else [code])
    assert principal(scope) is None


class Faulty:
    """A verifier that breaks, or that returns something else than a principal."""

    def __init__(self, result: object) -> None:
        self._result = result

    async def verify(self, presented: Any) -> Any:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


@pytest.mark.parametrize(
    ("result", "code"),
    [
        pytest.param(KeyError("secret"), "verification_faulted", id="breaks"),
        pytest.param(None, "verification_faulted", id="returns None"),
        pytest.param(KeysUnavailable("down"), "keys_unavailable", id="no keys"),
    ],
)
async def test_an_unknown_failure_admits_no_request(result: object, code: str) -> None:
    scope = http_scope(headers=bearer_fields(issuer.token()))

    refused = await admit(scope, Faulty(result))

    assert refused is not None
    assert (refused.code, refused.status) == (code, 503)
    assert "secret" not in str(refused)
    assert refused.__context__ is None
