"""Starts the API as a process: logging, then the database, the socket and the server."""

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
    """Serve until the process receives SIGTERM or SIGINT.

    Raises:
        DatabaseUnusable: the database cannot be used, or has another schema.
        CannotListen: the server cannot listen on the address.
        ServerFailed: the application failed to start.
    """
    logs.configure(settings.log_level)
    with asyncio.Runner(loop_factory=_new_event_loop()) as runner:
        runner.run(prepare_database(settings))
        with bind(settings.host, settings.port) as listening:
            runner.run(_serve(settings, listening))


def _new_event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the factory of uvloop if it is installed, else of asyncio."""
    try:
        import uvloop
    except ImportError:  # uvloop does not exist for Windows, and the demo does not install it
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def prepare_database(settings: Settings) -> None:
    """Prepare the database for `create_app`; raises `DatabaseUnusable`."""
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
