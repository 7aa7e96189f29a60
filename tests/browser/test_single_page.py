"""CORS in a real browser: a single-page application reads what other origins must not read."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from demo.authorization_server.registrations.file import SHIPPED
from tests.browser.conftest import started_demo
from tests.support.authorization_server.back_channel import CHALLENGE, VERIFIER

PUBLIC_CLIENT = """
[[client]]
client_id = "single-page"
name = "Single page"
type = "public"
redirect_uris = ["{callback}"]
response_types = ["code"]
grant_types = ["authorization_code"]
"""

# X-Requested-With, which Swagger UI sends, causes a preflight.
FETCHED = """
async ([url, form, token]) => {
    const headers = {"X-Requested-With": "XMLHttpRequest"};
    if (token) headers["Authorization"] = `Bearer ${token}`;
    const request = form ? {method: "POST", body: new URLSearchParams(form), headers} : {headers};
    try {
        const answer = await fetch(url, request);
        const content = await answer.text();
        const challenge = answer.headers.get("WWW-Authenticate");
        return {status: answer.status, content, challenge};
    } catch (error) {
        return {status: null, content: error.name, challenge: null};
    }
}
"""

Answer = dict[str, Any]


class _Pages(BaseHTTPRequestHandler):
    """Answers every request with an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def page_server() -> Generator[str]:
    """Serve pages on a free port; the URL ends in a slash."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


@dataclass(frozen=True, slots=True)
class Applications:
    """A demo with a public client, the client's callback, and a page of another origin."""

    issuer: str
    callback: str
    foreign: str


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Generator[Applications]:
    folder: Path = tmp_path_factory.mktemp("single-page")
    file = folder / "registrations.toml"
    with page_server() as own, page_server() as foreign:
        callback = f"{own}callback"
        file.write_text(SHIPPED.read_text() + PUBLIC_CLIENT.format(callback=callback))
        with started_demo(folder, "--registrations", str(file)) as demo:
            yield Applications(demo.issuer, callback, foreign)


@pytest.fixture
def page(chromium: Browser) -> Generator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def fetched(page: Page, url: str, form: dict[str, str] | None = None, token: str = "") -> Answer:
    """Let a script of the page fetch a URL, and return what it can read of the response."""
    answer: Answer = page.evaluate(FETCHED, [url, form, token])
    return answer


def test_the_clients_scripts_get_a_token_and_use_it(page: Page, applications: Applications) -> None:
    request = {
        "client_id": "single-page",
        "redirect_uri": applications.callback,
        "response_type": "code",
        "resource": "https://api.example/contacts",
        "scope": "openid read:contacts",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    page.goto(f"{applications.issuer}authorize?{urlencode(request)}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{applications.callback}?**")
    (code,) = parse_qs(urlsplit(page.url).query)["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": "single-page",
        "code": code,
        "redirect_uri": applications.callback,
        "code_verifier": VERIFIER,
    }

    granted = fetched(page, f"{applications.issuer}oauth/token", form)
    token = page.evaluate("text => JSON.parse(text).access_token", granted["content"])
    known = fetched(page, f"{applications.issuer}userinfo", token=token)
    revocation = {"client_id": "single-page", "token": token}
    revoked = fetched(page, f"{applications.issuer}oauth/revoke", revocation)
    unknown = fetched(page, f"{applications.issuer}userinfo", token=token)
    again = fetched(page, f"{applications.issuer}oauth/token", form)

    assert [answer["status"] for answer in (granted, known, revoked)] == [200] * 3
    assert "alice" in known["content"]
    assert unknown["status"] == 401
    assert unknown["challenge"].startswith("Bearer")
    assert again["status"] == 400
    assert "invalid_grant" in again["content"]


@pytest.mark.parametrize(
    "path",
    [
        ".well-known/openid-configuration",
        ".well-known/oauth-authorization-server",
        ".well-known/jwks.json",
    ],
)
def test_the_clients_scripts_can_read_the_documents_and_other_origins_cannot(
    page: Page, applications: Applications, path: str
) -> None:
    page.goto(applications.callback)
    own = fetched(page, f"{applications.issuer}{path}")
    page.goto(applications.foreign)
    foreign = fetched(page, f"{applications.issuer}{path}")

    assert own["status"] == 200
    assert (foreign["status"], foreign["content"]) == (None, "TypeError")


@pytest.mark.parametrize("path", ["oauth/token", "oauth/revoke", "authorize", "oidc/logout"])
def test_scripts_of_other_origins_can_read_no_endpoint(
    page: Page, applications: Applications, path: str
) -> None:
    page.goto(applications.foreign)

    assert fetched(page, f"{applications.issuer}{path}", {"token": "x"})["content"] == "TypeError"


@pytest.mark.parametrize("path", ["", "authorize", "oidc/logout"])
def test_the_clients_scripts_cannot_read_the_pages_for_people(
    page: Page, applications: Applications, path: str
) -> None:
    page.goto(applications.callback)

    assert fetched(page, f"{applications.issuer}{path}")["content"] == "TypeError"
