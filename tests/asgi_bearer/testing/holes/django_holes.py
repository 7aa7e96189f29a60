"""Holes in Django, Django REST framework, django-ninja and Channels."""

import functools
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django import urls
from django.conf.urls.static import static
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.test import override_settings

from asgi_bearer import principal
from asgi_bearer.django import requires
from asgi_bearer.django.channels import requires as consumer_requires
from tests.asgi_bearer.frameworks.django.django_site import AUTHENTICATION, BEARER, SESSIONS
from tests.asgi_bearer.testing.holes.django_urls import Overridden, page, sync_page
from tests.asgi_bearer.testing.holes.planted import Planted, guard, must_not_run, verifier

# Channels routes ASGI applications with them, which the types do not know.
path: Any = urls.path
re_path: Any = urls.re_path

URLS = "tests.asgi_bearer.testing.holes.django_urls"
APIS = "tests.asgi_bearer.testing.holes.django_apis"
ANY = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE, UNKNOWN"


def settings_for(planted: Planted) -> AbstractContextManager[None]:
    """Return a context with the settings of the application."""
    context: Any = override_settings(**planted.settings)
    return cast("AbstractContextManager[None]", context)


def settings(urlconf: Any, middleware: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """Return settings, which are also those while the audit runs."""
    return {"ROOT_URLCONF": urlconf, "MIDDLEWARE": list(middleware), **changes}


def application(changes: dict[str, Any]) -> Any:
    """Return a Django application with some settings."""
    with override_settings(**changes):
        django = get_asgi_application()
        return ASGIStaticFilesHandler(django) if "STATIC_URL" in changes else django


def router(routes: list[Any]) -> Any:
    """Return a router; its types know no routes of Django."""
    kind: Any = URLRouter
    return kind(routes)


def bearer(**setting: Any) -> dict[str, Any]:
    return {"VERIFIER": verifier(), **setting}


# Django's own middleware, in which only `requires` refuses anonymous requests.
OPTIONAL_SETTINGS = settings(URLS, (BEARER,), ASGI_BEARER=bearer(OPTIONAL=True))
OPTIONAL = Planted(
    application(OPTIONAL_SETTINGS),
    {
        f"{ANY} /healthz": "optional guard",
        "GET /no-scopes": "optional guard",
        "GET /wrong-order": "order of decorators",
        "GET /forgiving": "scope is not enforced",
        "GET /numbers/<int:number>": "optional guard",
        "GET /uuids/<uuid:item>/<path:rest>": "optional guard",
        "GET, HEAD, POST /methods": "optional guard",
        "DELETE /half": "only some methods",
        "DELETE, GET, HEAD /relaxed": "overridden method",
        "GET, HEAD, POST /overridden": "overridden dispatch",
        "OPTIONS /own-options": "OPTIONS",
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT /moved": "optional guard",
        "POST /posted": "optional guard",
        f"{ANY} /part/open/<slug:name>/": "include without the check",
        f"{ANY} /part/^legacy/(?P<year>[0-9]{{4}})/$": "include without the check",
        f"{ANY} /^static/(?P<path>.*)$": "static files",
        "GET /<no route>": "handler for unknown paths",
    },
    {
        *("GET /scoped", "POST /scoped", "GET /scoped-sync", "GET /scoped-outside"),
        *("POST /scoped-post", "GET /scoped/<str:name>", "GET /dispatched", "POST /dispatched"),
        *("GET /extended", "GET /part/closed/", "GET /part/^legacy/([a-z]+)/closed$", "GET /half"),
        *("GET /class", "GET /inherited", "GET /many-scopes", "POST /many-scopes"),
        "GET /scoped-any",
    },
    settings=OPTIONAL_SETTINGS,
)

back_office = admin.AdminSite(name="back_office")
back_office.register(Group)

SITE: tuple[Any, ...] = (
    path("healthz", page()),
    path("metrics", sync_page()),
    path("part/open", page()),
    path("overridden", Overridden.as_view()),
    path("scoped", requires("read:x")(page())),
    path("closed", sync_page()),
    path("files/<path:name>", page()),
    path("admin/", back_office.urls),
)

ADMIN = (
    *("", "logout/", "password_change/", "password_change/done/", "autocomplete/"),
    *("jsi18n/", "r/<path:content_type_id>/<path:object_id>/", "^(?P<app_label>auth)/$"),
    *("(?P<url>.*)$", "auth/group/", "auth/group/add/", "auth/group/<path:object_id>/history/"),
    *("auth/group/<path:object_id>/delete/", "auth/group/<path:object_id>/change/"),
    "auth/group/<path:object_id>/",
)

# Django's own middleware, which refuses anonymous requests except to some paths.
REFUSING = settings(
    SITE,
    (SESSIONS, AUTHENTICATION, "django.contrib.messages.middleware.MessageMiddleware", BEARER),
    ASGI_BEARER=bearer(PUBLIC=["GET /healthz", "/metrics", "/files/*", "/admin/*"]),
)
BY_MIDDLEWARE = Planted(
    application(REFUSING),
    {
        f"{ANY} /metrics": "too many public paths",
        f"{ANY} /files/<path:name>": "too many public paths",
        f"{ANY} /admin/login/": "admin",
        # The admin itself answers these, with a redirect to its login page.
        **{f"DELETE, GET, HEAD, PATCH, POST, PUT /admin/{path}": "admin" for path in ADMIN},
    },
    {
        *("GET /healthz", "POST /healthz", "GET /part/open", "GET /overridden", "GET /scoped"),
        "GET /closed",
    },
    public=frozenset({"GET /healthz"}),
    settings=REFUSING,
)

# Every path of the same site, the admin too, is closed.
CLOSED_SETTINGS = {**REFUSING, "ASGI_BEARER": bearer()}
CLOSED = Planted(
    application(CLOSED_SETTINGS),
    {},
    {*(f"GET /admin/{path}" for path in ADMIN), "GET /metrics", "DELETE /files/<path:name>"},
    settings=CLOSED_SETTINGS,
)

with override_settings(DEBUG=True):
    DEBUG_URLS = (
        path("closed", requires("read:x")(sync_page())),
        *static("/media/", document_root=Path(__file__).parent),
    )

DEBUG_SETTINGS = settings(DEBUG_URLS, (BEARER,), ASGI_BEARER=bearer(OPTIONAL=True), DEBUG=True)
DEBUG = Planted(
    application(DEBUG_SETTINGS),
    {
        f"{ANY} /^media/(?P<path>.*)$": "debug route",
        "GET /<no route>": "debug page with all URL patterns",
    },
    {"GET /closed"},
    settings=DEBUG_SETTINGS,
)

BEHIND_SETTINGS = settings(URLS, STATIC_URL="/assets/")
BEHIND = Planted(
    guard(
        application(BEHIND_SETTINGS),
        public={"GET /healthz", "POST /healthz", "/moved", "/part/open/x/"},
    ),
    {
        "POST /healthz": "too many public paths",
        "GET /wrong-order": "order of decorators",
        "GET /forgiving": "scope is not enforced",
        "GET /part/open/x/": "too many public paths",
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT /moved": "too many public paths",
    },
    {
        *("GET /scoped", "GET /no-scopes", "GET /methods", "POST /methods"),
        *("DELETE /half", "GET /overridden", "GET /assets/*", "GET /<no route>", "GET /healthz"),
        "PUT /healthz",
    },
    public=frozenset({"GET /healthz"}),
    settings=BEHIND_SETTINGS,
)


class News(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        must_not_run()


class Chat(WebsocketConsumer):
    def connect(self) -> None:
        must_not_run()


class Silent(AsyncWebsocketConsumer):
    """Accepts each WebSocket, as the base class does."""


class Polled(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        must_not_run()


async def raw(scope: Any, receive: Any, send: Any) -> None:
    """An application without a framework."""
    must_not_run()


@consumer_requires("read:x")
class Scoped(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        must_not_run()


def forgiving(app: Any) -> Any:
    """A decorator that accepts a WebSocket after its refusal, if there is a token."""

    @functools.wraps(app)
    async def wrapper(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        if principal(scope) is not None:
            await send({"type": "websocket.accept"})

    return wrapper


BESIDE_SETTINGS = settings(
    (
        path("api/closed", page()),
        path("api/scoped", requires("read:x")(page())),
        path("api-v2/open", page()),
        path("api-v2/scoped", requires("read:x")(page())),
    ),
    STATIC_URL="/assets/",
)
with_static = application(BESIDE_SETTINGS)
BESIDE = Planted(
    ProtocolTypeRouter(
        {
            "http": router(
                [
                    re_path("^api/", guard(with_static.application)),
                    path("polled", Polled.as_asgi()),
                    path("polled-scoped", guard(consumer_requires("read:x")(Polled.as_asgi()))),
                    re_path("", with_static),
                ]
            ),
            "websocket": router(
                [
                    path("news", News.as_asgi()),
                    path("chat/<int:room>", Chat.as_asgi()),
                    path("silent", Silent.as_asgi()),
                    path("raw", raw),
                    path("scoped-without-guard", Scoped.as_asgi()),
                    path("guarded", guard(News.as_asgi())),
                    path("part/", router([re_path("^guarded$", guard(Silent.as_asgi()))])),
                ]
            ),
            "channel": News.as_asgi(),
        }
    ),
    {
        "WEBSOCKET /news": "WebSocket",
        "WEBSOCKET /chat/<int:room>": "WebSocket",
        "WEBSOCKET /silent": "WebSocket",
        "WEBSOCKET /raw": "application of no framework",
        f"{ANY} /polled": "mount beside the guard",
        f"{ANY} /api-v2/open": "mount beside the guard",
        "GET, HEAD /assets/*": "static files",
    },
    {
        *("WEBSOCKET /guarded", "WEBSOCKET /part/^guarded$", "WEBSOCKET /scoped-without-guard"),
        *(
            "GET /polled-scoped",
            "POST /polled-scoped",
            "GET /api/closed",
            "GET /api/scoped",
            "GET /api-v2/scoped",
        ),
    },
    settings=BESIDE_SETTINGS,
)

SOCKETS = Planted(
    guard(
        router(
            [
                path("open", News.as_asgi()),
                path("scoped", Scoped.as_asgi()),
                path("forgiving", forgiving(Scoped.as_asgi())),
                path(
                    "forgiving/",
                    forgiving(consumer_requires("read:x")(router([path("part", News.as_asgi())]))),
                ),
                path(
                    "part/", consumer_requires("read:x")(router([path("closed", News.as_asgi())]))
                ),
                path("wrapped", consumer_requires("read:y")(Silent.as_asgi())),
                path("twice", consumer_requires("read:y")(Scoped.as_asgi())),
            ]
        ),
        optional=True,
        set_user=False,
    ),
    {
        "WEBSOCKET /open": "optional guard",
        "WEBSOCKET /forgiving": "scope is not enforced",
        "WEBSOCKET /forgiving/part": "scope is not enforced",
    },
    {
        *("WEBSOCKET /scoped", "WEBSOCKET /part/closed", "WEBSOCKET /wrapped"),
        "WEBSOCKET /twice",
    },
)

# No middleware: each view checks the token itself.
API_SETTINGS = settings(APIS, ASGI_BEARER=bearer())
BY_VIEWS = Planted(
    application(API_SETTINGS),
    {
        "GET, HEAD, POST /drf/items": "view without the check",
        "GET, HEAD, POST /drf/unchecked": "view without the check",
        "GET, POST /drf/lenient": "scope is not enforced",
        "DELETE, GET /drf/listed": "view without the check",
        "GET, HEAD /^drf/things/newest/$": "action without the check",
        "GET /ninja/open": "operation without auth",
        "POST /ninja/both": "only some methods",
        "GET /ninja/wrong-order": "order of decorators",
        "GET /ninja/forgetful": "scope is not enforced",
        "GET /ninja/any-token": "another scheme",
        "POST /ninja/router/forgotten": "operation without auth",
        f"{ANY} /ninja/docs": "debug route",
        f"{ANY} /ninja/openapi.json": "debug route",
        f"{ANY} /ninja/": "debug route",
    },
    {
        *("GET /drf/guarded", "POST /drf/guarded", "GET /drf/any-scope", "GET /drf/either"),
        *("GET /drf/guarded-function", "POST /drf/guarded-function"),
        *("GET /^drf/things/$", "POST /^drf/things/$"),
        "DELETE /^drf/things/(?P<pk>[^/.]+)/parts/$",
        *("GET /ninja/both", "GET /ninja/closed/<item>", "GET /ninja/any-of"),
        "GET /ninja/router/closed",
    },
    settings=API_SETTINGS,
)

PLANTED = [OPTIONAL, BY_MIDDLEWARE, CLOSED, DEBUG, BEHIND, BESIDE, SOCKETS, BY_VIEWS]
