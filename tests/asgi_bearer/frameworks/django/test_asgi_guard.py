"""Django behind the `BearerMiddleware` of asgi_bearer: nothing is verified twice, both refuse."""

import secrets
from typing import Any

import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework.views import APIView

from asgi_bearer import BearerMiddleware, Presented, Principal
from asgi_bearer.django import BearerRequest, GuardedRequest, requires
from asgi_bearer.django.ninja import BearerAuth, BearerNinjaAPI
from asgi_bearer.django.rest_framework import BearerAuthentication, HasScopes
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import BEARER, site
from tests.support.asgi import bearer, client

issuer = FakeIssuer()
verifier = issuer.verifier()
other = FakeIssuer("https://other.example/")


class CountingVerifier:
    """Counts the tokens that it verifies."""

    def __init__(self) -> None:
        self.count = 0
        self._verifier = issuer.verifier()

    async def verify(self, presented: Presented) -> Principal:
        self.count += 1
        return await self._verifier.verify(presented)


def who(request: BearerRequest) -> HttpResponse:
    return JsonResponse({"subject": request.principal and request.principal.subject})


urlpatterns = [path("", who), path("public", who)]


async def get(address: str, token: str | None = None, **arguments: Any) -> httpx.Response:
    guarded = BearerMiddleware(ASGIHandler(), **{"verifier": verifier, **arguments})
    async with client(guarded) as http:
        return await http.get(address, headers=bearer(token) if token else {})


async def test_nothing_is_verified_twice() -> None:
    own = CountingVerifier()
    with site(urlpatterns, {"VERIFIER": own}):
        known = await get("/", issuer.token(sub="bob"), verifier=own)
        refused = await get("/", verifier=own)

    assert known.json() == {"subject": "bob"}
    assert refused.status_code == 401
    assert own.count == 1


def synchronous(get_response: Any) -> Any:
    """A middleware that makes Django run the others in a thread."""

    def respond(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        return response

    return respond


@pytest.mark.parametrize("others", [(), (f"{__name__}.synchronous",)])
@pytest.mark.parametrize(
    ("setting", "address", "status"),
    [
        ({}, "/", 401),
        ({"PUBLIC": ["/public"]}, "/public", 200),
        ({"PUBLIC": ["/public"]}, "/", 401),
        ({"OPTIONAL": True}, "/", 200),
    ],
)
async def test_the_setting_refuses_anonymous_requests_that_an_optional_guard_lets_pass(
    setting: dict[str, object], address: str, status: int, others: tuple[str, ...]
) -> None:
    setting = {"VERIFIER": verifier, **setting}
    with site(urlpatterns, setting, middleware=(BEARER, *others)):
        response = await get(address, optional=True)

    assert response.status_code == status
    assert "www-authenticate" in response.headers or status == 200


async def test_a_public_path_shows_the_principal_of_the_guard_outside() -> None:
    with site(urlpatterns, {"VERIFIER": verifier, "PUBLIC": ["/public"]}):
        response = await get("/public", issuer.token(sub="bob"))

    assert response.json() == {"subject": "bob"}


@requires()
def protected(request: GuardedRequest) -> HttpResponse:
    return JsonResponse({"subject": request.principal.subject})


class View(APIView):
    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScopes(),)

    def get(self, request: Any) -> HttpResponse:
        return JsonResponse({"subject": request.auth.subject})


@pytest.mark.parametrize("others", [(), (f"{__name__}.synchronous",)])
@pytest.mark.parametrize(
    ("address", "bearer_middleware"),
    [
        ("/", (BEARER,)),
        ("/protected", (BEARER,)),
        ("/public", (BEARER,)),
        ("/rest", ()),
        ("/ninja/", ()),
        ("/ninja/async", ()),
    ],
)
async def test_the_principal_of_another_verifier_does_not_count(
    address: str, bearer_middleware: tuple[str, ...], others: tuple[str, ...]
) -> None:
    """The guard outside may accept tokens of issuers that Django does not trust."""
    setting = {"VERIFIER": verifier, "PUBLIC": ["/public"]}
    with site([], setting):
        patterns = [*urlpatterns, *protecting()]
    with site(patterns, setting, middleware=(*bearer_middleware, *others)):
        foreign = await get(address, other.token(), verifier=other.verifier())
        own = await get(address, issuer.token(sub="bob"), verifier=verifier)

    assert foreign.status_code == (401 if address != "/public" else 200)
    assert foreign.json().get("subject") is None
    assert own.json() == {"subject": "bob"}


def protecting() -> list[Any]:
    api = BearerNinjaAPI(auth=BearerAuth(), urls_namespace=secrets.token_hex(4))

    @api.get("/")
    def operation(request: GuardedRequest) -> dict[str, object]:
        return {"subject": request.principal.subject}

    @api.get("/async")
    async def async_operation(request: GuardedRequest) -> dict[str, object]:
        return {"subject": request.principal.subject}

    return [
        path("protected", protected),
        path("rest", View.as_view()),
        path("ninja/", api.urls),
    ]


async def test_two_authorization_headers_are_refused() -> None:
    with site(urlpatterns, {"VERIFIER": issuer.verifier()}):
        async with client(ASGIHandler()) as http:
            response = await http.get("/", headers=[*bearer(issuer.token()).items()] * 2)

    assert response.status_code == 400
