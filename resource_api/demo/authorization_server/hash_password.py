"""The command that makes the password hash of a registered user."""

import sys

import click


@click.command("hash-password")
def hash_password() -> None:
    """Print the hash of a password, for the registrations file.

    The password is asked for twice; where no person types, it is the first line of the input.
    """
    from resource_api.demo.authorization_server.passwords import hashed

    # Never an argument: other users see those, and the shell keeps them.
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        click.echo(hashed(password))
    except ValueError as error:
        raise click.ClickException(f"{error}.") from None
