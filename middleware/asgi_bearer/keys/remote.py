"""One attempt to get an issuer's keys: locate, fetch, parse, within one deadline."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from asgi_bearer.jose import json_object
from asgi_bearer.keys.address import shown_address
from asgi_bearer.keys.fetch import Fetch, FetchFailed
from asgi_bearer.keys.jwk import KeySet, key_set_from

_MAX_REMARKS: Final = 5

logger = logging.getLogger("asgi_bearer.keys")


class RemoteKeys:
    """An issuer's keys, fetched anew at each call.

    Arguments:
        locate: returns the address of the keys.
        deadline: seconds for the whole attempt, however many documents it takes.
    """

    def __init__(
        self, locate: Callable[[], Awaitable[str]], fetch: Fetch, *, deadline: float
    ) -> None:
        self._locate = locate
        self._fetch = fetch
        self._deadline = deadline
        self._address: str | None = None
        self._remarks: tuple[str, ...] = ()

    async def __call__(self) -> KeySet:
        """Return the keys.

        Raises:
            FetchFailed: they could not be had, or what was fetched is no key set.
        """
        try:
            async with asyncio.timeout(self._deadline):
                return await self._attempt()
        except TimeoutError as err:
            raise FetchFailed(f"no keys within {self._deadline:g} s") from err

    async def _attempt(self) -> KeySet:
        address = self._address or await self._locate()
        # Forgotten until it has worked: an address that fails is located again next time.
        self._address = None
        try:
            key_set, remarks = key_set_from(json_object(await self._fetch(address)))
        except ValueError as err:
            raise FetchFailed(f"{shown_address(address)}: {err}") from err
        self._address = address
        if remarks != self._remarks:
            for remark in remarks[:_MAX_REMARKS]:
                logger.warning("%s: %s", shown_address(address), remark)
        self._remarks = remarks
        return key_set
