"""One attempt to get an issuer's keys: locate, fetch, parse, within one deadline.

What is made ready once per process, before the first attempt, is not within it.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from asgi_bearer.keys.documents import key_set_document, read
from asgi_bearer.keys.freshness import Fetched, Freshness
from asgi_bearer.keys.http import Document, Fetch, FetchFailed, Interrupted
from asgi_bearer.keys.jwk import KeySet, KeyWarning
from asgi_bearer.keys.schedule import reading
from asgi_bearer.keys.source import left_out, log_warnings
from asgi_bearer.keys.urls import shown_address

_LOOKS: Final = 10
"""How often within the deadline the clocks are read."""

_SHARE: Final = 0.3
_SHORTEST: Final = 0.1
"""Share of the deadline, and seconds: less is an event loop with much to do."""

_KEPT: Final = ("cache-control", "age", "etag")

_ENTITY_TAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,256}"')
"""RFC 9110 §8.8.3, of a length that can be sent back."""


class Locate(Protocol):
    """Finds the address of an issuer's keys.

    `warning` says what went wrong when it was last looked for, None if nothing did.
    """

    warning: str | None

    async def __call__(self, *, rediscover: bool) -> str:
        """Return the address; `rediscover` says that the last one did not work.

        Raises:
            FetchFailed: it cannot be found.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Last:
    """What an address answered, for asking whether it has changed."""

    address: str
    headers: Mapping[str, str]
    body: bytes
    key_set: KeySet


class Watch:
    """Notices that the process did not run while an attempt was under way: a context manager.

    A process that is stopped, frozen or suspended in the middle of an attempt finds the time over
    and the connection dead when it goes on. That says nothing of the issuer.

    Arguments:
        deadline: seconds for the attempt.
        clock: seconds from any fixed point. The clock of the day is read as well: others may
            stand still while a machine is suspended.

    Attributes:
        interrupted: between two readings there was more time than there should be.
    """

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self.interrupted = False
        self._every = deadline / _LOOKS
        self._longest = max(_SHARE * deadline, _SHORTEST)
        self._clocks = (clock, time.time)
        self._seen: list[float] = []
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> None:
        self._look_again()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._look()

    def _look_again(self) -> None:
        self._look()
        self._timer = asyncio.get_running_loop().call_later(self._every, self._look_again)

    def _look(self) -> None:
        now = [reading(clock) for clock in self._clocks]
        # No clock that answers nonsense makes this true.
        if any(b - a > self._longest for a, b in zip(self._seen, now, strict=False)):
            self.interrupted = True
        self._seen = now


class KeyFetcher:
    """An issuer's keys, fetched anew at each call.

    Arguments:
        freshness: how long they may be called fresh.
        deadline: seconds for the whole attempt, however many documents it takes.
        prepare: makes ready what the first attempt needs, outside the deadline.
        clock: seconds from any fixed point; it tells whether the process ran all the time.
    """

    def __init__(
        self,
        locate: Locate,
        fetch: Fetch,
        *,
        freshness: Freshness,
        deadline: float,
        prepare: Callable[[], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._locate = locate
        self._fetch = fetch
        self._freshness = freshness
        self._deadline = deadline
        self._prepare = prepare
        self._clock = clock
        self._rediscover = False
        self._address: str | None = None
        self._last: _Last | None = None
        self._warnings: frozenset[KeyWarning] = frozenset()

    async def __call__(self, *, rediscover: bool = False) -> Fetched:
        """Return the keys; the very same set if the issuer says that nothing has changed.

        Arguments:
            rediscover: the keys may be at another address than before.

        Raises:
            FetchFailed: they could not be had, or what was fetched is no key set.
            Interrupted: so it was, and the process did not run for a part of the time.
        """
        if self._prepare is not None:
            await self._prepare()
        deadline, watch = asyncio.timeout(self._deadline), Watch(self._deadline, self._clock)
        try:
            with watch:
                async with deadline:
                    return await self._attempt(rediscover or self._rediscover)
        except Exception as err:  # A fetch of somebody else's may raise anything.
            fault = err
            if isinstance(err, TimeoutError) and deadline.expired():
                where = f" from {shown_address(self._address)}" if self._address is not None else ""
                fault = FetchFailed(f"no keys within {self._deadline:g} s{where}")
            if watch.interrupted:
                words = str(fault) if isinstance(fault, FetchFailed) else type(fault).__name__
                fault = Interrupted(f"{words}; the process did not run for a part of the time")
            if fault is err:
                raise
            raise fault from err

    async def _attempt(self, rediscover: bool) -> Fetched:
        self._address = None
        self._address = address = await self._locate(rediscover=rediscover)
        self._rediscover = True  # Until it has worked.
        last = self._last if self._last is not None and self._last.address == address else None
        etag = _entity_tag(last.headers) if last is not None else None
        document = await self._fetch(address, etag=etag)
        headers = {name: document.headers[name] for name in _KEPT if name in document.headers}
        body = document.body or b""
        if document.body is None and last is not None and etag is not None:
            # RFC 9111 §4.3.4: what is not said anew holds on, except the age of that answer.
            headers, body = {**last.headers, "age": "", **headers}, last.body
        # Parsing may take a while; many issuers send no entity tag, and the same bytes as before.
        if last is not None and last.body == body:
            key_set = last.key_set
        else:
            key_set = await self._parsed(address, Document(body, document.headers))
        self._last = _Last(address, headers, body, key_set)
        self._rediscover = False
        lifetime = self._freshness.lifetime(headers)
        return Fetched(key_set, lifetime, self._locate.warning, left_out(key_set.warnings))

    async def _parsed(self, url: str, document: Document) -> KeySet:
        try:
            key_set = await read(document, lambda body: KeySet.from_jwks(key_set_document(body)))
        except ValueError as err:
            raise FetchFailed(f"{shown_address(url)}: {err}") from err
        new = [warning for warning in key_set.warnings if warning not in self._warnings]
        log_warnings(new, shown_address(url))
        self._warnings = frozenset(key_set.warnings)
        return key_set


def _entity_tag(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("etag", "")
    return etag if _ENTITY_TAG.fullmatch(etag) else None
