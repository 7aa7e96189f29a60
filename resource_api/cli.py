"""The command line: it serves the API, or migrates the database.

Each command imports what it needs when it runs, so that `--help` and faults in the settings appear
quickly.
"""

import asyncio

import click


class WrongSettings(click.ClickException):
    """Prints its message on standard error, without a traceback, and exits with code 2."""

    exit_code = 2


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """A contacts API that needs access tokens.

    Without a command it serves the API. Its settings are the environment variables RESOURCE_API_*;
    RESOURCE_API_ISSUER and RESOURCE_API_AUDIENCE are required.
    """
    if context.invoked_subcommand is None:
        _serve()


@main.command()
def migrate() -> None:
    """Update the database to the schema that this version needs."""
    from resource_api.database.connect import DatabaseUnusable, connect
    from resource_api.database.schema import migrate as run_migrations
    from resource_api.settings import SettingsFaults, database_url_from_environment

    async def run(url: str) -> None:
        engine = connect(url)
        try:
            await run_migrations(engine)
        finally:
            await engine.dispose()

    try:
        asyncio.run(run(database_url_from_environment()))
    except SettingsFaults as error:
        raise WrongSettings(str(error)) from None
    except DatabaseUnusable as error:
        raise click.ClickException(str(error)) from None
    click.echo("The database now has the schema that this version needs.", err=True)


def _serve() -> None:
    from resource_api.database.connect import DatabaseUnusable
    from resource_api.server import CannotListen, ServerFailed
    from resource_api.service import run
    from resource_api.settings import SettingsFaults, from_environment

    try:
        run(from_environment())
    except SettingsFaults as error:
        raise WrongSettings(str(error)) from None
    except (CannotListen, DatabaseUnusable, ServerFailed) as error:
        raise click.ClickException(str(error)) from None
