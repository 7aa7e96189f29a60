"""The commands of the demo: `demo` starts it, `token` asks its issuer for a token."""

from pathlib import Path

import click

from resource_api.demo.instructions import (
    API_PORT,
    DATA,
    DEFAULT_ISSUER,
    ISSUER_PORT,
    USER,
    Addresses,
    instructions,
    python_command,
)

DATA_OPTION = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA,
    show_default=True,
    help="Folder of the issuer's keys and of the database.",
)
PORT = click.IntRange(1, 65535)


@click.command()
@DATA_OPTION
@click.option("--api-port", type=PORT, default=API_PORT, show_default=True)
@click.option("--issuer-port", type=PORT, default=ISSUER_PORT, show_default=True)
def demo(data: Path, api_port: int, issuer_port: int) -> None:
    """Start the API and an issuer on this machine."""
    # Imported when they are used: `token` needs no server, and --help needs nothing.
    import asyncio

    import uvloop

    from resource_api.database import DatabaseUnusable
    from resource_api.demo.key_file import KeyFileError, kept
    from resource_api.demo.ports import HOST, Port, PortsUnavailable, bound
    from resource_api.demo.servers import serve_demo
    from resource_api.server import ServerFailed

    if api_port == issuer_port:
        raise click.UsageError("--api-port and --issuer-port must differ.")
    if "?" in str(data):
        raise click.BadParameter("the database's URL cannot hold a '?'.", param_hint="--data")
    addresses = Addresses(f"http://{HOST}:{api_port}/", f"http://{HOST}:{issuer_port}/", data)

    def ready() -> None:
        click.echo(instructions(addresses))

    try:
        with (
            bound([Port(api_port, "--api-port"), Port(issuer_port, "--issuer-port")]) as sockets,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(serve_demo(addresses, kept(data), sockets, ready=ready))
    except (PortsUnavailable, KeyFileError, DatabaseUnusable, ServerFailed) as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.option("--scope", required=True, help="Scopes to ask for, separated by spaces.")
@click.option("--subject", default=USER, show_default=True, help="The user; '' for the client.")
@click.option("--audience", default="", help="The API that the token is for.  [default: this one]")
@click.option("--expires-in", type=click.IntRange(min=1), help="Seconds that it shall be good.")
@click.option("--issuer", default=DEFAULT_ISSUER, show_default=True, help="The running issuer.")
@DATA_OPTION
def token(
    scope: str, subject: str, audience: str, expires_in: int | None, issuer: str, data: Path
) -> None:
    """Print an access token from the issuer of a running demo."""
    from resource_api.demo.key_file import KeyFileError, KeyFileMissing, loaded
    from resource_api.demo.token_request import (
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
    parameters = {"scope": scope, "subject": subject, "audience": audience}
    if expires_in is not None:
        parameters["expires_in"] = str(expires_in)
    start = f"Start it with: {python_command()} -m resource_api demo"
    try:
        click.echo(requested_token(address, loaded(data).client, parameters))
    except KeyFileMissing as error:
        raise click.ClickException(f"{error}: no demo has run with this --data. {start}") from None
    except IssuerNotRunning as error:
        raise click.ClickException(f"{error} {start}") from None
    except ClientUnknown as error:
        raise click.ClickException(
            f"{error} Was it started with another --data than {data}?"
        ) from None
    except (KeyFileError, TokenRequestFailed) as error:
        raise click.ClickException(str(error)) from None
