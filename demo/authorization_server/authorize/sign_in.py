"""The sign-in page, and whose user name and password fit."""

from collections.abc import Mapping

from starlette.responses import HTMLResponse

from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.authorize.response_mode import form_action
from demo.authorization_server.registrations import passwords
from demo.authorization_server.registrations.model import Registrations, User
from demo.pages.rendering import Pages

PATH = "/authorize/sign-in"

MAX_USERNAME = 255
"""Characters; a longer one is nobody's, and not shown again."""


async def authenticated(users: Mapping[str, User], username: str, password: str) -> User | None:
    """Return the user whose password it is; for an unknown name it takes as long to say None."""
    user = users.get(username)
    password_hash = passwords.DUMMY_HASH if user is None else user.password_hash
    fits = await passwords.verifies(password, password_hash)
    return user if fits else None


def sign_in_page(
    pages: Pages,
    registrations: Registrations,
    request: AuthorizationRequest,
    *,
    csrf: str,
    username: str | None = None,
    wrong: bool = False,
) -> HTMLResponse:
    """Return the page that asks for user name and password.

    Arguments:
        username: who signed in before, to be asked again; `login_hint` comes first.
        wrong: that user name and password, just sent, did not fit. No password is filled in then.
    """
    users = registrations.users
    hinted = username if wrong else request.given.get("login_hint", username)
    filled_in = next(iter(users), "") if hinted is None else hinted[:MAX_USERNAME]
    user = users.get(filled_in)
    shown_password = "" if user is None else user.shown_password or ""
    accounts = {
        name: f"/authorize?{request.query_with(login_hint=name)}"
        for name, other in users.items()
        if other.shown_password is not None and name != filled_in
    }
    context: dict[str, object] = {
        "action": f"{PATH}?{request.query}",
        "csrf": csrf,
        "client": request.client.name,
        "username": filled_in,
        "shown_password": shown_password,
        "password": "" if wrong else shown_password,
        "accounts": accounts,
        "wrong": wrong,
    }
    return pages.response(
        "sign_in.html",
        context,
        status=400 if wrong else 200,
        # What follows the form is a redirect to the client, where consent is remembered.
        form_action=[form_action(request.destination.redirect_uri)],
    )
