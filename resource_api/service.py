"""The API as a process: logging, the database, the socket, the server, in this order."""

import asyncio
import logging
import socket
from collections.abc import Callable

from resource_api import logs
from resource_api.app import create_app
from resource_api.database.connect import connect
from resource_api.database.schema import prepare
from resource_api.server import Listener, bind, serve, url
from resource_api.settings import Settings

logger = logging.getLogger("resource_api")


def run(settings: Settings) -> None:
    """Serves until a signal asks to end.

    Raises:
        DatabaseUnusable: the database is not to be had, or has another schema.
        CannotListen: the address is not to be had.
        ServerFailed: the application did not start.
    """
    logs.configure(settings.log_level)
    with asyncio.Runner(loop_factory=_new_event_loop()) as runner:
        runner.run(prepare_database(settings))
        with bind(settings.host, settings.port) as listening:
            runner.run(_serve(settings, listening))


def _new_event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the quickest event loop that is installed."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows, and the demo does without
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def prepare_database(settings: Settings) -> None:
    """Makes the database ready for `create_app`; raises `DatabaseUnusable`."""
    engine = connect(settings.database_url)
    try:
        await prepare(engine)
    finally:
        await engine.dispose()


async def _serve(settings: Settings, listening: socket.socket) -> None:
    app = create_app(settings)
    logger.info("verifying tokens of %s for %s", settings.issuer, ", ".join(settings.audience))
    address = url(listening)
    await serve([Listener(app, listening)], started=lambda: logger.info("listening on %s", address))
