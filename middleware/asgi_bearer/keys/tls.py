"""Prepares fetches once per process: imports httpx, loads the trusted certificates.

On a slow processor this takes longer than the timeout of a fetch. So it runs in a thread, outside
of the fetch, and all key sources share the result. The operator's own TLS context and headers are
checked here too.
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

PREPARATION_TIMEOUT: Final = 60.0
"""Seconds that a fetch waits for the preparation. A twentieth of a core needs half of that."""

_HEADER_NAME: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
"""RFC 9110 §5.6.2."""

_MAX_HEADERS: Final = 32
_MAX_VALUE_CHARACTERS: Final = 8192
"""Servers do not accept more."""

_RESERVED: Final = frozenset(
    (
        *("host", "accept", "accept-encoding", "if-none-match", "if-match", "if-range", "range"),
        *("if-modified-since", "if-unmodified-since", "content-length", "content-type", "expect"),
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "trailer", "te"),
        *("proxy-authorization", "transfer-encoding", "upgrade", "content-encoding"),
    )
)
"""Headers that this library sets, and headers of a connection (RFC 9110 §7.6.1)."""

Result = TypeVar("Result")


class Preparation(Generic[Result]):
    """Runs a slow function once, in a thread. After a failure the next caller runs it again."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._future: Future[Result] | None = None
        self._process = 0

    async def result(self) -> Result:
        """Return the result. Cancelling one caller does not stop the function.

        Raises:
            Exception: the function raised it.
        """
        return await asyncio.wrap_future(self._started())

    def _started(self) -> Future[Result]:
        with self._lock:
            future = self._future
            if future is not None:
                failed = future.done() and future.exception() is not None
                # After a fork the new process has the future, but not the thread.
                orphaned = not future.done() and self._process != os.getpid()
                if not (failed or orphaned):
                    return future
            future = Future[Result]()
            future.set_running_or_notify_cancel()  # From now on no caller can cancel it.
            # Not an executor: an event loop that ends would wait for its threads.
            threading.Thread(
                target=self._run, args=(future,), name="asgi_bearer.keys", daemon=True
            ).start()
            self._future, self._process = future, os.getpid()
            return future

    def _run(self, future: Future[Result]) -> None:
        try:
            result = self._function()
        except BaseException as err:  # Callers wait for the future, so it must always end.
            future.set_exception(err)
        else:
            future.set_result(result)


async def prepared_tls_context(ssl_context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """Import httpx, and return the TLS context for fetches.

    Arguments:
        ssl_context: the operator's context. Without one, the certificates in `SSL_CERT_FILE` and
            `SSL_CERT_DIR` are trusted, or else the certificates of httpx.

    Raises:
        TimeoutError: it took longer than `PREPARATION_TIMEOUT`; the preparation goes on.
        OSError: the certificates cannot be read.
        ImportError: httpx cannot be imported.
    """
    async with asyncio.timeout(PREPARATION_TIMEOUT):
        await _client.result()
        if ssl_context is not None:
            return ssl_context
        paths = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
        return await _default_context(*paths).result()


def _import_client() -> None:
    import httpx

    async def connect_nowhere() -> None:
        # The first connection imports more modules. This one fails on purpose.
        transport = httpx.AsyncHTTPTransport(uds=f"{os.devnull}/nowhere")
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            await client.get("http://localhost/")

    with suppress(Exception):  # The type of the failure depends on the system.
        asyncio.run(connect_nowhere())


_client: Final = Preparation(_import_client)


@lru_cache(maxsize=4)
def _default_context(file: str, folder: str) -> Preparation[ssl.SSLContext]:
    def load() -> ssl.SSLContext:
        import httpx

        if file or folder:
            return ssl.create_default_context(cafile=file or None, capath=folder or None)
        return httpx.create_ssl_context(trust_env=False)

    return Preparation(load)


def context_fault(ssl_context: object) -> str | None:
    """Return why this TLS context does not prove the identity of a server, or None."""
    if not isinstance(ssl_context, ssl.SSLContext):
        return "must be an ssl.SSLContext"
    if ssl_context.verify_mode is not ssl.CERT_REQUIRED or not ssl_context.check_hostname:
        return "must verify certificates and host names, or an attacker could send keys"
    return None


def header_faults(headers: object) -> list[str]:
    """Return what is wrong with the configured headers. Their values are not quoted."""
    if not isinstance(headers, Mapping):
        return ["headers must be a mapping of names to values"]
    fields: list[tuple[object, object]] = list(cast("Mapping[object, object]", headers).items())
    if len(fields) > _MAX_HEADERS:
        return [f"headers must hold at most {_MAX_HEADERS} fields"]
    faults: list[str] = []
    seen: set[str] = set()
    for number, (name, value) in enumerate(fields, start=1):
        if not isinstance(name, str) or not name or not _HEADER_NAME.issuperset(name):
            # Not quoted: it may hold name and value together.
            faults.append(f"headers: name {number} is not a field name (RFC 9110 §5.1)")
            continue
        if name.lower() in _RESERVED:
            faults.append(f"headers: {shown(name)} is set by this library or by HTTP itself")
        if name.lower() in seen:
            faults.append(f"headers: {shown(name)} is repeated")
        seen.add(name.lower())
        if not _is_field_value(value):
            faults.append(
                f"headers: the value of {shown(name)} must be 1 to {_MAX_VALUE_CHARACTERS} "
                "printable Latin-1 characters without a space at either end"
            )
    return faults


def _is_field_value(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_VALUE_CHARACTERS
        and value == value.strip(" \t\xa0")
        and all(c == "\t" or " " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value)
    )
