"""One attempt to get an issuer's keys: locate, fetch, parse, within one deadline.

What is made ready once per process, before the first attempt, is not within it.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from asgi_bearer.keys.address import shown_address
from asgi_bearer.keys.documents import key_set_document, read
from asgi_bearer.keys.fetch import Document, Fetch, FetchFailed, Interrupted
from asgi_bearer.keys.freshness import Fetched, Freshness
from asgi_bearer.keys.jwk import KeySet, Remark, key_set_from
from asgi_bearer.keys.limits import reading
from asgi_bearer.keys.source import left_out, log_remarks

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

    `remark` says what went wrong when it was last looked for, None if nothing did.
    """

    remark: str | None

    async def __call__(self, *, doubted: bool) -> str:
        """Return the address; `doubted` says that the last one did not work.

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
    left_out: tuple[str, ...]


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


class RemoteKeys:
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
        self._doubted = False
        self._address: str | None = None
        self._last: _Last | None = None
        self._remarks: frozenset[Remark] = frozenset()

    async def __call__(self, *, doubted: bool = False) -> Fetched:
        """Return the keys; the very same set if the issuer says that nothing has changed.

        Arguments:
            doubted: the keys may be at another address than before.

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
                    return await self._attempt(doubted or self._doubted)
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

    async def _attempt(self, doubted: bool) -> Fetched:
        self._address = None
        self._address = address = await self._locate(doubted=doubted)
        self._doubted = True  # Until it has worked.
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
            key_set, unused = last.key_set, last.left_out
        else:
            key_set, unused = await self._parsed(address, Document(body, document.headers))
        self._last = _Last(address, headers, body, key_set, unused)
        self._doubted = False
        lifetime = self._freshness.lifetime(headers)
        return Fetched(key_set, lifetime, self._locate.remark, unused)

    async def _parsed(self, url: str, document: Document) -> tuple[KeySet, tuple[str, ...]]:
        try:
            key_set, remarks = await read(
                document, lambda body: key_set_from(key_set_document(body))
            )
        except ValueError as err:
            raise FetchFailed(f"{shown_address(url)}: {err}") from err
        log_remarks([one for one in remarks if one not in self._remarks], shown_address(url))
        self._remarks = frozenset(remarks)
        return key_set, left_out(remarks)


def _entity_tag(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("etag", "")
    return etag if _ENTITY_TAG.fullmatch(etag) else None
