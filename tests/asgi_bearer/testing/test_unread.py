"""`assert_guarded` with frameworks whose routes it does not know."""

from copy import deepcopy
from typing import Any

import falcon.asgi
import pytest
from connexion import AsyncApp  # pyright: ignore[reportMissingTypeStubs] - it has none
from sanic import HTTPResponse, Request, Sanic, text
from starlette.applications import Starlette
from starlette.routing import Mount

from asgi_bearer.testing import FakeIssuer, assert_guarded
from asgi_bearer.testing.audit import audited
from examples.connexion.main import DOCUMENT


class Resource:
    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.text = "ok"

    async def on_websocket(self, _req: falcon.asgi.Request, ws: falcon.asgi.WebSocket) -> None:
        await ws.accept()


class Login:
    async def on_post(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.text = "ok"


def in_falcon() -> Any:
    app = falcon.asgi.App()
    # Falcon does not take root_path away, so a mounted application has routes of its own.
    for path in ("/healthz", "/items", "/part/healthz"):
        app.add_route(path, Resource())
    app.add_route("/login", Login())
    return app


def in_sanic() -> Any:
    app = Sanic("audited")
    # Sanic keeps each application by its name, and a test may make another one.
    Sanic.unregister_app(app)  # pyright: ignore[reportUnknownMemberType] - annotated in part

    async def healthz(_request: Request) -> HTTPResponse:
        return text("ok")

    app.add_route(healthz, "/healthz")
    return app


def in_connexion() -> Any:
    app = AsyncApp("examples.connexion.main")
    app.add_api(deepcopy(DOCUMENT))  # pyright: ignore[reportUnknownMemberType] - no annotations
    return app


def in_connexion_without_document() -> Any:
    return AsyncApp("examples.connexion.main")


def in_connexion_with_a_rule() -> Any:
    app = in_connexion()
    app.add_url_rule("/items/rule", "rule", Resource)
    return app


FRAMEWORKS = [
    pytest.param(in_falcon, id="Falcon"),
    pytest.param(in_sanic, id="Sanic"),
    pytest.param(in_connexion, id="Connexion"),
    pytest.param(in_connexion_with_a_rule, id="Connexion with a rule"),
]


def guard(app: Any, *public: str) -> Any:
    return FakeIssuer().guard(app, public=set(public))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_entry_of_public_is_tried_as_a_path_of_its_own(framework: Any) -> None:
    report = assert_guarded(guard(framework(), "GET /healthz"), public={"GET /healthz"})

    assert [(route.methods, route.path) for route in report.public] == [(("GET",), "/healthz")]
    assert {route.path for route in report.guarded} == {"/*"}
    assert report.unread == ("/*",)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_a_guard_all_paths_are_a_hole(framework: Any) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_guarded(framework())

    assert "GET, WEBSOCKET /* ->" in str(caught.value) or "GET /* ->" in str(caught.value)
    assert "/*: the audit does not know the routes of this framework" in str(caught.value)


def test_connexion_without_a_document_is_one_route() -> None:
    report = assert_guarded(guard(in_connexion_without_document()))

    assert {route.path for route in report.guarded} == {"/*"}


def test_a_framework_that_the_audit_knows_is_not_unread() -> None:
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def page(_request: object) -> PlainTextResponse:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/items", page), Mount("/falcon", in_falcon())])

    assert audited(guard(Starlette(routes=app.routes[:1]))).unread == ()
    assert audited(guard(app)).unread == ("/falcon/*",)


@pytest.mark.parametrize(
    ("entry", "opened", "why"),
    [
        pytest.param("/items", (), "GET /items answered 401", id="guarded"),
        pytest.param("GET /gone", ("/gone",), "GET /gone answered 404", id="unknown path"),
        pytest.param("/login", ("POST /login",), "GET /login answered 401", id="another method"),
        pytest.param("WEBSOCKET /items", (), "WEBSOCKET /items answered 401", id="WebSocket"),
        pytest.param("/static/*", (), "GET /static/* answered 401", id="all below"),
    ],
)
def test_an_entry_that_is_not_open_is_a_hole(entry: str, opened: tuple[str, ...], why: str) -> None:
    (hole,) = audited(guard(in_falcon(), *opened), public={entry}).holes

    assert (hole.path, hole.why) == (entry, why)
    assert hole.change == "name the method that is open, or remove the entry from `public`"


@pytest.mark.parametrize(
    ("entry", "methods"),
    [
        pytest.param("/healthz", ("GET",), id="any method"),
        pytest.param("POST /login", ("POST",), id="method"),
        pytest.param("WEBSOCKET /items", ("WEBSOCKET",), id="WebSocket"),
    ],
)
def test_an_open_entry_is_public(entry: str, methods: tuple[str, ...]) -> None:
    path = entry.rsplit(maxsplit=1)[-1]

    report = assert_guarded(guard(in_falcon(), path), public={entry})

    assert [(route.methods, route.path) for route in report.public] == [(methods, path)]


def test_an_entry_below_a_mount_is_tried_there() -> None:
    app = Starlette(routes=[Mount("/part", in_falcon())])

    report = assert_guarded(guard(app, "/part/healthz"), public={"/part/healthz"})
    (hole,) = audited(guard(app), public={"/partly"}).holes

    assert [route.path for route in report.public] == ["/part/healthz"]
    assert hole.why == "no route has this entry of `public`"
