"""Start it in the checkout with `uvicorn examples.django.asgi:app`."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django.settings")
django = get_asgi_application()

# Channels and models can only be imported now.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - after Django
from django.conf import settings  # noqa: E402 - after Django
from django.urls import path  # noqa: E402 - after Django

from asgi_bearer import BearerMiddleware  # noqa: E402 - after Django
from examples.django.consumers import Changes  # noqa: E402 - after Django

# The type of Django's function knows only views.
consumer: Any = path
websockets = URLRouter([consumer("items/changes", Changes.as_asgi())])

app = ProtocolTypeRouter(
    {
        # Django's own middleware guards http, and this one the WebSockets.
        "http": django,
        "websocket": BearerMiddleware(
            websockets,
            verifier=settings.ASGI_BEARER["VERIFIER"],
            set_user=False,
            websocket_subprotocol="bearer",
        ),
    }
)
