"""The cookies of this server, and the check against forged forms (CSRF).

Cookies belong to a host, not to a port (RFC 6265 §8.5), so any other server on this host can set
them. A form is therefore accepted only if its hidden value equals the cookie and, if the browser
names the origin of the form, that origin is this server. Because of `SameSite=Lax`, forms of other
sites come without the session.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from demo.authorization_server.requests.parameters import Parameters, form_parameters

SESSION_COOKIE = "authorization_server_session"
CSRF_COOKIE = "authorization_server_csrf"

_CSRF = re.compile(r"[A-Za-z0-9_-]{43}")


class FormForged(Exception):
    """The form is not from a page of this server, or the browser did not store the cookie."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """Reads and writes the cookies, and checks the forms.

    Arguments:
        issuer: the address of this server.
        new_value: makes a CSRF value: 43 random characters of base64url.
    """

    issuer: str
    new_value: Callable[[], str] = lambda: secrets.token_urlsafe(32)

    def csrf_value(self, request: Request) -> str:
        """Return the CSRF value of this browser, or a new one if it has none.

        All tabs share it, so that opening a second page does not break the first.
        """
        value = request.cookies.get(CSRF_COOKIE, "")
        return value if _CSRF.fullmatch(value) else self.new_value()

    def is_own_page(self, request: Request) -> bool:
        """Return whether a page of this server sent the request, or no page is named."""
        origins = set(request.headers.getlist("origin"))
        sites = set(request.headers.getlist("sec-fetch-site"))
        return origins <= {self._origin} and sites <= {"same-origin"}

    async def own_form(self, request: Request) -> Parameters:
        """Read a form that comes from a page that this browser got from this server.

        Raises FormForged for any other form, and ParametersUnreadable.
        """
        form = await form_parameters(request)
        if not self.is_own_page(request):
            raise FormForged
        cookie, field = request.cookies.get(CSRF_COOKIE, ""), form.values.get("csrf", "")
        if not _CSRF.fullmatch(cookie) or not hmac.compare_digest(cookie.encode(), field.encode()):
            raise FormForged
        return form

    def keep_csrf(self, response: Response, value: str) -> None:
        """Set the cookie with the CSRF value of the page's forms."""
        self._set(response, CSRF_COOKIE, value)

    def session_secret(self, request: Request) -> str:
        """Return the value of the session cookie, unchecked; "" if there is none."""
        return request.cookies.get(SESSION_COOKIE, "")

    def keep_session(self, response: Response, secret: str) -> None:
        """Set the session cookie."""
        self._set(response, SESSION_COOKIE, secret)

    def forget_session(self, response: Response) -> None:
        """Delete the session cookie."""
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def _set(self, response: Response, name: str, value: str) -> None:
        secure = self.issuer.startswith("https:")
        response.set_cookie(name, value, path="/", secure=secure, httponly=True, samesite="lax")
