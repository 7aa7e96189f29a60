"""The hybrid flow at oidc-provider, as a generic client runs it."""

import httpx

from tests.interop.provider import AUDIENCE, CLIENT_SECRET, Provider, client_id
from tests.support.user_agent import Page, UserAgent

REDIRECT_URI = "http://localhost:8080/callback"

SCOPE = "openid read:contacts write:contacts"

RESPONSE_TYPES = ("code id_token", "code token", "code id_token token")


async def sign_in(browser: UserAgent, page: Page, username: str = "alice") -> Page:
    """Sign in at the provider and consent; return the page that this leads to."""
    page = await browser.submit(
        page, page.form("/interaction/"), {"login": username, "password": "x"}
    )
    return await browser.submit(page, page.form("/interaction/"))


async def front_channel(
    browser: UserAgent,
    provider: Provider,
    algorithm: str,
    *,
    response_type: str = "code id_token token",
    scope: str = SCOPE,
    audience: str = AUDIENCE,
    username: str = "alice",
) -> dict[str, str]:
    """Return the parameters that the provider sends to the browser in the fragment."""
    request = {
        "client_id": client_id(algorithm),
        "redirect_uri": REDIRECT_URI,
        "response_type": response_type,
        "scope": scope,
        "resource": audience,
        "state": "a state",
        "nonce": "a nonce",
    }
    page = await browser.get(str(httpx.URL(f"{provider.issuer}/auth", params=request)))
    page = await sign_in(browser, page, username)
    assert page.url.startswith(f"{REDIRECT_URI}#"), page.text
    assert set(response_type.split()) <= set(page.fragment) | {"token"}, page.fragment
    return page.fragment


async def exchange(
    browser: UserAgent, provider: Provider, algorithm: str, code: str, *, audience: str = AUDIENCE
) -> dict[str, str]:
    """Exchange the code, and return the response of the token endpoint."""
    answer = await browser.client.post(
        f"{provider.issuer}/token",
        data={
            "grant_type": "authorization_code",
            "client_id": client_id(algorithm),
            "client_secret": CLIENT_SECRET,
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "resource": audience,
        },
    )
    tokens: dict[str, str] = answer.json()
    assert answer.status_code == 200, tokens
    return tokens
