"""Runs the demo's three servers in one event loop; their log lines say which of them wrote it."""

import logging
import socket
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.addresses import Addresses
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.parties import prepared_parties
from resource_api.logs import configure
from resource_api.server import Listener, serve

TIMEOUT = 5.0
"""Seconds that the web application waits for the others; on one machine they need milliseconds."""

LOG_NAMES = ("resource_api", "demo.authorization_server", "demo.web_application")

_server: ContextVar[str] = ContextVar("server", default="")


async def serve_demo(
    addresses: Addresses,
    registrations: Registrations,
    keys: SigningKeys,
    sockets: Sequence[socket.socket],
    *,
    refuse_front_channel_tokens: bool,
    ready: Callable[[], None],
) -> None:
    """Serve until a signal ends the demo.

    Arguments:
        sockets: bound sockets for the API, the authorization server and the web application.
        ready: called when all three servers answer.

    Raises:
        DatabaseUnusable: a database in the data folder cannot be used.
        ServerFailed: a server did not start.
    """
    _configure_logs()
    # Proxies and .netrc files from the environment are not for loopback addresses.
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT) as http:
        parties = await prepared_parties(
            addresses,
            registrations,
            keys,
            http=http,
            refuse_front_channel_tokens=refuse_front_channel_tokens,
        )
        applications = (parties.api, parties.authorization_server, parties.web_application)
        await serve(
            [
                Listener(_with_log_name(app, name), listening, name)
                for app, listening, name in zip(applications, sockets, LOG_NAMES, strict=True)
            ],
            started=ready,
        )


def _configure_logs() -> None:
    configure("info")
    logging.getLogger("demo").setLevel(logging.INFO)
    # Start and stop of three servers, and the web application's requests to the other two, would
    # only repeat what other lines say.
    for name in ("uvicorn", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_add_server_name)


def _with_log_name(app: ASGIApp, name: str) -> ASGIApp:
    """Return the application, whose log lines carry this name, also those of shared libraries."""

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        _server.set(name)
        await app(scope, receive, send)

    return named


def _add_server_name(record: logging.LogRecord) -> bool:
    if not record.name.startswith(LOG_NAMES) and _server.get():
        record.name = f"{_server.get()}: {record.name}"
    return True
