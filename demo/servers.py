"""The demo's three servers, in one event loop."""

import logging
import socket
from collections.abc import Callable, Sequence

import httpx
from starlette.types import ASGIApp

from demo.addresses import Addresses
from demo.authorization_server.keys.signing_key import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.parties import prepared_parties
from resource_api.logs import configure
from resource_api.server import Listener, serve

TIMEOUT = 5.0
"""Seconds; the web application asks others on this machine, who answer in milliseconds."""


async def serve_demo(
    addresses: Addresses,
    registrations: Registrations,
    keys: SigningKeys,
    sockets: Sequence[socket.socket],
    *,
    refuse_front_channel_tokens: bool,
    ready: Callable[[], None],
) -> None:
    """Serve until a signal asks to end.

    Arguments:
        sockets: those of the API, the authorization server and the web application, bound.
        ready: called when all of them answer.

    Raises:
        DatabaseUnusable: there can be no database in the data folder.
        ServerFailed: one of them did not start.
    """
    configure("info")
    # Requests and refusals are worth a line each; that three servers start and stop is not, nor
    # is what the web application sends to the other two.
    for name in ("uvicorn", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A proxy or .netrc from the environment has no business with loopback addresses.
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT) as http:
        parties = await prepared_parties(
            addresses,
            registrations,
            keys,
            http=http,
            refuse_front_channel_tokens=refuse_front_channel_tokens,
        )
        applications: tuple[ASGIApp, ...] = (
            parties.api,
            parties.authorization_server,
            parties.web_application,
        )
        await serve(
            [Listener(app, bound) for app, bound in zip(applications, sockets, strict=True)],
            started=ready,
        )
