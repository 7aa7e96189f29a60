"""Error responses as `application/problem+json` (RFC 9457), with fixed sentences."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

_SENTENCES = {404: "No resource has this path.", 405: "The resource does not support this method."}


class Problem(HTTPException):
    """An endpoint raises it to refuse a request with a status and a fixed sentence.

    `errors` lists the faults of the request's body.
    """

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
    """Return the response, which no cache may store.

    Arguments:
        members: extension members of the problem (RFC 9457 §3.2).
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
    """Answer an `HTTPException`: a `Problem`, or one of Starlette's own from routing."""
    if isinstance(error, Problem):
        return problem_response(
            error.status_code, error.detail, headers=error.headers, errors=error.errors
        )
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"Allow": _allowed(request)} if status == 405 else None
    sentence = _SENTENCES.get(status, "The server cannot answer this request.")
    return problem_response(status, sentence, headers=headers)


async def internal_error(_request: Request, _error: Exception) -> Response:
    """Answer any other exception with 500; the server logs the traceback."""
    return problem_response(500, "The server failed to answer this request.")


def _allowed(request: Request) -> str:
    # Starlette names the methods of one route only, and a path here has one route per operation.
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))
