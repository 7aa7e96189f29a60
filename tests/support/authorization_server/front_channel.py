"""A valid authorization request, and what people do on the pages, for the tests."""

from urllib.parse import quote, urlencode

from starlette.types import ASGIApp

from tests.support.user_agent import Page, UserAgent

ISSUER = "http://127.0.0.1:9000/"
ORIGIN = "http://127.0.0.1:9000"
AUDIENCE = "https://api.example/contacts"
CALLBACK = "http://localhost:8080/callback"
PASSWORDS = {"alice": "correct horse", "bob": "battery staple"}
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""RFC 7636, appendix B."""

REQUEST = {
    "response_type": "code id_token",
    "client_id": "web-application",
    "redirect_uri": CALLBACK,
    "audience": AUDIENCE,
    "scope": "openid read:contacts",
    "state": "a state",
    "nonce": "a nonce",
}


def query(**changes: str | None) -> str:
    """Return the query of a request; a parameter that is None is omitted."""
    asked = {**REQUEST, **changes}
    return urlencode(
        {name: value for name, value in asked.items() if value is not None}, quote_via=quote
    )


def address(**changes: str | None) -> str:
    """Return the URL to which a client sends the browser."""
    return f"{ISSUER}authorize?{query(**changes)}"


def browser_of(app: ASGIApp) -> UserAgent:
    """Return a new browser without cookies."""
    return UserAgent({ORIGIN: app})


async def sign_in(browser: UserAgent, page: Page, username: str = "alice") -> Page:
    """Fill in the sign-in form and send it."""
    changes: dict[str, str | None] = {"username": username, "password": PASSWORDS[username]}
    return await browser.submit(page, page.form("/authorize/sign-in"), changes)


async def decide(browser: UserAgent, page: Page, decision: str = "allow") -> Page:
    """Press a button of the consent page."""
    return await browser.submit(
        page, page.form("/authorize/consent"), button=("decision", decision)
    )


async def signed_in_browser(browser: UserAgent, username: str = "alice") -> UserAgent:
    """Sign in with this browser and consent to the request above."""
    page = await sign_in(browser, await browser.get(address()), username)
    assert (await decide(browser, page)).url.startswith(CALLBACK)
    return browser


def is_sign_in(page: Page) -> bool:
    """Return whether this is the sign-in page."""
    return any("/authorize/sign-in" in form.action for form in page.forms)


def is_consent(page: Page) -> bool:
    """Return whether this is the consent page."""
    return any("/authorize/consent" in form.action for form in page.forms)
