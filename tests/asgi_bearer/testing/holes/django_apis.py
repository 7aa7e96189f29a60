"""URLs of Django REST framework and django-ninja with holes."""

from typing import Any, NoReturn

from django.http import HttpResponse
from django.urls import path
from ninja import Router
from ninja.security import HttpBearer
from rest_framework.decorators import (
    action,
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from asgi_bearer.django import requires
from asgi_bearer.django.ninja import BearerAuth, BearerNinjaAPI
from asgi_bearer.django.rest_framework import (
    BearerAuthentication,
    HasAnyScope,
    HasReadWriteScopes,
    HasScopes,
)
from tests.asgi_bearer.testing.holes.planted import must_not_run


class Items(APIView):
    def get(self, request: Any) -> NoReturn:
        must_not_run()

    def post(self, request: Any) -> NoReturn:
        must_not_run()


class Guarded(Items):
    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasReadWriteScopes("read:x", write="write:x"),)


class AnyScope(Items):
    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasAnyScope("read:x", "read:y"),)


class Unchecked(Items):
    """Authenticates a token, but permits requests without one."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (AllowAny,)


class Lenient(Items):
    """Overrides what checks the permissions that it lists."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScopes("read:x"),)

    def check_permissions(self, request: Any) -> None:
        if request.auth is None:
            super().check_permissions(request)


class HasToken(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.auth is not None


class Either(Items):
    """Another permission is enough; both refuse a request without a token."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScopes("read:x") | HasToken,)


class Things(ViewSet):
    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScopes("read:x"),)

    def list(self, request: Any) -> NoReturn:
        must_not_run()

    def create(self, request: Any) -> NoReturn:
        must_not_run()

    @action(detail=False, permission_classes=[AllowAny])
    def newest(self, request: Any) -> NoReturn:
        must_not_run()

    @action(detail=True, methods=["delete"], permission_classes=[HasScopes("write:x")])
    def parts(self, request: Any, pk: str) -> NoReturn:
        must_not_run()


things = SimpleRouter()
things.register("drf/things", Things, basename="thing")


@api_view(["GET", "DELETE"])
def listed(request: Any) -> NoReturn:
    must_not_run()


@api_view(["GET", "POST"])
@authentication_classes([BearerAuthentication])
@permission_classes([HasScopes("read:x")])
def guarded(request: Any) -> NoReturn:
    must_not_run()


class AnyToken(HttpBearer):
    """Accepts whatever a client calls a token."""

    def authenticate(self, request: Any, token: str) -> str:
        return token


class Forgetful(BearerAuth):
    """Asks for a token, and forgets the scopes."""

    def __call__(self, request: Any) -> Any:
        return BearerAuth()(request)


api = BearerNinjaAPI()
read = BearerAuth("read:x")
router = Router(auth=read)


@api.get("/open")
def open_operation(request: Any) -> NoReturn:
    must_not_run()


@api.get("/both", auth=read)
async def closed_operation(request: Any) -> NoReturn:
    must_not_run()


@api.post("/both")
async def forgotten_operation(request: Any, number: int) -> NoReturn:
    must_not_run()


@requires("read:x")
@api.get("/wrong-order", auth=BearerAuth())
def wrong_order(request: Any) -> HttpResponse:
    must_not_run()


@api.get("/forgetful", auth=Forgetful("read:x"))
def forgetful(request: Any) -> NoReturn:
    must_not_run()


@api.get("/any-token", auth=AnyToken())
def any_token(request: Any) -> NoReturn:
    must_not_run()


@api.get("/either", auth=[read, AnyToken()])
def either(request: Any) -> NoReturn:
    must_not_run()


@api.get("/any-of", auth=BearerAuth("read:x", "read:y", any_of=True))
def any_of(request: Any) -> NoReturn:
    must_not_run()


@api.get("/closed/{item}", auth=read)
def closed_item(request: Any, item: int) -> NoReturn:
    must_not_run()


@router.get("/closed")
def closed_in_router(request: Any) -> NoReturn:
    must_not_run()


@router.post("/forgotten", auth=None)
def forgotten_in_router(request: Any) -> NoReturn:
    must_not_run()


api.add_router("/router", router)

urlpatterns: list[Any] = [
    path("drf/items", Items.as_view()),
    path("drf/guarded", Guarded.as_view()),
    path("drf/any-scope", AnyScope.as_view()),
    path("drf/unchecked", Unchecked.as_view()),
    path("drf/lenient", Lenient.as_view()),
    path("drf/either", Either.as_view()),
    path("drf/listed", listed),
    path("drf/guarded-function", guarded),
    *things.urls,
    path("ninja/", api.urls),
]
