"""The demo's two servers: the API as it is deployed, and the issuer, in one event loop."""

import logging
import socket
from collections.abc import Callable, Sequence

from resource_api.app import create_app
from resource_api.contacts import Owner
from resource_api.database import connect
from resource_api.demo.instructions import USER, Addresses
from resource_api.demo.issuer import create_issuer
from resource_api.demo.key_file import KeyFile
from resource_api.demo.registrations import CONTACTS
from resource_api.demo.seeds import seed
from resource_api.logs import configure
from resource_api.schema import prepare
from resource_api.server import Listener, serve
from resource_api.settings import Settings
from resource_api.sql_store import SqlContactStore


async def serve_demo(
    addresses: Addresses,
    key_file: KeyFile,
    sockets: Sequence[socket.socket],
    *,
    ready: Callable[[], None],
) -> None:
    """Serve until a signal asks to end.

    Arguments:
        sockets: that of the API and that of the issuer, bound.
        ready: called when both answer.

    Raises:
        DatabaseUnusable: there can be no database in the data folder.
        ServerFailed: one of the two did not start.
    """
    configure("info")
    # Requests and refusals are worth a line each; that two servers start and stop is not.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # Everything is named here, so that nothing of a deployment's environment gets in. The API
    # finds the issuer's keys as it would find anybody's: through discovery, over HTTP.
    settings = Settings(
        issuer=addresses.issuer,
        audience=CONTACTS.audience,
        token_profile="rfc9068",  # noqa: S106 - the name of a profile, not a password
        database_url=f"sqlite:///{addresses.data / 'contacts.sqlite3'}",
    )
    engine = connect(settings.database_url)
    await prepare(engine)
    store = SqlContactStore(engine)
    await seed(store, Owner(addresses.issuer, USER))
    issuer = create_issuer(
        issuer=addresses.issuer, key=key_file.key, client=key_file.client, api=CONTACTS
    )
    api_socket, issuer_socket = sockets
    # The API asks for the keys as soon as it starts; from here on its connection can wait.
    issuer_socket.listen()
    listeners = [
        Listener(create_app(settings, store=store), api_socket),
        Listener(issuer, issuer_socket),
    ]
    await serve(listeners, started=ready)
