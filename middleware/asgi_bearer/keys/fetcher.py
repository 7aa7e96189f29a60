"""One attempt to fetch an issuer's keys: find the URL, fetch, parse, within one deadline.

The preparation of the HTTP client, once per process, does not count.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from asgi_bearer.keys.documents import key_set_document, parsed
from asgi_bearer.keys.freshness import Fetched, Freshness
from asgi_bearer.keys.http import Document, Fetch, FetchFailed, Interrupted
from asgi_bearer.keys.jwk import KeySet, KeyWarning
from asgi_bearer.keys.schedule import read_clock
from asgi_bearer.keys.source import left_out, log_warnings
from asgi_bearer.keys.urls import shown_address

_CLOCK_READINGS: Final = 10
"""How often the clocks are read during the deadline."""

_SUSPENDED_FRACTION: Final = 0.3
_SUSPENDED_SECONDS: Final = 0.1
"""A gap between two readings counts as a suspension only if it is longer than this fraction of the
deadline and this number of seconds. A busy event loop causes shorter gaps."""

_CACHED_HEADERS: Final = ("cache-control", "age", "etag")

_ENTITY_TAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,256}"')
"""RFC 9110 §8.8.3, with a limit on the length."""


class Locate(Protocol):
    """Finds the URL of an issuer's keys.

    `warning` is the problem of the last call, or None.
    """

    warning: str | None

    async def __call__(self, *, rediscover: bool) -> str:
        """Return the URL; `rediscover` says that the last one did not work.

        Raises:
            FetchFailed: the URL cannot be found.
        """
        ...


@dataclass(frozen=True, slots=True)
class _CachedResponse:
    """The last response, for conditional requests (`If-None-Match`)."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    key_set: KeySet


class SuspensionDetector:
    """Detects that the process was suspended during an attempt: a context manager.

    If a process is stopped, frozen or suspended, the attempt times out and the connection breaks.
    That is not the issuer's fault.

    Arguments:
        deadline: seconds for the attempt.
        clock: seconds from any fixed point. The system time is read too, because other clocks may
            stop while the machine is suspended.

    Attributes:
        suspended: whether the gap between two readings was too long.
    """

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self.suspended = False
        self._interval = deadline / _CLOCK_READINGS
        self._max_gap = max(_SUSPENDED_FRACTION * deadline, _SUSPENDED_SECONDS)
        self._clocks = (clock, time.time)
        self._last_readings: list[float] = []
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> None:
        self._read_and_repeat()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._read()

    def _read_and_repeat(self) -> None:
        self._read()
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._read_and_repeat)

    def _read(self) -> None:
        now = [read_clock(clock) for clock in self._clocks]
        # A clock that returns NaN never makes this true.
        if any(b - a > self._max_gap for a, b in zip(self._last_readings, now, strict=False)):
            self.suspended = True
        self._last_readings = now


class KeyFetcher:
    """Fetches an issuer's keys with each call.

    Arguments:
        freshness: computes the lifetime of the keys.
        deadline: seconds for the whole attempt, for all documents together.
        prepare: prepares the HTTP client before the first attempt, outside the deadline.
        clock: seconds from any fixed point, to detect that the process was suspended.
    """

    def __init__(
        self,
        locate: Locate,
        fetch: Fetch,
        *,
        freshness: Freshness,
        deadline: float,
        prepare: Callable[[], Awaitable[object]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._locate = locate
        self._fetch = fetch
        self._freshness = freshness
        self._deadline = deadline
        self._prepare = prepare
        self._clock = clock
        self._rediscover = False
        self._url: str | None = None
        self._cached: _CachedResponse | None = None
        self._warnings: frozenset[KeyWarning] = frozenset()

    async def __call__(self, *, rediscover: bool = False) -> Fetched:
        """Return the keys, as the same object if the issuer says that they have not changed.

        Arguments:
            rediscover: the keys may have moved to another URL.

        Raises:
            FetchFailed: the fetch failed, or the document is not a key set.
            Interrupted: the fetch failed, and the process was suspended during it.
        """
        if self._prepare is not None:
            await self._prepare()
        deadline = asyncio.timeout(self._deadline)
        detector = SuspensionDetector(self._deadline, self._clock)
        try:
            with detector:
                async with deadline:
                    return await self._attempt(rediscover or self._rediscover)
        except Exception as err:  # A custom `fetch` may raise anything.
            fault = err
            if isinstance(err, TimeoutError) and deadline.expired():
                where = f" from {shown_address(self._url)}" if self._url is not None else ""
                fault = FetchFailed(f"no keys within {self._deadline:g} s{where}")
            if detector.suspended:
                reason = str(fault) if isinstance(fault, FetchFailed) else type(fault).__name__
                fault = Interrupted(f"{reason}; the process was suspended during the fetch")
            if fault is err:
                raise
            raise fault from err

    async def _attempt(self, rediscover: bool) -> Fetched:
        self._url = None
        self._url = url = await self._locate(rediscover=rediscover)
        self._rediscover = True  # until the fetch has succeeded
        cached = self._cached if self._cached is not None and self._cached.url == url else None
        etag = _entity_tag(cached.headers) if cached is not None else None
        document = await self._fetch(url, etag=etag)
        headers = {
            name: document.headers[name] for name in _CACHED_HEADERS if name in document.headers
        }
        body = document.body or b""
        if document.body is None and cached is not None and etag is not None:
            # A 304 updates the cached headers (RFC 9111 §4.3.4). The old age does not count.
            headers, body = {**cached.headers, "age": "", **headers}, cached.body
        # Many issuers send no entity tag. The same bytes need not be parsed again.
        if cached is not None and cached.body == body:
            key_set = cached.key_set
        else:
            key_set = await self._key_set(url, Document(body, document.headers))
        self._cached = _CachedResponse(url, headers, body, key_set)
        self._rediscover = False
        lifetime = self._freshness.lifetime(headers)
        return Fetched(key_set, lifetime, self._locate.warning, left_out(key_set.warnings))

    async def _key_set(self, url: str, document: Document) -> KeySet:
        try:
            key_set = await parsed(document, lambda body: KeySet.from_jwks(key_set_document(body)))
        except ValueError as err:
            raise FetchFailed(f"{shown_address(url)}: {err}") from err
        new = [warning for warning in key_set.warnings if warning not in self._warnings]
        log_warnings(new, shown_address(url))
        self._warnings = frozenset(key_set.warnings)
        return key_set


def _entity_tag(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("etag", "")
    return etag if _ENTITY_TAG.fullmatch(etag) else None
