"""The page for a fault that only the person in front of the browser can be told."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.registrations.passwords import TooManyComparisons
from demo.authorization_server.requests.cookies import FormForged
from demo.authorization_server.requests.parameters import ParametersUnreadable
from demo.pages.rendering import Pages

Step = Callable[[Request], Awaitable[Response]]

MAX_SHOWN = 200
"""Characters of a value that are shown: enough to recognise it."""

_FORGED = (
    "This form did not come from a page that this server gave to your browser, or the browser "
    "keeps no cookies. Go back, load the page again and try once more."
)


_BUSY = "Too many people are signing in at this moment. Go back and try again in a few seconds."


def error_page(
    pages: Pages,
    sentence: str,
    *,
    name: str = "",
    value: str = "",
    status: int = 400,
    onward: str = "",
) -> HTMLResponse:
    """Return a page that says what is wrong.

    Arguments:
        name: the parameter that is meant, if it is one.
        value: what was sent for it.
        onward: an address of this server where the person can go on.
    """
    shown = value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"
    context = {"sentence": sentence, "name": name, "value": shown, "onward": onward}
    return pages.response("error_shown.html", context, status=status)


def faults_shown(pages: Pages, step: Step) -> Step:
    """Return the step with its faults answered: each one becomes a page."""

    async def answered(request: Request) -> Response:
        try:
            return await step(request)
        except RequestUnusable as fault:
            return error_page(pages, fault.sentence, name=fault.name, value=fault.value)
        except ParametersUnreadable as fault:
            return error_page(pages, str(fault))
        except FormForged:
            return error_page(pages, _FORGED, status=403)
        except TooManyComparisons:
            page = error_page(pages, _BUSY, status=503)
            page.headers["Retry-After"] = "2"
            return page

    return answered
