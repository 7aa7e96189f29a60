"""The fixtures with Django's clients, which call views without a server and without ASGI.

In a process of its own, because Django's settings belong to the process.
"""

from pathlib import Path

import pytest

from tests.asgi_bearer.testing.projects import run_pytest

VIEWS = """
from collections.abc import Callable, Iterator

import django
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from asgi_bearer import AccessTokenError, JWTVerifier, Presented
from asgi_bearer.testing import AttackToken, FakeIssuer

Headers = Callable[..., dict[str, str]]

verifier = JWTVerifier(issuer="https://tenant.example/", audience="https://api.example/orders")

async def subject(request: HttpRequest) -> HttpResponse:
    _, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        principal = await verifier.verify(Presented(token))
    except AccessTokenError as err:
        return HttpResponse(status=err.status)
    return HttpResponse(principal.subject)

def subject_in_a_thread(request: HttpRequest) -> HttpResponse:
    return async_to_sync(subject)(request)

urlpatterns = [path("async/", subject), path("sync/", subject_in_a_thread)]

@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    if not settings.configured:
        settings.configure()
        django.setup()
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        yield

@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer.instead_of(verifier) as issuer:
        yield issuer

@pytest.mark.parametrize("address", ["/async/", "/sync/"])
def test_the_client_of_django(auth_headers: Headers, address: str) -> None:
    client = Client()

    assert client.get(address, headers=auth_headers(sub="bob")).content == b"bob"

@pytest.mark.asyncio
async def test_the_asynchronous_client_of_django(auth_headers: Headers) -> None:
    client = AsyncClient()

    response = await client.get("/async/", headers=auth_headers(sub="bob"))

    assert response.content == b"bob"

@pytest.mark.asyncio
async def test_each_attack_is_refused(attack_tokens: list[AttackToken]) -> None:
    client = AsyncClient()

    for attack in attack_tokens:
        response = await client.get("/async/", headers=attack.headers)
        assert response.status_code == attack.status, attack
"""


def test_the_clients_of_django_in_a_project(tmp_path: Path) -> None:
    pytest.importorskip("django")

    finished = run_pytest(tmp_path, {"test_views.py": VIEWS})

    assert finished.returncode == 0, finished.stdout
    assert " 4 passed" in finished.stdout
