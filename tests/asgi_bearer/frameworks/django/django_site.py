"""Django for tests: it is configured once in a process, and `site` changes the settings of a test.

Import it before the models of Django or Django REST framework are imported.
"""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings

CSRF = "django.middleware.csrf.CsrfViewMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
BEARER = "asgi_bearer.django.BearerMiddleware"

MODES = ("wsgi", "asgi")

FOLDER = Path(tempfile.mkdtemp(prefix="asgi-bearer-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="a secret of the tests",
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "rest_framework",
            "asgi_bearer.django",
        ],
        # A file, because Django never closes a connection to a database in memory.
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": FOLDER / "django.sqlite3",
            }
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        # Django logs each refused request, too.
        LOGGING_CONFIG=None,
    )
    django.setup()


@contextmanager
def site(
    urlpatterns: Sequence[Any],
    bearer: Mapping[str, Any] | None,
    *,
    middleware: Sequence[str] = (BEARER,),
    **changes: Any,
) -> Generator[None]:
    """Serve `urlpatterns` with the setting `ASGI_BEARER`; None leaves that setting out."""
    if bearer is not None:
        changes["ASGI_BEARER"] = bearer
    with override_settings(
        # A tuple, because Django caches its resolver by it.
        ROOT_URLCONF=tuple(urlpatterns),
        MIDDLEWARE=list(middleware),
        **changes,
    ):
        yield


async def call(
    mode: str,
    path: str,
    token: str | None = None,
    *,
    method: str = "GET",
    cookies: Mapping[str, str] | None = None,
    check_csrf: bool = False,
    **arguments: Any,
) -> HttpResponse:
    """Send a request with Django's client: over WSGI in a thread, or over ASGI."""
    headers: dict[str, str] = arguments.pop("headers", {})
    if token is not None:
        headers = {**headers, "Authorization": f"Bearer {token}"}
    client_class: Any = AsyncClient if mode == "asgi" else Client
    client: Any = client_class(enforce_csrf_checks=check_csrf, raise_request_exception=False)
    for name, value in (cookies or {}).items():
        client.cookies[name] = value
    if mode == "asgi":
        try:
            answer: HttpResponse = await client.generic(method, path, headers=headers, **arguments)
        finally:
            await sync_to_async(connections.close_all)()
        return answer

    def get() -> HttpResponse:
        try:
            response: HttpResponse = client.generic(method, path, headers=headers, **arguments)
        finally:
            connections.close_all()
        return response

    return await asyncio.to_thread(get)


def migrate() -> None:
    """Make the tables of the database, which lives as long as the process."""
    call_command("migrate", verbosity=0)
    connections.close_all()
