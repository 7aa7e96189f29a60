"""URLs of Django REST framework and django-ninja with holes."""

from typing import Any, NoReturn

from django.urls import include, path
from ninja import NinjaAPI, Router
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.views import APIView

from asgi_bearer.guard.endpoints import principal
from tests.asgi_bearer.testing.holes.checks import Stopped, stop_unless_permitted
from tests.asgi_bearer.testing.holes.django_urls import bypassed, page, respond
from tests.asgi_bearer.testing.holes.planted import must_not_run


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Any) -> None:
        if principal(request.scope) is None:
            raise NotAuthenticated

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'


class Anyone(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return True


class Items(APIView):
    def get(self, request: Any) -> NoReturn:
        must_not_run()

    def post(self, request: Any) -> NoReturn:
        must_not_run()


class GuardedItems(APIView):
    authentication_classes = (TokenAuthentication,)

    def get(self, request: Any) -> NoReturn:
        must_not_run()

    def put(self, request: Any) -> NoReturn:
        must_not_run()


@api_view(["GET", "DELETE"])
def listed(request: Any) -> NoReturn:
    must_not_run()


@api_view(["GET"])
@permission_classes([Anyone])
def allowed(request: Any) -> NoReturn:
    must_not_run()


@api_view(["GET", "POST"])
@authentication_classes([TokenAuthentication])
def guarded(request: Any) -> NoReturn:
    must_not_run()


def token(request: Any) -> bool:
    stop_unless_permitted(request.scope)
    return True


api = NinjaAPI()
router = Router(auth=token)


@api.exception_handler(Stopped)
def stopped(request: Any, exc: Stopped) -> Any:
    return respond(exc.refused)


@api.get("/open")
def open_operation(request: Any) -> NoReturn:
    must_not_run()


@api.get("/both", auth=token)
async def closed_operation(request: Any) -> NoReturn:
    must_not_run()


@api.post("/both")
async def forgotten_operation(request: Any, number: int) -> NoReturn:
    must_not_run()


@api.get("/closed/{item}", auth=token)
def closed_item(request: Any, item: int) -> NoReturn:
    must_not_run()


@router.get("/closed")
def closed_in_router(request: Any) -> NoReturn:
    must_not_run()


@router.post("/forgotten", auth=None)
def forgotten_in_router(request: Any) -> NoReturn:
    must_not_run()


api.add_router("/router", router)

wrong_order: list[Any] = [path("wrong-order", bypassed(page()))]
urlpatterns: list[Any] = [
    path("drf/items", Items.as_view()),
    path("drf/guarded-items", GuardedItems.as_view()),
    path("drf/listed", listed),
    path("drf/allowed", allowed),
    path("drf/guarded", guarded),
    path("drf/plain/", include(wrong_order)),
    path("ninja/", api.urls),
]
