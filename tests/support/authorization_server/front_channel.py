"""What the tests of the front channel share: a request that is in order, and how people answer."""

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
    """Return the query of a request; a parameter that is None is left out."""
    asked = {**REQUEST, **changes}
    return urlencode(
        {name: value for name, value in asked.items() if value is not None}, quote_via=quote
    )


def address(**changes: str | None) -> str:
    """Return the address that a client sends the browser to."""
    return f"{ISSUER}authorize?{query(**changes)}"


def browser_of(app: ASGIApp) -> UserAgent:
    """Return another browser, with no cookies."""
    return UserAgent({ORIGIN: app})


async def sign_in(browser: UserAgent, page: Page, username: str = "alice") -> Page:
    """Fill in the sign-in page and send it."""
    changes: dict[str, str | None] = {"username": username, "password": PASSWORDS[username]}
    return await browser.submit(page, page.form("/authorize/sign-in"), changes)


async def decide(browser: UserAgent, page: Page, decision: str = "allow") -> Page:
    """Press a button of the consent page."""
    return await browser.submit(
        page, page.form("/authorize/consent"), button=("decision", decision)
    )


async def signed_in_browser(browser: UserAgent, username: str = "alice") -> UserAgent:
    """Sign in and consent to the request above, in this browser."""
    page = await sign_in(browser, await browser.get(address()), username)
    assert (await decide(browser, page)).url.startswith(CALLBACK)
    return browser


def is_sign_in(page: Page) -> bool:
    """Return whether it is the sign-in page."""
    return any("/authorize/sign-in" in form.action for form in page.forms)


def is_consent(page: Page) -> bool:
    """Return whether it is the consent page."""
    return any("/authorize/consent" in form.action for form in page.forms)
