"""This server as a browser sees it: its cookies, and which forms are its own.

Cookies are per host, not per port (RFC 6265 §8.5): whatever else runs on this host can set ours.
So a form is ours only if its hidden value fits the cookie AND, where the browser says from where
the form was sent, that is this very origin. `SameSite=Lax` keeps the session out of forms that
come from other sites.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from demo.authorization_server.requests.parameters import Parameters

SESSION_COOKIE = "authorization_server_session"
CSRF_COOKIE = "authorization_server_csrf"

_CSRF = re.compile(r"[A-Za-z0-9_-]{43}")


class FormForged(Exception):
    """A form that this server did not send, or whose cookie the browser did not keep."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """Reads and writes the cookies, and judges the forms.

    Arguments:
        issuer: the address of this server.
        token: makes a new value for the forms of a browser; 43 characters of base64url.
    """

    issuer: str
    token: Callable[[], str] = lambda: secrets.token_urlsafe(32)

    def csrf_value(self, request: Request) -> str:
        """Return the value for the forms of this browser: the one it has, so that pages in two
        tabs go on working, or a new one."""
        value = request.cookies.get(CSRF_COOKIE, "")
        return value if _CSRF.fullmatch(value) else self.token()

    def is_own_page(self, request: Request) -> bool:
        """Return whether what sent the request is, where a browser says so, a page of ours."""
        origins = set(request.headers.getlist("origin"))
        sites = set(request.headers.getlist("sec-fetch-site"))
        return origins <= {self._origin} and sites <= {"same-origin"}

    def check_form(self, request: Request, form: Parameters) -> None:
        """Raise FormForged unless the form came from a page that this browser had from us."""
        if not self.is_own_page(request):
            raise FormForged
        cookie, field = request.cookies.get(CSRF_COOKIE, ""), form.values.get("csrf", "")
        if not _CSRF.fullmatch(cookie) or not hmac.compare_digest(cookie.encode(), field.encode()):
            raise FormForged

    def keep_csrf(self, response: Response, value: str) -> None:
        """Let the browser keep the value that is in the page's forms."""
        self._set(response, CSRF_COOKIE, value)

    def session_secret(self, request: Request) -> str | None:
        """Return what the browser has for a session; nobody has checked it."""
        return request.cookies.get(SESSION_COOKIE)

    def keep_session(self, response: Response, secret: str) -> None:
        """Let the browser keep a session."""
        self._set(response, SESSION_COOKIE, secret)

    def forget_session(self, response: Response) -> None:
        """Let the browser forget its session."""
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def _set(self, response: Response, name: str, value: str) -> None:
        secure = self.issuer.startswith("https:")
        response.set_cookie(name, value, path="/", secure=secure, httponly=True, samesite="lax")
