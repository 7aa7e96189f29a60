"""One browser's request: the session behind its cookie, and the proof that a form is our own."""

import hmac
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from demo.web_application.session.session import Session
from demo.web_application.session.store import Sessions
from demo.web_application.settings import WebApplicationSettings
from resource_api.web.bodies import BodyTooLarge, bounded

COOKIE = "web_application_session"

MAX_FORM_BYTES = 48 * 1024
"""An authorization response of the largest size, written as a form field, and room beside it."""

FORM_SECONDS = 10.0
"""How long a form may take to arrive."""

_STRANGE_FORM = (
    "This form was not sent from a page of this application, or the page is from an earlier "
    "session. Nothing was done. Go back to the start and try again."
)


class Fault(Exception):
    """A request that cannot be answered as asked; fixed words, for the person at the browser."""

    def __init__(self, status: int, title: str, sentence: str) -> None:
        self.status = status
        self.title = title
        self.sentence = sentence
        super().__init__(title)


@dataclass(slots=True)
class Visit:
    """A request's place in a session; `secret` is None where the browser has none yet."""

    secret: str | None = field(repr=False)
    session: Session


class Visits:
    """Who visits: by cookie. Requests of one session take turns."""

    def __init__(
        self, settings: WebApplicationSettings, sessions: Sessions, token: Callable[[], str]
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._token = token

    @asynccontextmanager
    async def visit(self, request: Request) -> AsyncGenerator[Visit]:
        """Hold a browser's session; one without a session gets one that is not kept yet."""
        secret = request.cookies.get(COOKIE)
        if secret is None:
            yield Visit(None, Session(self._token()))
            return
        async with self._sessions.turn(secret):
            session = await self._sessions.session(secret)
            if session is None:
                yield Visit(None, Session(self._token()))
            else:
                yield Visit(secret, session)

    async def keep(self, visit: Visit, session: Session, response: Response) -> None:
        """Keep what is known of the browser now."""
        visit.session = session
        if visit.secret is not None:
            await self._sessions.keep(visit.secret, session)
            return
        visit.secret = await self._sessions.open(session)
        self._set_cookie(response, visit.secret)

    async def renew(self, visit: Visit, session: Session, response: Response) -> None:
        """Keep it under a cookie that nobody can have known before."""
        secret = await self._sessions.renew(visit.secret or "", session)
        if secret is None:
            raise Fault(400, "Signed out meanwhile", "Your session ended while you signed in.")
        self._set_cookie(response, secret)

    async def close(self, visit: Visit, response: Response) -> None:
        """Forget the browser."""
        await self._sessions.close(visit.secret or "")
        response.delete_cookie(
            COOKIE, httponly=True, samesite="lax", secure=self._settings.is_https
        )

    def check_form(self, request: Request, visit: Visit, form: Mapping[str, str]) -> None:
        """Check that a form comes from a page that this application made for this session.

        Raises:
            Fault: it does not, with status 403.
        """
        origin = request.headers.get("origin")
        if origin is not None and origin != self._settings.origin:
            raise Fault(403, "Not our form", _STRANGE_FORM)
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Fault(403, "Not our form", _STRANGE_FORM)
        sent = form.get("form_token", "").encode()
        if not hmac.compare_digest(sent, visit.session.form_token.encode()):
            raise Fault(403, "Not our form", _STRANGE_FORM)

    def _set_cookie(self, response: Response, secret: str) -> None:
        response.set_cookie(
            COOKIE, secret, httponly=True, samesite="lax", secure=self._settings.is_https
        )


async def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        Fault: it is no form, too long, too slow, or holds a field twice.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise Fault(415, "Not a form", "This address takes forms only.")
    try:
        body = await bounded(request.stream(), max_bytes=MAX_FORM_BYTES, seconds=FORM_SECONDS)
    except BodyTooLarge:
        raise Fault(413, "Too long", f"A form may have {MAX_FORM_BYTES} bytes here.") from None
    except (TimeoutError, ClientDisconnect):
        raise Fault(408, "Too slow", "The form did not arrive in time, or not whole.") from None
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16
        )
    except ValueError:
        raise Fault(400, "Not a form", "The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Fault(400, "Not a form", "A field is in the form more than once.")
    return fields
