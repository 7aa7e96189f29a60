"""Holes in Django, Django REST framework, django-ninja and Channels."""

from contextlib import AbstractContextManager
from typing import Any, cast

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.asgi_bearer.testing.holes.django_urls",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
        USE_TZ=True,
    )
    django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django import urls
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.test import override_settings

from tests.asgi_bearer.testing.holes.planted import Planted, guard, must_not_run

# Channels routes ASGI applications with them, which the types do not know.
path: Any = urls.path
re_path: Any = urls.re_path

URLS = "tests.asgi_bearer.testing.holes.django_urls"
APIS = "tests.asgi_bearer.testing.holes.django_apis"


def settings_for(planted: Planted) -> AbstractContextManager[None]:
    """Return a context in which Django has the URLs of the application."""
    context: Any = override_settings(ROOT_URLCONF=planted.urlconf, ALLOWED_HOSTS=["*"], DEBUG=False)
    return cast("AbstractContextManager[None]", context)


def router(routes: list[Any]) -> Any:
    """Return a router; its types know no routes of Django."""
    kind: Any = URLRouter
    return kind(routes)


class News(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        must_not_run()


class Chat(WebsocketConsumer):
    def connect(self) -> None:
        must_not_run()


class Silent(AsyncWebsocketConsumer):
    """Accepts each WebSocket, as the base class does."""


with override_settings(ROOT_URLCONF=URLS, MIDDLEWARE=[], STATIC_URL="/assets/"):
    django_application = get_asgi_application()
    with_static = ASGIStaticFilesHandler(django_application)

ANY = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE, UNKNOWN"

OPEN = {
    f"{ANY} /healthz": "optional guard",
    "GET /no-scopes": "optional guard",
    "GET /wrong-order": "order of decorators",
    "GET /numbers/<int:number>": "optional guard",
    "GET /uuids/<uuid:item>/<path:rest>": "optional guard",
    "GET, HEAD, POST /methods": "optional guard",
    "DELETE /half": "only some methods",
    "GET, HEAD, POST /overridden": "overridden dispatch",
    "OPTIONS /own-options": "OPTIONS",
    "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT /moved": "optional guard",
    "POST /posted": "optional guard",
    f"{ANY} /part/open/<slug:name>/": "include without the check",
    f"{ANY} /part/^legacy/(?P<year>[0-9]{{4}})/$": "include",
    f"{ANY} /^static/(?P<path>.*)$": "static files",
    "GET /<no route>": "handler for unknown paths",
}

OPTIONAL = Planted(
    guard(django_application, optional=True),
    OPEN,
    {
        *("GET /scoped", "POST /scoped", "GET /scoped-sync", "GET /scoped-outside"),
        *("POST /scoped-post", "GET /scoped/<str:name>", "GET /class", "POST /class"),
        *("GET /extended", "GET /part/closed/", "GET /part/^legacy/([a-z]+)/closed$", "GET /half"),
    },
    urlconf=URLS,
)

BEHIND = Planted(
    guard(with_static, public={"GET /healthz", "POST /healthz", "/moved", "/part/open/x/"}),
    {
        "POST /healthz": "too many public paths",
        "GET /wrong-order": "order of decorators",
        "GET /part/open/x/": "too many public paths",
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT /moved": "too many public paths",
    },
    {
        *("GET /scoped", "GET /no-scopes", "GET /methods", "POST /methods"),
        *("DELETE /half", "GET /overridden", "GET /assets/*", "GET /<no route>", "GET /healthz"),
        "PUT /healthz",
    },
    public=frozenset({"GET /healthz"}),
    urlconf=URLS,
)

BESIDE = Planted(
    ProtocolTypeRouter(
        {
            "http": router(
                [
                    path("api/", guard(django_application)),
                    re_path("", with_static),
                ]
            ),
            "websocket": router(
                [
                    path("news", News.as_asgi()),
                    path("chat/<int:room>", Chat.as_asgi()),
                    path("silent", Silent.as_asgi()),
                    path("guarded", guard(News.as_asgi())),
                    path("part/", router([re_path("^guarded$", guard(Silent.as_asgi()))])),
                ]
            ),
        }
    ),
    {
        "WEBSOCKET /news": "WebSocket",
        "WEBSOCKET /chat/<int:room>": "WebSocket",
        "WEBSOCKET /silent": "WebSocket",
        **OPEN,
        "GET, HEAD, POST /extended": "no guard",
    },
    {"WEBSOCKET /guarded", "WEBSOCKET /part/^guarded$"},
    urlconf=URLS,
)

with override_settings(ROOT_URLCONF=APIS, MIDDLEWARE=[]):
    apis = get_asgi_application()

DEPENDENT = Planted(
    guard(apis, optional=True),
    {
        "GET, HEAD, POST /drf/items": "optional guard",
        "DELETE, GET /drf/listed": "optional guard",
        "GET /drf/allowed": "optional guard",
        f"{ANY} /drf/plain/wrong-order": "order of decorators",
        "GET /ninja/open": "operation without auth",
        "POST /ninja/both": "only some methods",
        "POST /ninja/router/forgotten": "operation without auth",
        f"{ANY} /ninja/docs": "debug route",
        f"{ANY} /ninja/openapi.json": "debug route",
        f"{ANY} /ninja/": "debug route",
    },
    {
        *("GET /drf/guarded-items", "PUT /drf/guarded-items", "GET /drf/guarded"),
        *("POST /drf/guarded", "GET /ninja/both", "GET /ninja/closed/<item>"),
        *("GET /ninja/router/closed",),
    },
    urlconf=APIS,
)

PLANTED = [OPTIONAL, BEHIND, BESIDE, DEPENDENT]
