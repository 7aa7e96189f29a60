"""The registrations that the demo needs, and the check that a registrations file has them."""

from demo.authorization_server.registrations.model import Registrations

AUDIENCE = "https://api.example/contacts"
"""The identifier of the contacts API; a name, not an address."""

WEB_APPLICATION = "web-application"
"""The client id of the demo's web application."""

COMMAND_LINE = "command-line"
"""The client id of `python -m demo token`."""


class RegistrationsMissing(Exception):
    """The registrations lack something that the demo needs; the message names everything."""


def check(registrations: Registrations, *, userinfo: str, redirect_uri: str) -> None:
    """Check that the demo can run with these registrations.

    Arguments:
        userinfo: URL of /userinfo, which is also the audience of tokens.
        redirect_uri: the redirect URI of the web application.

    Raises RegistrationsMissing.
    """
    faults: list[str] = []
    if AUDIENCE not in registrations.apis:
        faults.append(f'an [[api]] with the identifier "{AUDIENCE}"')
    if userinfo in registrations.apis:
        # Tokens for that API would be valid at /userinfo, and the other way round.
        faults.append(f'no [[api]] with the identifier "{userinfo}"')
    web_application = registrations.clients.get(WEB_APPLICATION)
    if web_application is None or web_application.is_public:
        faults.append(f'a confidential [[client]] with the client_id "{WEB_APPLICATION}"')
    elif redirect_uri not in web_application.redirect_uris:
        faults.append(f'"{redirect_uri}" among the redirect_uris of "{WEB_APPLICATION}"')
    command_line = registrations.clients.get(COMMAND_LINE)
    if command_line is None or "client_credentials" not in command_line.grant_types:
        faults.append(
            f'a [[client]] with the client_id "{COMMAND_LINE}" and the grant type '
            '"client_credentials"'
        )
    if not registrations.users:
        faults.append("a [[user]]")
    if faults:
        raise RegistrationsMissing(
            "\n  ".join(["The demo cannot run with these registrations. It needs:", *faults])
        )
