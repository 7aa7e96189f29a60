"""Django behind the `BearerMiddleware` of asgi_bearer: both refuse, no token is verified twice."""

from typing import Any

import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import override_settings
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from asgi_bearer import BearerMiddleware, Presented, Principal, Verifier
from asgi_bearer.django import BearerRequest
from asgi_bearer.django.ninja import BearerAuth, BearerNinjaAPI
from asgi_bearer.django.rest_framework import BearerAuthentication, GuardedRequest, HasScopes
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import BEARER, site
from tests.support.asgi import bearer, client

ORDERS = "https://api.example/orders"

issuer = FakeIssuer()
outer = issuer.verifier()


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


class Who(APIView):
    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScopes(),)

    def get(self, request: GuardedRequest) -> Response:
        return Response({"subject": request.auth.subject})


with override_settings(ASGI_BEARER={"VERIFIER": outer}):
    ninja = BearerNinjaAPI(auth=BearerAuth())


@ninja.get("/sync")
def who_sync(request: Any) -> dict[str, str | None]:
    return {"subject": request.auth.subject}


@ninja.get("/async")
async def who_async(request: Any) -> dict[str, str | None]:
    return {"subject": request.auth.subject}


urlpatterns: list[Any] = [
    path("", who),
    path("public", who),
    path("rest", Who.as_view()),
    path("ninja/", ninja.urls),
]


async def get(
    address: str, token: str | None = None, *, verifier: Verifier = outer, **arguments: Any
) -> httpx.Response:
    guarded = BearerMiddleware(ASGIHandler(), verifier=verifier, **arguments)
    async with client(guarded) as http:
        return await http.get(address, headers=bearer(token) if token else {})


async def test_the_same_verifier_verifies_once() -> None:
    verifier = CountingVerifier()
    with site(urlpatterns, {"VERIFIER": verifier}):
        known = await get("/", issuer.token(sub="bob"), verifier=verifier)
        refused = await get("/", verifier=verifier)

    assert known.json() == {"subject": "bob"}
    assert refused.status_code == 401
    assert verifier.count == 1


@pytest.mark.parametrize(
    ("address", "middleware"),
    [
        ("/", (BEARER,)),
        ("/", (BEARER, f"{__name__}.synchronous")),
        ("/rest", ()),
        ("/ninja/sync", ()),
        ("/ninja/async", ()),
    ],
)
async def test_the_verifier_of_the_setting_verifies_what_another_has_accepted(
    address: str, middleware: tuple[str, ...]
) -> None:
    own = issuer.verifier(audience=ORDERS)
    with site(urlpatterns, {"VERIFIER": own}, middleware=middleware):
        both = await get(address, issuer.token(sub="bob", aud=[issuer.audience, ORDERS]))
        outer_only = await get(address, issuer.token(sub="bob"))

    assert both.json() == {"subject": "bob"}
    assert outer_only.status_code == 401


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
    setting = {"VERIFIER": issuer.verifier(), **setting}
    with site(urlpatterns, setting, middleware=(BEARER, *others)):
        response = await get(address, optional=True)

    assert response.status_code == status
    assert "www-authenticate" in response.headers or status == 200


async def test_a_public_path_shows_the_principal_of_the_guard_outside() -> None:
    with site(urlpatterns, {"VERIFIER": issuer.verifier(), "PUBLIC": ["/public"]}):
        response = await get("/public", issuer.token(sub="bob"))

    assert response.json() == {"subject": "bob"}


async def test_two_authorization_headers_are_refused() -> None:
    with site(urlpatterns, {"VERIFIER": issuer.verifier()}):
        async with client(ASGIHandler()) as http:
            response = await http.get("/", headers=[*bearer(issuer.token()).items()] * 2)

    assert response.status_code == 400
