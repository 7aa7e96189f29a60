"""Log lines of the demo name the server that wrote them, also those of shared libraries."""

import logging
from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer.keys import KeyEvent, KeyObserver, KeySetStatus, log_key_events
from resource_api.logs import configure

API, AUTHORIZATION_SERVER, WEB_APPLICATION = LOG_NAMES = (
    "resource_api",
    "demo.authorization_server",
    "demo.web_application",
)

_server: ContextVar[str] = ContextVar("server", default="")


def configure_logs() -> None:
    """Set up logging for the three servers."""
    configure("info")
    logging.getLogger("demo").setLevel(logging.INFO)
    # Start and stop of three servers, and the web application's requests to the other two, would
    # only repeat what other lines say.
    for name in ("uvicorn", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_add_server_name)


def with_log_name(app: ASGIApp, name: str) -> ASGIApp:
    """Return the application, whose log lines carry this name, also those of shared libraries."""

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        _server.set(name)
        await app(scope, receive, send)

    return named


def _add_server_name(record: logging.LogRecord) -> bool:
    if not record.name.startswith(LOG_NAMES) and _server.get():
        record.name = f"{_server.get()}: {record.name}"
    return True


def key_observer(name: str) -> KeyObserver:
    """Return an observer that logs key events with this name; fetches belong to no request."""

    def observe(event: KeyEvent, status: KeySetStatus) -> None:
        before = _server.set(name)
        log_key_events(event, status)
        _server.reset(before)

    return observe
