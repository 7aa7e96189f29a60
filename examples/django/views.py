"""Views of Django: functions and classes, sync and async."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View

from asgi_bearer.django import GuardedRequest, requires, requires_any


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


@requires("read:items")
def items(request: GuardedRequest) -> JsonResponse:
    return JsonResponse({"owner": request.principal.subject})


@requires_any("read:items", "read:reports")
async def reports(request: GuardedRequest) -> JsonResponse:
    return JsonResponse({"owner": request.principal.subject})


@requires("write:items")
class Item(View):
    """One item."""

    async def delete(self, request: GuardedRequest, name: str) -> HttpResponse:
        return HttpResponse(status=204)
