"""BlackSheep: authentication and policies, alone and behind the guard."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from blacksheep import Application, Request, Router, WebSocket
from blacksheep.server.authorization import allow_anonymous, auth
from guardpost import AuthenticationHandler, Identity, Policy

from asgi_bearer import BearerMiddleware
from asgi_bearer.blacksheep import ScopesRequirement, principal, use_bearer
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.served import WEBSOCKETS, denial, first_message, served
from tests.support.asgi import answer_ok, bearer, client, handshake, websocket_scope
from tests.support.published_keys import Published

issuer = FakeIssuer()
verifier = issuer.verifier()

READERS = Policy("readers", ScopesRequirement("read:items", "write:items", any_of=True))


def add_handlers(app: Application) -> None:
    router = app.router

    @router.get("/scope")
    @auth("read:items")
    async def scope(request: Request) -> str:
        return str(principal(request).subject)

    @router.get("/scopes")
    @auth("read:items write:items")
    async def scopes() -> str:
        return "items"

    @router.get("/any")
    @auth("readers")
    async def any_scope() -> str:
        return "items"

    @router.get("/token")
    async def token(request: Request) -> str:
        return str(request.user.sub)

    @router.get("/authenticated")
    @auth()
    async def authenticated() -> str:
        return "items"

    @router.get("/roles")
    @auth(roles=["admin"])
    async def roles() -> str:
        return "items"

    @router.get("/open")
    @allow_anonymous()
    async def open_handler(request: Request) -> str:
        return str(request.user.is_authenticated())

    @router.get("/anonymous-principal")
    @allow_anonymous()
    async def anonymous_principal(request: Request) -> str:
        return str(principal(request).subject)

    @router.get("/unknown-policy")
    @auth("two  spaces")
    async def unknown_policy() -> str:
        return "items"

    @router.ws("/changes")  # pyright: ignore[reportUnknownMemberType] - of `pattern`
    @auth("read:items")
    async def changes(websocket: WebSocket) -> None:
        await websocket.accept()  # pyright: ignore[reportUnknownMemberType] - of `headers`
        await websocket.send_text(str(principal(websocket).subject))
        await websocket.close()


def alone() -> Any:
    app = Application(router=Router())
    policies = use_bearer(app, verifier, realm="items")
    policies.add(READERS)
    add_handlers(app)
    return app


def guarded() -> Any:
    app = Application(router=Router())
    policies = use_bearer(app)
    policies.add(READERS)
    add_handlers(app)
    return BearerMiddleware(app, verifier=verifier, realm="items", optional=True)


places = pytest.mark.parametrize("application", [alone, guarded])


@places
@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        *(
            pytest.param(path, scope, status, id=f"{path} with {scope}")
            for path in ("/scope", "/any")
            for scope, status in (("read:items", 200), ("openid", 403), ("READ:items", 403))
        ),
        pytest.param("/any", "write:items", 200, id="any: the other one"),
        pytest.param("/scopes", "read:items", 403, id="all: one of two"),
        pytest.param("/scopes", "read:items write:items", 200, id="all"),
        pytest.param("/token", "openid", 200, id="any token"),
        pytest.param("/authenticated", "openid", 200, id="the policy authenticated"),
        pytest.param("/roles", "openid", 403, id="a role that the token has not"),
        pytest.param("/unknown-policy", "read:items", 500, id="no policy and no scopes"),
        pytest.param("/nowhere", "openid", 404, id="no handler"),
    ],
)
async def test_a_policy_requires_its_scopes(
    application: Callable[[], Any], path: str, scope: str, status: int
) -> None:
    response = await client(application()).get(path, headers=bearer(issuer.token(scope=scope)))

    assert response.status_code == status


@places
@pytest.mark.parametrize("path", ["/scope", "/any", "/token", "/authenticated", "/roles"])
async def test_a_handler_needs_a_token(application: Callable[[], Any], path: str) -> None:
    response = await client(application()).get(path)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="items"'


async def test_a_role_is_read_from_the_claims() -> None:
    token = issuer.token(scope="openid", roles=["admin"])

    response = await client(alone()).get("/roles", headers=bearer(token))

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no token"),
        pytest.param({"authorization": "Basic eDp5"}, 401, id="another scheme"),
        pytest.param({"authorization": "Bearer  "}, 400, id="malformed"),
        pytest.param(bearer(issuer.token(exp=1)), 401, id="expired"),
        pytest.param(bearer(issuer.token(aud="https://other.example")), 401, id="other audience"),
        pytest.param(bearer(issuer.token(scope="openid")), 403, id="too little scope"),
    ],
)
async def test_a_refusal_is_the_guards(headers: dict[str, str], status: int) -> None:
    guard = issuer.guard(answer_ok, scopes="read:items", realm="items")

    refused = await client(alone()).get("/scope", headers=headers)
    expected = await client(guard).get("/scope", headers=headers)

    assert refused.status_code == expected.status_code == status
    assert refused.content == expected.content
    assert dict(refused.headers) == dict(expected.headers)


async def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await client(alone()).get("/scope", headers=bearer(issuer.token(scope="openid")))

    lines = [record.getMessage() for record in caplog.records if record.name == "asgi_bearer"]
    assert lines == [
        "refused GET /scope: insufficient_scope: needs read:items, the token has openid"
    ]


async def test_the_403_of_another_policy_has_a_challenge() -> None:
    response = await client(alone()).get("/roles", headers=bearer(issuer.token()))

    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer realm="items"'


async def test_an_outage_of_the_keys_is_503(published: Published) -> None:
    published.documents.documents.clear()
    app = Application(router=Router())
    use_bearer(app, published.verifier)
    add_handlers(app)
    token = bearer(published.issuer.token())

    refused = await client(app).get("/scope", headers=token)
    anonymous = await client(app).get("/open", headers=token)

    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    assert "www-authenticate" not in refused.headers
    assert anonymous.status_code == 200


@places
async def test_an_anonymous_handler_needs_no_token(application: Callable[[], Any]) -> None:
    requests = client(application())

    without = await requests.get("/open")
    with_token = await requests.get("/open", headers=bearer(issuer.token()))
    principal_of_none = await requests.get("/anonymous-principal")

    assert (without.text, with_token.text) == ("False", "True")
    assert principal_of_none.status_code == 500


async def test_a_bad_token_does_not_matter_to_an_anonymous_handler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    response = await client(alone()).get("/open", headers=bearer(issuer.token(exp=1)))

    assert response.status_code == 200
    assert "refused" not in caplog.text


async def test_the_principal_of_another_verifier_does_not_count() -> None:
    """A guard outside may accept tokens for another API."""
    other = FakeIssuer(audience="https://other.example", key=issuer.key)
    app = other.guard(alone())

    headers = bearer(other.token(scope="read:items"))

    refused = await client(app).get("/scope", headers=headers)
    anonymous = await client(app).get("/anonymous-principal", headers=headers)

    assert (refused.status_code, anonymous.status_code) == (401, 500)


@pytest.mark.parametrize("ws", WEBSOCKETS)
async def test_behind_the_guard_a_refused_websocket_is_an_http_response(ws: str) -> None:
    async with served(guarded(), ws=ws) as authority:
        url = f"ws://{authority}/changes"
        anonymous = await denial(url, {})
        refused = await denial(url, bearer(issuer.token(scope="openid")))
        accepted = await first_message(url, bearer(issuer.token(scope="read:items")))

    assert anonymous.status_code == 401
    assert refused.status_code == 403
    assert 'scope="read:items"' in refused.headers["www-authenticate"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.body is not None
    assert b"insufficient_scope" in refused.body
    assert accepted == "alice"


async def test_alone_a_refused_websocket_is_denied_by_the_server() -> None:
    """BlackSheep cannot send an HTTP response to a handshake; each server then sends a 403."""
    async with served(alone()) as authority:
        url = f"ws://{authority}/changes"
        refused = await denial(url, {})
        accepted = await first_message(url, bearer(issuer.token(scope="read:items")))

    assert refused.status_code == 403
    assert accepted == "alice"


@places
async def test_a_refused_websocket_is_no_error_of_the_application(
    application: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    scope = websocket_scope("/changes", bearer(issuer.token(scope="openid")), denial=False)

    sent = await handshake(application(), scope)

    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]
    assert all(record.levelno < logging.ERROR for record in caplog.records)


async def test_without_a_verifier_and_a_guard_nothing_passes() -> None:
    app = Application(router=Router())
    use_bearer(app)
    add_handlers(app)

    response = await client(app).get("/scope", headers=bearer(issuer.token(scope="read:items")))

    assert response.status_code == 500


class ApiKey(AuthenticationHandler):
    """Another way to authenticate, beside access tokens."""

    def authenticate(self, context: Request) -> Identity | None:
        return Identity({}, "ApiKey") if context.get_first_header(b"api-key") else None


async def test_another_authentication_has_no_scopes() -> None:
    app = Application(router=Router())
    app.use_authentication().add(ApiKey())
    use_bearer(app, verifier)
    add_handlers(app)
    requests = client(app)

    passed = await requests.get("/token", headers={"api-key": "k"})
    refused = await requests.get("/scope", headers={"api-key": "k"})
    bearer_too = await requests.get("/scope", headers=bearer(issuer.token(scope="read:items")))

    assert (passed.status_code, refused.status_code, bearer_too.status_code) == (200, 403, 200)
    assert 'Bearer realm="api"' in refused.headers["www-authenticate"]


async def test_a_handler_may_name_the_scheme() -> None:
    app = Application(router=Router())
    app.use_authentication().add(ApiKey())
    use_bearer(app, verifier)

    @app.router.get("/bearer")
    @auth(authentication_schemes=["Bearer"])
    async def bearer_only() -> str:
        return "items"

    response = await client(app).get("/bearer", headers={"api-key": "k"})

    assert response.status_code == 401


async def test_the_keys_are_fetched_at_startup(published: Published) -> None:
    app = Application(router=Router())
    use_bearer(app, published.verifier)

    async with served(app):
        pass

    assert published.fetches >= 1


@pytest.mark.parametrize("with_verifier", [True, False])
async def test_a_verifier_without_keys_needs_no_start(with_verifier: bool) -> None:
    class Custom:
        verify = verifier.verify

    app = Application(router=Router())
    use_bearer(app, Custom() if with_verifier else None)

    async with served(app) as authority:
        assert authority


def test_wrong_arguments_are_refused() -> None:
    app = Application(router=Router())

    with pytest.raises(ValueError, match="realm"):
        use_bearer(app, verifier, realm="")
    with pytest.raises(ValueError, match="not one scope name"):
        ScopesRequirement("two names")
    with pytest.raises(ValueError, match="at least one scope"):
        ScopesRequirement()


def test_the_application_must_not_have_another_authorization() -> None:
    app = Application(router=Router())
    app.use_authentication()
    app.use_authorization()

    with pytest.raises(RuntimeError, match="before use_authorization"):
        use_bearer(app, verifier)
