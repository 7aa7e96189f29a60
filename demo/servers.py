"""Runs the demo's three servers in one event loop."""

import socket
from collections.abc import Callable, Sequence

import httpx

from demo.addresses import Addresses
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.log_names import LOG_NAMES, configure_logs, with_log_name
from demo.parties import prepared_parties
from resource_api.server import Listener, serve

TIMEOUT = 5.0
"""Seconds that the web application waits for the others; on one machine they need milliseconds."""


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
    configure_logs()
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
                Listener(with_log_name(app, name), listening, name)
                for app, listening, name in zip(applications, sockets, LOG_NAMES, strict=True)
            ],
            started=ready,
        )
