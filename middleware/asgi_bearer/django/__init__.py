"""Django: a middleware that sets `request.principal`, and scopes per view.

`asgi_bearer.django.rest_framework`, `.ninja` and `.channels` are for Django REST framework,
django-ninja and Channels.
"""

from importlib.util import find_spec

if find_spec("django") is None:
    raise ImportError("asgi_bearer.django needs Django: pip install django")

from asgi_bearer.django.decorators import requires, requires_any
from asgi_bearer.django.middleware import BearerMiddleware
from asgi_bearer.django.requests import BearerRequest, GuardedRequest
from asgi_bearer.django.users import PrincipalUser

__all__ = [
    "BearerMiddleware",
    "BearerRequest",
    "GuardedRequest",
    "PrincipalUser",
    "requires",
    "requires_any",
]
