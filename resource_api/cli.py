"""The command line: without a command it serves.

What a command needs is imported when it runs, because none needs everything.
"""

import asyncio

import click


class WrongSettings(click.ClickException):
    """Ends the process with its sentence on standard error and exit code 2, no traceback."""

    exit_code = 2


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """A contacts API behind access tokens.

    Without a command it serves, with the settings in the environment variables RESOURCE_API_*;
    RESOURCE_API_ISSUER and RESOURCE_API_AUDIENCE are required.
    """
    if context.invoked_subcommand is None:
        _serve()


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
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
    click.echo("The database has the schema of this version.", err=True)


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
