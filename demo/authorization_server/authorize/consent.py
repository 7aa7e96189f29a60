"""The consent page, and the check that a decision was made on that page."""

import hashlib
import hmac

from starlette.responses import HTMLResponse

from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.authorize.response_mode import form_action
from demo.pages.rendering import Pages

PATH = "/authorize/consent"


def page_token(session_secret: str, request: AuthorizationRequest) -> str:
    """Return the value that ties the consent page to one sign-in and one request.

    The form sends it with the decision. A page from another tab, of a request that was changed
    meanwhile, or of a person who has signed out meanwhile therefore decides nothing.
    """
    key = session_secret.encode(errors="surrogatepass")
    return hmac.new(key, request.digest.encode(), hashlib.sha256).hexdigest()


def is_page_token(token: str, session_secret: str, request: AuthorizationRequest) -> bool:
    """Return whether this is the page token for this sign-in and this request."""
    return hmac.compare_digest(token.encode(), page_token(session_secret, request).encode())


def consent_page(
    pages: Pages, request: AuthorizationRequest, *, csrf: str, username: str, session_secret: str
) -> HTMLResponse:
    """Return the page that asks the person to allow what the client asks for."""
    api = request.permissions.api
    # If the client wants the consent page to be shown, the next user sees it too.
    prompt = " ".join(sorted({"select_account"} | (request.prompts & {"consent"})))
    context: dict[str, object] = {
        "action": f"{PATH}?{request.query}",
        "csrf": csrf,
        "page_token": page_token(session_secret, request),
        "client": request.client.name,
        "api": "" if api is None else api.name,
        "permissions": request.permissions.descriptions(),
        "username": username,
        "remembered": request.client_cannot_be_impersonated,
        "redirect_uri": request.destination.redirect_uri,
        "switch_user_url": f"/authorize?{request.query_with(prompt=prompt, login_hint=None)}",
    }
    return pages.response(
        "consent.html", context, form_action=[form_action(request.destination.redirect_uri)]
    )
