"""Errors as `application/problem+json` (RFC 9457): fixed sentences, nothing of the inside."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not answer to this method.",
}


class Problem(HTTPException):
    """An error to answer with: a status, a fixed sentence, and the faults one by one if any."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.errors = tuple(errors)


def problem_response(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    members: Mapping[str, object] | None = None,
) -> Response:
    """The answer itself; never stored, because an error is about this request alone.

    Arguments:
        members: what else the problem has to say (RFC 9457 §3.2).
    """
    content: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    content.update(members or {})
    if errors:
        content["errors"] = [dict(error) for error in errors]
    return JSONResponse(
        content,
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type="application/problem+json",
    )


async def problem(request: Request, error: Exception) -> Response:
    """Starlette's handler for `HTTPException`: our own problems and those of its routing."""
    if isinstance(error, Problem):
        return problem_response(
            error.status_code, error.detail, headers=error.headers, errors=error.errors
        )
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"Allow": _allowed(request)} if status == 405 else None
    sentence = _SENTENCES.get(status, "The request cannot be answered.")
    return problem_response(status, sentence, headers=headers)


async def internal_error(_request: Request, _error: Exception) -> Response:
    """Starlette's handler for what nobody expected; the server logs the traceback."""
    return problem_response(500, "The server failed to answer this request.")


def _allowed(request: Request) -> str:
    # Starlette names the methods of the first route only; an address has one route per operation.
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))
