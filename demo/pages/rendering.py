"""Renders HTML pages, with escaping and with strict security headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

_SHARED = Path(__file__).parent

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    # With `no-referrer` a browser would send `Origin: null` with the forms of these pages.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The headers of every page, besides its content security policy."""


@dataclass(frozen=True, slots=True)
class Party:
    """The server that a page belongs to; the head of the page names it and has its colour.

    Arguments:
        address: as the browser's address bar shows it.
    """

    kind: Literal["authorization-server", "web-application"]
    name: str
    address: str


class Pages:
    """The pages of one application: its own templates and the shared layout."""

    def __init__(self, templates: Path, party: Party | None = None) -> None:
        self._environment = _environment(templates)
        self._party = party

    def response(
        self,
        template: str,
        context: Mapping[str, object],
        *,
        status: int = 200,
        form_action: Sequence[str] = (),
    ) -> HTMLResponse:
        """Return a rendered page.

        Arguments:
            form_action: other origins that the page's forms may lead to, also by a redirect;
                browsers check both.
        """
        headers = {
            **SECURITY_HEADERS,
            "Content-Security-Policy": content_security_policy(form_action),
        }
        text = self._environment.get_template(template).render({**context, "party": self._party})
        return HTMLResponse(text, status, headers)


@cache
def _environment(templates: Path) -> Environment:
    # One per folder, for all servers: compiled templates do not depend on the server.
    return Environment(
        loader=FileSystemLoader([templates, _SHARED / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def content_security_policy(form_action: Sequence[str]) -> str:
    """Return the policy: only own scripts, styles and pictures; no frames."""
    forms = " ".join(["'self'", *form_action])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )


def static_files() -> Mount:
    """Return the route of the shared static files, such as /static/style.css."""
    return Mount("/static", StaticFiles(directory=_SHARED / "static"))
