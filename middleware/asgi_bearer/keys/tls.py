"""The HTTP client and the certificates that it trusts: made ready once per process, in a thread.

On a slow processor, importing the client takes longer than a fetch may. So it is no part of a
fetch: the first fetch of the process begins it, all key sources wait for the same, and what is
ready stays so, whatever becomes of the fetch that waited.
"""

import asyncio
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache
from typing import Final, Generic, TypeVar, cast

from asgi_bearer.errors import shown

PATIENCE: Final = 60.0
"""Seconds that one attempt waits for the client. A twentieth of a core needs half of that."""

_HEADER_NAME: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
"""RFC 9110 §5.6.2."""

_HEADERS: Final = 32
_VALUE_CHARACTERS: Final = 8192
"""More than servers read."""

_RESERVED: Final = frozenset(
    (
        *("host", "accept", "accept-encoding", "if-none-match", "if-match", "if-range", "range"),
        *("if-modified-since", "if-unmodified-since", "content-length", "content-type", "expect"),
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "trailer", "te"),
        *("proxy-authorization", "transfer-encoding", "upgrade", "content-encoding"),
    )
)
"""What this library says itself, and what holds for one connection only (RFC 9110 §7.6.1)."""

Made = TypeVar("Made")


class Preparation(Generic[Made]):
    """Something that takes long and is made once, in a thread of its own.

    What could not be made is tried again by the next who asks for it.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._making: Future[Made] | None = None
        self._process = 0

    async def made(self) -> Made:
        """Return it, when it is there. Cancelling one who waits does not end the making.

        Raises:
            Exception: what `make` raised.
        """
        making = self._begun()
        if not making.done():
            loop, ready = asyncio.get_running_loop(), asyncio.Event()

            def tell(_: object) -> None:
                with suppress(RuntimeError):  # That event loop is gone.
                    loop.call_soon_threadsafe(ready.set)

            making.add_done_callback(tell)
            await ready.wait()
        return making.result()

    def _begun(self) -> Future[Made]:
        with self._lock:
            making = self._making
            if making is not None:
                failed = making.done() and making.exception() is not None
                # A process that was forked meanwhile has the promise without the thread.
                orphaned = not making.done() and self._process != os.getpid()
                if not (failed or orphaned):
                    return making
            making = Future[Made]()
            # Not of the executor, whose threads the end of an event loop waits for.
            threading.Thread(
                target=self._run, args=(making,), name="asgi_bearer.keys", daemon=True
            ).start()
            self._making, self._process = making, os.getpid()
            return making

    def _run(self, making: Future[Made]) -> None:
        try:
            made = self._make()
        except BaseException as err:  # Whoever waits must hear of it, whatever it is.
            making.set_exception(err)
        else:
            making.set_result(made)


async def ready(ssl_context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """Return the TLS context to fetch with, when the client is imported.

    Arguments:
        ssl_context: of the operator. Without one, the certificates that `SSL_CERT_FILE` and
            `SSL_CERT_DIR` name are trusted; without these, the ones that come with the client.

    Raises:
        TimeoutError: it took longer than `PATIENCE`; the making goes on.
        OSError: the certificates cannot be read.
        ImportError: the client cannot be imported.
    """
    async with asyncio.timeout(PATIENCE):
        await _client.made()
        if ssl_context is not None:
            return ssl_context
        where = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
        return await _certificates(*where).made()


def _import_client() -> None:
    import httpx

    async def rehearse() -> None:
        # The first connection imports as much again. This one leads nowhere.
        transport = httpx.AsyncHTTPTransport(uds=f"{os.devnull}/nowhere")
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            await client.get("http://localhost/")

    with suppress(Exception):  # That is how it ends, on any system in its own way.
        asyncio.run(rehearse())


_client: Final = Preparation(_import_client)


@lru_cache(maxsize=4)
def _certificates(file: str, folder: str) -> Preparation[ssl.SSLContext]:
    def read() -> ssl.SSLContext:
        import httpx

        if file or folder:
            return ssl.create_default_context(cafile=file or None, capath=folder or None)
        return httpx.create_ssl_context(trust_env=False)

    return Preparation(read)


def context_fault(ssl_context: object) -> str | None:
    """Return why this TLS context proves nobody's identity, or None."""
    if not isinstance(ssl_context, ssl.SSLContext):
        return "must be an ssl.SSLContext"
    if ssl_context.verify_mode is not ssl.CERT_REQUIRED or not ssl_context.check_hostname:
        return "must verify certificates and host names, or anybody could answer with keys"
    return None


def header_faults(headers: object) -> list[str]:
    """Return what is wrong with headers that are to go with each request, without a value."""
    if not isinstance(headers, Mapping):
        return ["headers must be a mapping of names to values"]
    fields: list[tuple[object, object]] = list(cast("Mapping[object, object]", headers).items())
    if len(fields) > _HEADERS:
        return [f"headers must be at most {_HEADERS}"]
    faults: list[str] = []
    seen: set[str] = set()
    for number, (name, value) in enumerate(fields, start=1):
        if not isinstance(name, str) or not name or not _HEADER_NAME.issuperset(name):
            # Not quoted: somebody may have written name and value in one.
            faults.append(f"headers: name {number} is no field name (RFC 9110 §5.1)")
            continue
        if name.lower() in _RESERVED:
            faults.append(f"headers: {shown(name)} is set by this library or by HTTP itself")
        if name.lower() in seen:
            faults.append(f"headers: {shown(name)} is there twice")
        seen.add(name.lower())
        if not _is_field_value(value):
            faults.append(
                f"headers: the value of {shown(name)} must be 1 to {_VALUE_CHARACTERS} printable "
                "Latin-1 characters without a space at either end"
            )
    return faults


def _is_field_value(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _VALUE_CHARACTERS
        and value == value.strip(" \t\xa0")
        and all(c == "\t" or " " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value)
    )
