"""The error pages: for requests that are refused, for an unavailable provider, and for routing."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from demo.pages.rendering import Pages
from demo.web_application.provider.discovery import ProviderUnavailable
from demo.web_application.session.browser import ErrorPage

logger = logging.getLogger(__name__)

_SENTENCES = {
    404: ("Page not found", "There is no page at this address."),
    405: ("Method not allowed", "This address does not accept this kind of request."),
}

Handlers = Mapping[Any, Callable[[Request, Any], Awaitable[Response]]]
"""By exception class; each handler takes the exceptions of its class only."""


def error_pages(pages: Pages) -> Handlers:
    """Return Starlette's exception handlers."""

    def page(status: int, title: str, sentence: str) -> Response:
        return pages.response("error.html", {"title": title, "sentence": sentence}, status=status)

    async def refused(_request: Request, error: ErrorPage) -> Response:
        return page(error.status, error.title, error.sentence)

    async def unavailable(_request: Request, error: ProviderUnavailable) -> Response:
        logger.warning("The authorization server cannot be used: %s", error)
        return page(
            503,
            "The authorization server is not available",
            "It does not answer, or its answer cannot be used. It may have done what was "
            "requested, but nothing changed here. Try again later.",
        )

    async def routing(_request: Request, error: HTTPException) -> Response:
        title, sentence = _SENTENCES.get(
            error.status_code, ("Request refused", "This request cannot be answered.")
        )
        response = page(error.status_code, title, sentence)
        response.headers.update(error.headers or {})
        return response

    async def unexpected(_request: Request, _error: Exception) -> Response:
        return page(500, "Server error", "The server failed to answer this request.")

    return {
        ErrorPage: refused,
        ProviderUnavailable: unavailable,
        HTTPException: routing,
        Exception: unexpected,
    }
