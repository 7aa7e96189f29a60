"""HTML pages: rendered with escaping, and sent with a strict content security policy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

_SHARED = Path(__file__).parent

_WORDS = re.compile(r"(\s+)")
_AFTER_SEPARATOR = re.compile(r"(?<=[^:/][/?&;])(?=[\w.~%-])")

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    # With `no-referrer` a browser would send `Origin: null` with the forms of these pages.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The headers of every page; the content security policy is added for each page."""


@dataclass(frozen=True, slots=True)
class Party:
    """The party that a page belongs to, shown in its header and by its colour.

    Arguments:
        address: as in the browser's address bar.
    """

    kind: Literal["authorization-server", "web-application"]
    name: str
    address: str


class Pages:
    """The pages of one application, from its own templates and the shared layout."""

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
            form_action: other origins that the forms of the page may lead to; browsers also check
                redirects after a form.
        """
        headers = {
            **SECURITY_HEADERS,
            "Content-Security-Policy": content_security_policy(form_action),
        }
        text = self._environment.get_template(template).render({**context, "party": self._party})
        return HTMLResponse(text, status, headers)


@cache
def _environment(templates: Path) -> Environment:
    # Cached by folder: templates do not depend on the party.
    environment = Environment(
        loader=FileSystemLoader([templates, _SHARED / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["addresses"] = addresses
    return environment


def addresses(text: str) -> Markup:
    """Return escaped text whose URLs break between lines only after / ? & and ;."""

    def unbroken(word: str) -> Markup:
        if "://" not in word:
            return escape(word)
        parts = Markup("<wbr>").join(_AFTER_SEPARATOR.split(word))
        return Markup('<span class="unbroken">{}</span>').format(parts)

    return Markup("").join(unbroken(word) for word in _WORDS.split(text))


def content_security_policy(form_action: Sequence[str]) -> str:
    """Return the policy: scripts, styles and images from this origin only; no frames."""
    forms = " ".join(["'self'", *form_action])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )


def redirect(url: str) -> RedirectResponse:
    """Return a redirect to another page, which browsers fetch with GET."""
    return RedirectResponse(url, 303, headers=SECURITY_HEADERS)


def static_files() -> Mount:
    """Return the route of the shared files under /static."""
    return Mount("/static", StaticFiles(directory=_SHARED / "static"))
