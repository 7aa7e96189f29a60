"""A person at a browser: a page in Chromium, the actions on it, and the faults that they notice."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

from tests.browser.faults import page_faults
from tests.support.demo_process import DemoProcess

DEADLINE = 60_000
"""Milliseconds, for a busy machine; a page usually takes a few dozen."""

EVERY_SCOPE = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "read:contacts",
    "write:contacts",
    "https://contacts.example/team",
)

_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Person:
    """A person who starts with the address of the web application.

    Arguments:
        pictures: folder for screenshots.
        thorough: whether to save screenshots of each page, in light and dark colours. They take
            long, so the default is one screenshot of the last page.
    """

    def __init__(
        self, context: BrowserContext, demo: DemoProcess, pictures: Path, *, thorough: bool = False
    ) -> None:
        self.demo = demo
        self.web = demo.web_application
        self.visited: list[str] = []
        """Every URL that was in the address bar, with its fragment."""
        self.headings: list[str] = []
        """The headings of all pages that the person looked at."""
        self.clicks = 0
        self._pictures = pictures
        self._thorough = thorough
        self._origins = (demo.web_application, demo.issuer)
        self._faults: list[str] = []
        self._console: list[ConsoleMessage] = []
        self._refused: set[str] = set()
        context.set_default_timeout(DEADLINE)
        context.on("request", self._note_request)
        context.on("response", self._note_response)
        self.page: Page = context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self._faults.append(f"script error: {error}"))
        self.page.on("framenavigated", lambda frame: self.visited.append(frame.url))

    def open(self, address: str) -> None:
        """Enter a URL in the address bar."""
        self.page.goto(address)
        self.look()

    def press(self, name: str, *, to: str) -> None:
        """Click the button or link of this name, and look at the page that it leads to.

        Arguments:
            to: how the URL of that page begins; redirects are followed.
        """
        button, link = (
            self.page.get_by_role(role, name=re.compile(f"^{re.escape(name)}"))
            for role in ("button", "link")
        )
        with self.page.expect_navigation(url=lambda url: url.startswith(to)):
            button.or_(link).first.click()
        self.clicks += 1
        self.look()

    def deny(self) -> None:
        """Deny the request on the consent page, and wait for the web application's page."""
        self.page.get_by_role("button", name="Deny").click()
        self.clicks += 1
        # The callback page posts the response and disappears at once.
        self.page.get_by_role("heading", name="You denied access").wait_for()
        self.look()

    def look(self) -> None:
        """Collect the faults of the page."""
        self.page.wait_for_load_state()
        self.headings.append(self.heading)
        if self._thorough:
            name = self._picture_name()
            for scheme in _SCHEMES:
                self.page.emulate_media(color_scheme=scheme)
                picture = self._pictures / f"{name}-{scheme}.png"
                self.page.screenshot(path=picture, full_page=True)
        self._faults += [f"{self.page.url}: {fault}" for fault in page_faults(self.page)]

    def leave(self) -> None:
        """Save a screenshot of the last page, and close the window."""
        if not self._thorough:
            self.page.screenshot(path=self._pictures / f"{self._picture_name()}.png")
        self.page.context.close()

    def _picture_name(self) -> str:
        title = re.sub(r"[^a-z0-9]+", "-", self.page.title().lower()).strip("-")
        number = len({picture.name[:2] for picture in self._pictures.iterdir()}) + 1
        return f"{number:02}-{title}"

    @property
    def heading(self) -> str:
        """The main heading of the page."""
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def text(self) -> str:
        """The visible text of the page."""
        return self.page.locator("body").inner_text()

    def choose(self, response_type: str, *, scopes: Sequence[str] = EVERY_SCOPE) -> None:
        """Open the start page with this selection."""
        query = [("response_type", response_type), *(("scope", name) for name in scopes)]
        self.open(f"{self.web}?{urlencode(query)}")

    def sign_in(self, name: str = "alice", *, link: str = "Sign in") -> None:
        """Follow the link, and sign in and allow the request if those pages appear."""
        self._onward("link", link)
        if self.heading == "Sign in":
            self.look()
            if name != self.page.get_by_label("User name").input_value():
                self._onward("link", name)
            self._onward("button", "Sign in")
        if self.page.url != f"{self.web}session":
            self.look()
            self._onward("button", "Allow")
        self.look()
        assert self.page.url == f"{self.web}session", self.text

    def _onward(self, role: Literal["button", "link"], name: str) -> None:
        ends = f"{self.web}session", f"{self.demo.issuer}authorize?"
        with self.page.expect_navigation(url=lambda url: url.startswith(ends)):
            self.page.get_by_role(role, name=name, exact=True).click()

    def answer(self) -> dict[str, str]:
        """Return the parameters of the last authorization response."""
        *_, last = (url for url in self.visited if url.startswith(f"{self.web}callback#"))
        return dict(parse_qsl(urlsplit(last).fragment, keep_blank_values=True))

    def history(self) -> list[str]:
        """Return the URLs in the browser's history."""
        # The protocol's answers have no types in Playwright.
        session: Any = self.page.context.new_cdp_session(self.page)
        entries = session.send("Page.getNavigationHistory")["entries"]
        session.detach()
        return [str(entry["url"]) for entry in entries]

    @property
    def faults(self) -> list[str]:
        """The faults of all pages: errors, requests to other origins, faults of the layout."""
        return self._faults + [
            f"in the console: {message.text}"
            for message in self._console
            if message.type in {"error", "warning"}
            # The console reports every page with an error status; such pages are expected.
            and not (
                message.text.startswith("Failed to load resource")
                and message.location["url"] in self._refused
            )
        ]

    def _note_message(self, message: ConsoleMessage) -> None:
        self._console.append(message)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((*self._origins, "about:", "data:")):
            self._faults.append(f"a request to another origin: {request.url}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refused.add(response.url)
