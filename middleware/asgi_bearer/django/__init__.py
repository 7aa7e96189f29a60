"""Django: a middleware that sets `request.principal`, and scopes per view.

`asgi_bearer.django.rest_framework`, `.ninja` and `.channels` are for Django REST framework,
django-ninja and Channels.
"""

try:
    import django as _django  # noqa: F401 - only whether it can be imported
except ImportError as err:
    raise ImportError("asgi_bearer.django needs Django: pip install django") from err

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
