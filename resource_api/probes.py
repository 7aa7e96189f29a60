"""The probes /healthz and /readyz, which need no token."""

import asyncio
from math import ceil
from typing import Literal

from pydantic import with_config
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from asgi_bearer import KeysUnavailable
from asgi_bearer.keys import KeySetState, RemoteKeys
from resource_api.contacts.store import ContactStore, StoreUnavailable
from resource_api.web.problems import problem_response

PING_SECONDS = 5.0
"""How long the database may take to answer."""

_NO_STORE = {"Cache-Control": "no-store"}


@with_config(extra="forbid")
class Health(TypedDict):
    """The process runs."""

    status: Literal["ok"]


@with_config(extra="forbid", use_attribute_docstrings=True)
class Keys(TypedDict):
    """The issuer's keys, as far as this process has them; durations are in seconds."""

    state: KeySetState
    age: float | None
    """How long ago the keys were fetched; null if they never were."""
    serves: float
    """How long the keys can still be used if the issuer does not answer."""
    next_attempt: float
    """How long it takes until a request may fetch the keys again."""


@with_config(extra="forbid", use_attribute_docstrings=True)
class Readiness(TypedDict):
    """The process can serve requests."""

    status: Literal["ok", "degraded"]
    """`degraded`: requests are served, but the keys are stale."""
    database: Literal["ok"]
    keys: Keys


class Probes:
    """Liveness depends on the process alone, readiness on the database and the keys too."""

    def __init__(
        self, store: ContactStore, keys: RemoteKeys, *, ping_seconds: float = PING_SECONDS
    ) -> None:
        self._store = store
        self._keys = keys
        self._ping_seconds = ping_seconds
        self._running_ping: asyncio.Task[bool] | None = None

    def routes(self) -> list[Route]:
        """Return the routes of both probes."""
        return [Route("/healthz", self.health), Route("/readyz", self.readiness)]

    async def health(self, request: Request) -> Response:
        """Answer that the process runs."""
        return JSONResponse(Health(status="ok"), headers=_NO_STORE)

    async def readiness(self, request: Request) -> Response:
        """Answer whether the database and the keys can be used; the issuer may be down.

        A process with stale keys is ready, with the status "degraded": `serves` tells how many
        seconds it can still use them.
        """
        database, keys = await asyncio.gather(self._database_answers(), self._keys_can_be_used())
        status = self._keys.status()
        # The answer leaves out the fault: anyone can read it, and a fault may name addresses.
        keys_status: Keys = {
            "state": status.state,
            "age": None if status.age is None else round(status.age, 3),
            "serves": round(status.serves, 3),
            "next_attempt": round(status.next_attempt, 3),
        }
        if not (database and keys):
            failing = " and ".join(
                name for name, ok in (("the database", database), ("the keys", keys)) if not ok
            )
            return problem_response(
                503,
                f"Not ready: {failing}.",
                headers={"Retry-After": str(max(1, 0 if keys else ceil(status.next_attempt)))},
                members={"keys": keys_status},
            )
        content: Readiness = {
            "status": "degraded" if status.state == "stale" else "ok",
            "database": "ok",
            "keys": keys_status,
        }
        return JSONResponse(content, headers=_NO_STORE)

    async def _database_answers(self) -> bool:
        # Anyone can call this, so requests at the same time share one ping. A client that
        # disconnects does not cancel the ping for the others.
        if self._running_ping is None or self._running_ping.done():
            self._running_ping = asyncio.create_task(self._ping())
        return await asyncio.shield(self._running_ping)

    async def _ping(self) -> bool:
        try:
            async with asyncio.timeout(self._ping_seconds):
                await self._store.ping()
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def _keys_can_be_used(self) -> bool:
        try:
            await self._keys.key_set()
        except KeysUnavailable:
            return False
        return True
