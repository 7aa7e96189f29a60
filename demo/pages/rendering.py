"""HTML pages: rendered with escaping, and sent with headers that allow a browser very little."""

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
"""For every page; the content security policy is made for each."""


@dataclass(frozen=True, slots=True)
class Party:
    """Whose pages they are: the head of each page says it, and the colour shows it.

    Arguments:
        address: as it stands in the browser's address bar.
    """

    kind: Literal["authorization-server", "web-application"]
    name: str
    address: str


class Pages:
    """The pages of one application, from the templates in its folder and the shared layout."""

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
            form_action: origins beside our own that the page's forms may lead to, also by a
                redirect; browsers check both against the policy.
        """
        headers = {
            **SECURITY_HEADERS,
            "Content-Security-Policy": content_security_policy(form_action),
        }
        text = self._environment.get_template(template).render({**context, "party": self._party})
        return HTMLResponse(text, status, headers)


@cache
def _environment(templates: Path) -> Environment:
    # Kept by folder: compiled templates do not depend on whose pages they are.
    return Environment(
        loader=FileSystemLoader([templates, _SHARED / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def content_security_policy(form_action: Sequence[str]) -> str:
    """Return the policy: scripts, styles and pictures of our own files only; no frames."""
    forms = " ".join(["'self'", *form_action])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )


def static_files() -> Mount:
    """Return the route of the shared static files: /static/style.css."""
    return Mount("/static", StaticFiles(directory=_SHARED / "static"))
