"""django-ninja: `auth=BearerAuth("read:items")`, and an API that answers and documents refusals.

No middleware is needed: `BearerAuth` verifies the token itself, with the setting `ASGI_BEARER`.
Behind a middleware it takes the principal that has been verified there.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

try:
    from ninja import NinjaAPI
    from ninja.errors import AuthenticationError, HttpError
    from ninja.openapi.schema import OpenAPISchema
    from ninja.operation import Operation
    from ninja.security.base import AuthBase
except ImportError as err:
    raise ImportError(
        "asgi_bearer.django.ninja needs django-ninja: pip install django-ninja"
    ) from err

from asgi_bearer.caller import Principal
from asgi_bearer.django.configuration import Configuration, configuration
from asgi_bearer.django.requests import refused_response, scope_of
from asgi_bearer.django.users import set_user, set_user_async
from asgi_bearer.django.verification import verify, verify_async
from asgi_bearer.errors import AccessTokenError, CredentialsMissing
from asgi_bearer.guard.endpoints import access_refusal, principal
from asgi_bearer.scopes import checked_scopes

__all__ = ["BearerAuth", "BearerNinjaAPI", "Refused"]

_MISSING: Final = "asgi_bearer.credentials_missing"
"""Key of the scope: the refusal of a request without credentials, if no other `auth` accepts it."""


class Refused(HttpError):
    """A refusal, as an exception of django-ninja. `BearerNinjaAPI` answers it with the challenge.

    Attributes:
        refusal: the reason.
    """

    def __init__(self, refusal: AccessTokenError) -> None:
        super().__init__(refusal.status, refusal.sentence)
        self.refusal = refusal
