"""The sign-in page, and the check of user name and password."""

from collections.abc import Mapping

from starlette.responses import HTMLResponse

from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.authorize.response_mode import form_action
from demo.authorization_server.registrations import passwords
from demo.authorization_server.registrations.model import User
from demo.pages.rendering import Pages

PATH = "/authorize/sign-in"

MAX_USERNAME = 255
"""Characters. No user has a longer name; the page shows at most so much of it again."""


async def authenticated(users: Mapping[str, User], username: str, password: str) -> User | None:
    """Return the user if the password is right, otherwise None.

    For an unknown user name the check takes as long, so that its duration reveals no user names.
    """
    user = users.get(username)
    password_hash = passwords.DUMMY_HASH if user is None else user.password_hash
    is_right = await passwords.verify(password, password_hash)
    return user if is_right else None


def sign_in_page(
    pages: Pages,
    users: Mapping[str, User],
    request: AuthorizationRequest,
    *,
    csrf: str,
    username: str | None = None,
    wrong: bool = False,
) -> HTMLResponse:
    """Return the page that asks for user name and password.

    Arguments:
        username: the user who signed in before; the client's `login_hint` has precedence.
        wrong: whether the user name or password just sent was wrong. The page then fills in no
            password.
    """
    hinted = username if wrong else request.parameters.get("login_hint", username)
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
        # If the user has consented before, the form leads straight to the client.
        form_action=[form_action(request.destination.redirect_uri)],
    )
