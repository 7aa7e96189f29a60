"""A browser's request: its session, found by the cookie, and the protection of forms from CSRF."""

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
"""Room for the largest authorization response as a form field, and the form token."""

FORM_SECONDS = 10.0
"""The time in which a form must arrive."""

_FOREIGN_FORM = (
    "This form does not come from a page of this application, or the page belongs to an earlier "
    "session. Nothing was changed. Go back to the start page and try again."
)


class ErrorPage(Exception):
    """A request is answered with an error page; its text is fixed."""

    def __init__(self, status: int, title: str, sentence: str) -> None:
        self.status = status
        self.title = title
        self.sentence = sentence
        super().__init__(title)


@dataclass(slots=True)
class Browser:
    """The browser that sent a request; `cookie` is None if it has no session yet."""

    cookie: str | None = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True)
class BrowserSessions:
    """The sessions of browsers, by their cookies."""

    settings: WebApplicationSettings
    sessions: Sessions
    token: Callable[[], str]

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncGenerator[Browser]:
        """Lock the browser's session; a new browser gets a session that is not saved yet."""
        cookie = request.cookies.get(COOKIE)
        if cookie is None:
            yield Browser(None, Session(self.token()))
            return
        async with self.sessions.lock(cookie):
            session = await self.sessions.session(cookie)
            if session is None:
                yield Browser(None, Session(self.token()))
            else:
                yield Browser(cookie, session)

    async def save(self, browser: Browser, session: Session) -> None:
        """Save the session of a browser that has one."""
        browser.session = session
        await self.sessions.save(browser.cookie or "", session)

    async def open_or_save(self, browser: Browser, session: Session, response: Response) -> None:
        """Save the session; a new browser gets its cookie with the response."""
        if browser.cookie is not None:
            await self.save(browser, session)
            return
        browser.session = session
        browser.cookie = await self.sessions.open(session)
        self._set_cookie(response, browser.cookie)

    async def renew(self, browser: Browser, session: Session, response: Response) -> None:
        """Save the session under a new cookie, against session fixation."""
        cookie = await self.sessions.renew(browser.cookie or "", session)
        if cookie is None:
            raise ErrorPage(400, "You are signed out", "Your session ended while you signed in.")
        self._set_cookie(response, cookie)

    async def close(self, browser: Browser, response: Response) -> None:
        """Delete the session and the cookie."""
        await self.sessions.close(browser.cookie or "")
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self.settings.is_https)

    def check_form(self, request: Request, browser: Browser, form: Mapping[str, str]) -> None:
        """Check that a form comes from a page of this session.

        Raises:
            ErrorPage: it does not; the status is 403.
        """
        origin = self.settings.origin
        sent = form.get("form_token", "").encode()
        if (
            request.headers.get("origin", origin) != origin
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
            or not hmac.compare_digest(sent, browser.session.form_token.encode())
        ):
            raise ErrorPage(403, "This form is not accepted", _FOREIGN_FORM)

    def _set_cookie(self, response: Response, cookie: str) -> None:
        response.set_cookie(
            COOKIE, cookie, httponly=True, samesite="lax", secure=self.settings.is_https
        )


async def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        ErrorPage: the body is not a form, too long or too slow, or repeats a field.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise ErrorPage(415, "Not a form", "This address accepts forms only.")
    try:
        body = await bounded(request.stream(), max_bytes=MAX_FORM_BYTES, seconds=FORM_SECONDS)
    except BodyTooLarge:
        raise ErrorPage(
            413, "The form is too long", f"The limit is {MAX_FORM_BYTES} bytes."
        ) from None
    except (TimeoutError, ClientDisconnect):
        raise ErrorPage(
            408, "The form is too slow", f"It did not arrive within {FORM_SECONDS:g} seconds."
        ) from None
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16
        )
    except ValueError:
        raise ErrorPage(400, "Not a form", "The form cannot be decoded.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ErrorPage(400, "Not a form", "A field occurs more than once.")
    return fields
