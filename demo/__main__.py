"""The command line: `python -m demo` starts the demo, and its commands print tokens and hashes.

Each command imports what it needs when it runs, so that `--help` and `token` start quickly.
"""

import sys
from pathlib import Path

import click

from demo.instructions import (
    API_PORT,
    DATA,
    DEFAULT_ISSUER,
    ISSUER_PORT,
    WEB_PORT,
    instructions,
    python_command,
)
from demo.required_registrations import AUDIENCE, COMMAND_LINE

DATA_OPTION = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA,
    show_default=True,
    help="Folder for the keys and the databases.",
)
PORT = click.IntRange(1, 65535)


@click.group(invoke_without_command=True)
@click.pass_context
@DATA_OPTION
@click.option("--web-port", type=PORT, default=WEB_PORT, show_default=True)
@click.option("--api-port", type=PORT, default=API_PORT, show_default=True)
@click.option("--issuer-port", type=PORT, default=ISSUER_PORT, show_default=True)
@click.option(
    "--registrations",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file with APIs, clients and users.  [default: the file of the demo]",
)
@click.option(
    "--refuse-front-channel-tokens",
    is_flag=True,
    help="Make the API refuse access tokens that passed through the browser.",
)
def main(
    context: click.Context,
    data: Path,
    web_port: int,
    api_port: int,
    issuer_port: int,
    registrations: Path | None,
    refuse_front_channel_tokens: bool,
) -> None:
    """Start the API, an authorization server and a web application on this machine."""
    if context.invoked_subcommand is not None:
        return
    import asyncio

    from demo import required_registrations
    from demo.addresses import HOST, Addresses, PortsUnavailable, bound_sockets
    from demo.authorization_server.keys.key_file import KeyFileError, load_or_create
    from demo.authorization_server.registrations.file import SHIPPED, RegistrationsFaults, read
    from demo.authorization_server.server import userinfo_address
    from demo.servers import serve_demo
    from resource_api.database.connect import DatabaseUnusable
    from resource_api.server import ServerFailed

    if len({web_port, api_port, issuer_port}) < 3:
        raise click.UsageError("--web-port, --api-port and --issuer-port must differ.")
    if "?" in str(data):
        raise click.BadParameter("a database URL cannot contain '?'.", param_hint="--data")
    addresses = Addresses(
        api=f"http://{HOST}:{api_port}/",
        issuer=f"http://{HOST}:{issuer_port}/",
        # Another host name, because browsers separate cookies by host name, not by port.
        web_application=f"http://localhost:{web_port}/",
        data=data,
    )
    ports = {"--api-port": api_port, "--issuer-port": issuer_port, "--web-port": web_port}
    try:
        with bound_sockets(ports) as sockets, asyncio.Runner() as runner:
            registrations_file = read(
                registrations or SHIPPED, web_application=addresses.web_application
            )
            key_file = load_or_create(data, registrations_file.without_secret)
            registered = registrations_file.with_secrets(key_file.client_secrets)
            required_registrations.check(
                registered,
                userinfo=userinfo_address(addresses.issuer),
                redirect_uri=f"{addresses.web_application}callback",
            )
            runner.run(
                serve_demo(
                    addresses,
                    registered,
                    key_file.keys,
                    sockets,
                    refuse_front_channel_tokens=refuse_front_channel_tokens,
                    ready=lambda: click.echo(instructions(addresses)),
                )
            )
    except (
        PortsUnavailable,
        RegistrationsFaults,
        required_registrations.RegistrationsMissing,
        KeyFileError,
        DatabaseUnusable,
        ServerFailed,
    ) as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.option("--scope", required=True, help="Scopes to request, separated by spaces.")
@click.option(
    "--audience", default=AUDIENCE, show_default=True, help="The API for which the token is valid."
)
@click.option(
    "--expires-in",
    type=click.IntRange(-86_400, 86_400),
    help="Lifetime in seconds; a negative number gives an expired token.",
)
@click.option(
    "--issuer",
    default=DEFAULT_ISSUER,
    show_default=True,
    help="Address of the running authorization server.",
)
@DATA_OPTION
def token(scope: str, audience: str, expires_in: int | None, issuer: str, data: Path) -> None:
    """Print an access token of a running demo."""
    from demo.authorization_server.keys.key_file import KeyFileError, KeyFileMissing, load
    from demo.token_request import (
        ClientUnknown,
        IssuerNotRunning,
        TokenRequestFailed,
        issuer_address,
        requested_token,
    )

    try:
        address = issuer_address(issuer)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--issuer") from None
    parameters = {"scope": scope, "audience": audience}
    if expires_in is not None:
        parameters["expires_in"] = str(expires_in)
    start = f"Start it with: {python_command()} -m demo"
    try:
        secret = load(data).client_secrets.get(COMMAND_LINE)
        if secret is None:
            raise click.ClickException(
                f"The registrations file sets the secret of the client {COMMAND_LINE}; "
                "this command can use generated secrets only."
            )
        click.echo(requested_token(address, COMMAND_LINE, secret, parameters))
    except KeyFileMissing as error:
        raise click.ClickException(f"{error}: no demo has run with this --data. {start}") from None
    except IssuerNotRunning as error:
        raise click.ClickException(f"{error} {start}") from None
    except ClientUnknown as error:
        raise click.ClickException(
            f"{error} Check that the demo was started with --data {data}."
        ) from None
    except (KeyFileError, TokenRequestFailed) as error:
        raise click.ClickException(str(error)) from None


@main.command("hash-password")
def hash_password_command() -> None:
    """Print the hash of a password, for the registrations file.

    You type the password twice. If the input is not a terminal, its first line is the password.
    """
    from demo.authorization_server.registrations.passwords import hash_password

    # Not an argument: other users can see arguments, and the shell stores them.
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        click.echo(hash_password(password))
    except ValueError as error:
        raise click.ClickException(f"{error}.") from None


if __name__ == "__main__":
    main(prog_name="python -m demo")
