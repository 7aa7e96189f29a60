"""Faults as pages: our own, the provider's silence, and what Starlette's routing raises."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from demo.pages.rendering import Pages
from demo.web_application.provider.discovery import ProviderUnavailable
from demo.web_application.session.browser import Fault

logger = logging.getLogger(__name__)

_SENTENCES = {
    404: ("Nothing here", "There is no page at this address."),
    405: ("Not this way", "This address does not answer to this kind of request."),
}

Handlers = Mapping[Any, Callable[[Request, Any], Awaitable[Response]]]
"""By exception class; each handler takes the exceptions of its class only."""


def fault_pages(pages: Pages) -> Handlers:
    """Return Starlette's exception handlers."""

    def page(status: int, title: str, sentence: str) -> Response:
        return pages.response("error.html", {"title": title, "sentence": sentence}, status=status)

    async def fault(_request: Request, error: Fault) -> Response:
        return page(error.status, error.title, error.sentence)

    async def unavailable(_request: Request, error: ProviderUnavailable) -> Response:
        logger.warning("The provider cannot be used: %s", error)
        return page(
            503,
            "The authorization server does not answer",
            "Or its answer says neither yes nor no. What was asked of it may have been done there; "
            "nothing came of it here. When it is back, try again.",
        )

    async def routing(_request: Request, error: HTTPException) -> Response:
        title, sentence = _SENTENCES.get(
            error.status_code, ("That did not work", "The request cannot be answered.")
        )
        response = page(error.status_code, title, sentence)
        response.headers.update(error.headers or {})
        return response

    async def broken(_request: Request, _error: Exception) -> Response:
        return page(500, "Something broke", "The server failed to answer this request.")

    return {
        Fault: fault,
        ProviderUnavailable: unavailable,
        HTTPException: routing,
        Exception: broken,
    }
