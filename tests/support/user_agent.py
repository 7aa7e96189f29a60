"""A small browser for tests: cookies, redirects with their fragments, links and forms; no scripts.

It talks only to the ASGI applications and the origins that it was given.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

import httpx
from starlette.types import ASGIApp

MAX_REDIRECTS = 10


@dataclass(slots=True)
class Form:
    """A form of a page: its target and its fields."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict[str, str])
    """What a person sends without changing anything: text fields and checked boxes, no button."""
    buttons: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Name and value of each submit button; ("", "") for a button without a name."""
    choices: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The values of check boxes, radio buttons and options, by name."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text = ""
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        form = self._form
        if form is None:
            return
        kind = attributes.get("type", "submit" if tag == "button" else "text")
        if tag in {"input", "button"} and kind == "submit":
            form.buttons.append((name, value))
        elif tag == "input" and kind in {"checkbox", "radio"}:
            form.choices.setdefault(name, []).append(value)
            if "checked" in attributes:
                previous = form.fields.get(name)
                form.fields[name] = f"{previous} {value}" if previous else value
        elif tag in {"input", "textarea"} and name:
            form.fields[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option":
            form.choices.setdefault(self._select, []).append(value)
            if "selected" in attributes or self._select not in form.fields:
                form.fields[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True, slots=True)
class Page:
    """The page that the browser shows: its URL with the fragment, and the response."""

    url: str
    response: httpx.Response
    visited: tuple[str, ...]
    """The URLs of all redirects so far; the last one is `url`."""
    forms: tuple[Form, ...]
    links: tuple[str, ...]
    text: str
    """The text of the page, without tags."""

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.response.status_code

    @property
    def fragment(self) -> dict[str, str]:
        """The parameters in the fragment of the URL."""
        return dict(parse_qsl(urlsplit(self.url).fragment, keep_blank_values=True))

    @property
    def query(self) -> dict[str, str]:
        """The parameters in the query of the URL."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def form(self, action: str) -> Form:
        """Return the form whose action contains this text; the page must have exactly one."""
        (found,) = [form for form in self.forms if action in form.action]
        return found


class UserAgent:
    """A browser with cookies of its own.

    Arguments:
        apps: the applications by origin (`http://127.0.0.1:9000`); None for an application that
            listens on this machine. If a redirect leads to another origin, the browser stops: the
            page has status 0 and no text.
    """

    def __init__(self, apps: Mapping[str, ASGIApp | None]) -> None:
        self._origins = frozenset(apps)
        self.client = httpx.AsyncClient(
            mounts={origin: app and httpx.ASGITransport(app) for origin, app in apps.items()},
            # No server here uses https, and loading the trusted certificates would take time.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.client.__aexit__(kind, error, trace)

    async def get(self, url: str) -> Page:
        """Open a URL."""
        return await self._follow("GET", url, None, {})

    async def follow(self, page: Page, link: str) -> Page:
        """Follow the link whose URL contains this text; the page must have exactly one."""
        (found,) = {href for href in page.links if link in href}
        return await self.get(urljoin(page.url, found))

    async def submit(
        self,
        page: Page,
        form: Form,
        changes: Mapping[str, str | None] | None = None,
        button: tuple[str, str] | None = None,
    ) -> Page:
        """Send a form.

        Arguments:
            changes: new values of fields; None leaves a field out.
            button: name and value of the button that is pressed; by default the first one.
        """
        pressed = button or (form.buttons[0] if form.buttons else ("", ""))
        sent: dict[str, str | None] = {**form.fields, **(changes or {})}
        if pressed[0]:
            sent[pressed[0]] = pressed[1]
        data = {name: value for name, value in sent.items() if value is not None}
        target = urljoin(page.url, form.action)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
        if form.method == "get":
            url = httpx.URL(target).copy_with(params=data)
            return await self._follow("GET", str(url), None, {})
        return await self._follow("POST", target, data, {"Origin": origin})

    async def _follow(
        self, method: str, url: str, data: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Page:
        visited: list[str] = []
        for _ in range(MAX_REDIRECTS):
            visited.append(url)
            bare, fragment = urldefrag(url)
            if "{0.scheme}://{0.netloc}".format(urlsplit(url)) not in self._origins:
                response = httpx.Response(0, request=httpx.Request(method, bare))
                return Page(url, response, tuple(visited), (), (), "")
            response = await self.client.request(method, bare, data=data, headers=headers)
            location = response.headers.get("location")
            if response.status_code not in {301, 302, 303, 307, 308} or location is None:
                return _page(url, response, visited)
            if response.status_code in {301, 302, 303}:
                method, data, headers = "GET", None, {}
            target = urljoin(url, location)
            # A redirect without a fragment keeps the current fragment (RFC 9110 §10.2.2).
            if fragment and not urlsplit(target).fragment:
                target += f"#{fragment}"
            url = target
        raise AssertionError(f"more than {MAX_REDIRECTS} redirects: {visited}")


def _page(url: str, response: httpx.Response, visited: list[str]) -> Page:
    reader = _Reader()
    if "html" in response.headers.get("content-type", ""):
        reader.feed(response.text)
    return Page(
        url, response, tuple(visited), tuple(reader.forms), tuple(reader.links), reader.text
    )
