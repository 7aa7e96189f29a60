"""The application of the matrix in Django, with Channels for WebSockets."""

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from tests.matrix import behaviour

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="not used")
django.setup()


async def text(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.path.encode())


async def fault(_request: HttpRequest) -> HttpResponse:
    behaviour.fault()
    return HttpResponse()


async def stream(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(behaviour.two_parts())


async def release(_request: HttpRequest) -> HttpResponse:
    behaviour.released.set()
    return HttpResponse()


async def endless(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(behaviour.endless())


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data)
        await self.close()


urlpatterns = [
    path("items", text),
    path("public", text),
    path("fault", fault),
    path("stream", stream),
    path("release", release),
    path("endless", endless),
]

app = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": Echo.as_asgi()})
