"""The error page, for faults that are shown to the person and not sent to the client."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.registrations.passwords import TooManyVerifications
from demo.authorization_server.requests.cookies import FormForged
from demo.authorization_server.requests.parameters import ParametersUnreadable
from demo.pages.rendering import Pages

ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]

MAX_SHOWN = 200
"""Characters of a value that the page shows: enough to recognise it."""

_FORGED = (
    "This form was not sent by a page of this server, or your browser does not accept cookies. "
    "Go back, reload the page and try again."
)

_BUSY = "Too many people are signing in right now. Go back and try again in a few seconds."


def error_page(
    pages: Pages,
    sentence: str,
    *,
    name: str = "",
    value: str = "",
    status: int = 400,
    continue_url: str = "",
) -> HTMLResponse:
    """Return a page that says what is wrong.

    Arguments:
        name: the parameter that is wrong, if one is.
        value: its value as sent.
        continue_url: a URL of this server where the person can continue.
    """
    shortened = value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"
    context = {"sentence": sentence, "name": name, "value": shortened, "continue_url": continue_url}
    return pages.response("error_shown.html", context, status=status)


def error_pages(pages: Pages) -> Mapping[type[Exception], ErrorHandler]:
    """Return the handlers for the faults that become an error page."""

    async def respond(request: Request, fault: Exception) -> Response:
        if isinstance(fault, RequestUnusable):
            return error_page(pages, fault.sentence, name=fault.name, value=fault.value)
        if isinstance(fault, FormForged):
            return error_page(pages, _FORGED, status=403)
        if isinstance(fault, TooManyVerifications):
            page = error_page(pages, _BUSY, status=503)
            page.headers["Retry-After"] = "2"
            return page
        return error_page(pages, str(fault))

    faults = (RequestUnusable, ParametersUnreadable, FormForged, TooManyVerifications)
    return dict.fromkeys(faults, respond)
