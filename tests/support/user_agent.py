"""A small browser for tests: cookies, redirects with their fragments, links and forms; no scripts.

It holds ASGI applications by their origins, or their origins alone, and talks to no other.
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
    """A form as a page has it: where it leads, and what its fields hold."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict[str, str])
    """What is sent if nothing is changed: checked boxes only, and no button."""
    buttons: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Name and value of each submit button; ("", "") for one without a name."""
    choices: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The values of boxes, radio buttons and options, by name."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text = ""
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        form = self._form
        if form is None:
            return
        kind = given.get("type", "submit" if tag == "button" else "text")
        if tag in {"input", "button"} and kind == "submit":
            form.buttons.append((name, value))
        elif tag == "input" and kind in {"checkbox", "radio"}:
            form.choices.setdefault(name, []).append(value)
            if "checked" in given:
                previous = form.fields.get(name)
                form.fields[name] = f"{previous} {value}" if previous else value
        elif tag in {"input", "textarea"} and name:
            form.fields[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option":
            form.choices.setdefault(self._select, []).append(value)
            if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows: the address with its fragment, and the answer that came from it."""

    url: str
    response: httpx.Response
    visited: tuple[str, ...]
    """The addresses on the way here, by redirects; the last one is `url`."""
    forms: tuple[Form, ...]
    links: tuple[str, ...]
    text: str
    """The words of the page, without tags."""

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.response.status_code

    @property
    def fragment(self) -> dict[str, str]:
        """The parameters in the fragment of the address."""
        return dict(parse_qsl(urlsplit(self.url).fragment, keep_blank_values=True))

    @property
    def query(self) -> dict[str, str]:
        """The parameters in the query of the address."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def form(self, action: str) -> Form:
        """Return the form whose action holds these words; there must be one such form."""
        (found,) = [form for form in self.forms if action in form.action]
        return found


class UserAgent:
    """A browser with cookies of its own.

    Arguments:
        apps: the applications by origin (`http://127.0.0.1:9000`); None for one that serves on
            this machine's own network. Where a redirect leads to any other origin, the browser
            stops: the page has status 0 and no text.
    """

    def __init__(self, apps: Mapping[str, ASGIApp | None]) -> None:
        self._origins = frozenset(apps)
        self.client = httpx.AsyncClient(
            mounts={origin: app and httpx.ASGITransport(app) for origin, app in apps.items()},
            # Nobody speaks https here; reading the certificates to trust would take its time.
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
        """Go to an address."""
        return await self._follow("GET", url, None, {})

    async def follow(self, page: Page, link: str) -> Page:
        """Follow the one link of the page whose address holds these words."""
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
            changes: fields that hold something else than the page says; None leaves one out.
            button: name and value of the button that is pressed, by default the first one's.
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
            # A fragment survives a redirect that brings none (RFC 9110 §10.2.2).
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
