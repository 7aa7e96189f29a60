"""The consent page, and what ties a decision to the request and the person it was shown to."""

import hashlib
import hmac

from starlette.responses import HTMLResponse

from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.authorize.response_mode import form_action
from demo.pages.rendering import Pages

PATH = "/authorize/consent"


def shown_to(session_secret: str, request: AuthorizationRequest) -> str:
    """Return the value that says for which sign-in and which request a decision is.

    It is in the page's form and checked with the decision: a page of another tab, of a request
    that was changed since, or of somebody who has signed out meanwhile decides nothing.
    """
    key = session_secret.encode(errors="surrogatepass")
    return hmac.new(key, request.digest.encode(), hashlib.sha256).hexdigest()


def is_for(decision: str, session_secret: str, request: AuthorizationRequest) -> bool:
    """Return whether a decision was made on the page for this sign-in and this request."""
    expected = shown_to(session_secret, request)
    return hmac.compare_digest(decision.encode(), expected.encode())


def consent_page(
    pages: Pages,
    request: AuthorizationRequest,
    *,
    csrf: str,
    username: str,
    session_secret: str,
) -> HTMLResponse:
    """Return the page that asks whether the client may have what it asks for."""
    api = request.permissions.api
    # What else the client wanted to be asked, the consent, is kept.
    prompt = " ".join(sorted({"select_account"} | (request.prompts & {"consent"})))
    context: dict[str, object] = {
        "action": f"{PATH}?{request.query}",
        "csrf": csrf,
        "shown_to": shown_to(session_secret, request),
        "client": request.client.name,
        "api": "" if api is None else api.name,
        "permissions": request.permissions.descriptions(),
        "username": username,
        "remembered": request.client_is_certain,
        "redirect_uri": request.destination.redirect_uri,
        "somebody_else": f"/authorize?{request.query_with(prompt=prompt, login_hint=None)}",
    }
    return pages.response(
        "consent.html",
        context,
        form_action=[form_action(request.destination.redirect_uri)],
    )
