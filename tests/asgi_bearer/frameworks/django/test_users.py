"""`USER`: what `request.user` is for a request with a token."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path

from asgi_bearer import ClaimRuleFailed, Principal
from asgi_bearer.django import PrincipalUser
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import (
    AUTHENTICATION,
    BEARER,
    MODES,
    SESSIONS,
    call,
    migrate,
    site,
)

issuer = FakeIssuer()
ORDER = (SESSIONS, AUTHENTICATION, BEARER)


def name(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user))


async def name_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await request.auser()))


urlpatterns = [
    path("sync", name),
    path("async", name_async),
    path("login", login_required(name)),
    path("login/async", login_required(name_async)),
]


def setting(user: object, **others: object) -> dict[str, object]:
    return {"VERIFIER": issuer.verifier(), "USER": user, **others}


async def coroutine_user(principal: Principal) -> object:
    return PrincipalUser(principal)


def plain_user(principal: Principal) -> object:
    return PrincipalUser(principal)


class OwnUser(PrincipalUser):
    """A user of the application."""

    is_staff = True


class Finder:
    """Finds users; an object instead of a function."""

    def __call__(self, principal: Principal) -> object:
        return PrincipalUser(principal)


class AsyncFinder:
    """Finds users; an object instead of an async function."""

    async def __call__(self, principal: Principal) -> object:
        return PrincipalUser(principal)


USERS = [PrincipalUser, OwnUser, plain_user, coroutine_user, Finder(), AsyncFinder()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", ["/sync", "/async", "/login", "/login/async"])
@pytest.mark.parametrize("user", USERS)
async def test_a_view_finds_the_user_of_the_principal(mode: str, view: str, user: object) -> None:
    with site(urlpatterns, setting(user), middleware=ORDER):
        response = await call(mode, view, issuer.token(sub="alice"))

    assert (response.status_code, response.content) == (200, b"https://issuer.example/ alice")


def no_user(principal: Principal) -> None:
    return None


def inactive_user(principal: Principal) -> object:
    return User(username="alice", is_active=False)


def refusing(principal: Principal) -> object:
    raise ClaimRuleFailed("no account")


def denying(principal: Principal) -> object:
    raise PermissionDenied


def failing(principal: Principal) -> object:
    raise LookupError("no database")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("user", "status", "error"),
    [
        (no_user, 403, "insufficient_scope"),
        (inactive_user, 403, "insufficient_scope"),
        (refusing, 403, "insufficient_scope"),
        (denying, 403, None),
        (failing, 500, None),
    ],
)
async def test_a_principal_without_a_user_is_refused(
    mode: str, user: Callable[[Principal], object], status: int, error: str | None
) -> None:
    with site(urlpatterns, setting(user), middleware=ORDER):
        response = await call(mode, "/sync", issuer.token())

    assert response.status_code == status
    assert (error is not None) == (f'error="{error}"' in response.get("WWW-Authenticate", ""))


async def test_a_function_that_is_not_async_runs_outside_the_event_loop() -> None:
    threads: list[threading.Thread] = []

    def find(principal: Principal) -> object:
        threads.append(threading.current_thread())
        return User.objects.get_or_create(username=principal.subject)[0]

    await sync_to_async(migrate)()
    with site(urlpatterns, setting(find), middleware=ORDER):
        response = await call("asgi", "/async", issuer.token(sub="bob"))

    assert response.content == b"bob"
    assert threads[0] is not threading.current_thread()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", ["/sync", "/async"])
async def test_the_token_replaces_the_user_of_a_session(mode: str, view: str) -> None:
    await sync_to_async(migrate)()
    await sync_to_async(User.objects.get_or_create)(username="session-user")
    user = await User.objects.aget(username="session-user")
    client = AsyncClient()
    await client.aforce_login(user)
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}

    with site(urlpatterns, setting(PrincipalUser, OPTIONAL=True), middleware=ORDER):
        token = await call(mode, view, issuer.token(sub="alice"), cookies=cookies)
        session = await call(mode, view, cookies=cookies)
        nothing = await call(mode, view)

    assert token.content == b"https://issuer.example/ alice"
    assert session.content == b"session-user"
    assert nothing.content == b"AnonymousUser"


@pytest.mark.parametrize("mode", MODES)
async def test_a_public_path_keeps_the_user_of_the_session(mode: str) -> None:
    with site(urlpatterns, setting(PrincipalUser, PUBLIC="/sync"), middleware=ORDER):
        response = await call(mode, "/sync", issuer.token())

    assert response.content == str(AnonymousUser()).encode()


def principal(**changes: Any) -> Principal:
    values: dict[str, Any] = {
        "issuer": "https://issuer.example/",
        "subject": "alice",
        "client_id": None,
        "scopes": frozenset(),
        "expires_at": 0.0,
        "claims": {},
    }
    return Principal(**{**values, **changes})


def test_a_principal_user_has_what_django_asks_of_a_user() -> None:
    user = PrincipalUser(principal())

    assert user.is_authenticated
    assert user.is_active
    assert (user.is_anonymous, user.is_staff, user.is_superuser) == (False, False, False)
    assert user.pk == user.id == user.username == user.get_username() == str(user)
    assert [user.has_perm("a.b"), user.has_perms(["a.b"]), user.has_module_perms("a")] == [
        False
    ] * 3


def test_principal_users_are_equal_if_issuer_and_subject_are() -> None:
    alice = PrincipalUser(principal())

    assert alice == PrincipalUser(principal(client_id="web"))
    assert hash(alice) == hash(PrincipalUser(principal(client_id="web")))
    assert alice != PrincipalUser(principal(issuer="https://other.example/"))
    assert alice != "https://issuer.example/ alice"
