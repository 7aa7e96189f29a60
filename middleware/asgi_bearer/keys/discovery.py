"""Issuer identifier -> the address of its keys, by its metadata (RFC 8414, OpenID Discovery)."""

import asyncio
import logging
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from asgi_bearer.errors import IDENTIFIER_CHARACTERS, shown
from asgi_bearer.jose.encoding import json_object
from asgi_bearer.keys.documents import read
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.http import Fetch, FetchFailed, NotServed
from asgi_bearer.keys.schedule import reading
from asgi_bearer.keys.urls import address_fault, may_be_http, on_loopback, shown_address

logger = logging.getLogger("asgi_bearer.keys")


def metadata_addresses(issuer: str) -> tuple[str, ...]:
    """Return where the metadata of `issuer` may be, in the order to look.

    RFC 8414 §3.1 and §5: the well-known part goes between host and path; OpenID Connect
    Discovery §4 appends it.
    """
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return tuple(
        dict.fromkeys(
            (
                f"{origin}/.well-known/oauth-authorization-server{path}",
                f"{origin}/.well-known/openid-configuration{path}",
                f"{origin}{path}/.well-known/openid-configuration",
            )
        )
    )


class Discovery:
    """Finds the address of an issuer's keys, and keeps it while its metadata is fresh.

    Like a key set, the last address that was good stays until there is a newer one; `warning` says
    why there is none.

    Arguments:
        issuer: a checked issuer identifier.
        freshness: how long its metadata may be called fresh.
        patience: seconds to look again for an address that is known.
        allow_http: hosts at which the keys may be without TLS.
        clock: seconds from any fixed point, never going back.
    """

    def __init__(
        self,
        issuer: str,
        fetch: Fetch,
        *,
        freshness: Freshness,
        patience: float,
        allow_http: Collection[str] = (),
        clock: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._freshness = freshness
        self._patience = patience
        self._allow_http = allow_http
        self._clock = clock
        self._places = metadata_addresses(issuer)
        self._known: str | None = None
        self._looked_at = self._fresh_until = self._look_again_at = 0.0
        self.warning: str | None = None

    async def __call__(self, *, rediscover: bool) -> str:
        """Return the `jwks_uri` of the first metadata document that is the issuer's own.

        Arguments:
            rediscover: the address from before did not work, so it is looked for again.

        Raises:
            FetchFailed: no such document can be had. A host that does not answer is asked once,
                not once for each place.
        """
        known = self._known
        good_until = self._look_again_at if rediscover else self._fresh_until
        # Asked this way round, so that a clock that answers nonsense (NaN), or went back, is not
        # believed.
        if known is not None and self._looked_at <= reading(self._clock) < good_until:
            return known
        try:
            # The keys are still to be fetched, within the same deadline.
            async with asyncio.timeout(None if known is None else self._patience):
                found, lifetime = await self._look()
        except (FetchFailed, TimeoutError) as err:
            if known is None:
                raise
            # Not with the next attempt again, which may need all its time for the keys.
            self._looked_at = reading(self._clock)
            self._look_again_at = self._fresh_until = self._looked_at + self._freshness.shortest
            self.warning = str(err) or "its metadata did not come in time"
            logger.warning("keys are fetched from the address of before: %s", self.warning)
            return known
        self._known, self._looked_at = found, reading(self._clock)
        self._fresh_until = self._looked_at + lifetime
        self.warning = None
        return found

    async def _look(self) -> tuple[str, float]:
        faults: list[str] = []
        for address in self._places:
            try:
                document = await self._fetch(address)
                url = await read(document, self._jwks_uri)
            except NotServed as err:
                faults.append(str(err))
            except ValueError as err:
                faults.append(f"{address}: {err}")
            else:
                # Next time it is asked first: looking again has less time.
                self._places = tuple(dict.fromkeys((address, *self._places)))
                return url, self._freshness.lifetime(document.headers)
        raise FetchFailed("; ".join(faults))

    def _jwks_uri(self, encoded: bytes) -> str:
        metadata = json_object(encoded)
        issuer = metadata.get("issuer")
        if issuer != self._issuer:
            # RFC 8414 §3.3: whoever this document speaks for, it is not our issuer.
            raise ValueError(
                f"issuer is {shown(issuer, characters=IDENTIFIER_CHARACTERS)},"
                f" expected {shown(self._issuer, characters=IDENTIFIER_CHARACTERS)}"
                f"{_hint(issuer, self._issuer)}"
            )
        jwks_uri = metadata.get("jwks_uri")
        if jwks_uri is None:
            raise ValueError("jwks_uri must be a URL, and the metadata names none")
        fault = address_fault(jwks_uri, allow_http=self._allow_http)
        if fault is not None:
            raise ValueError(f"jwks_uri {fault}, not {_shown_address(jwks_uri)}")
        address = str(jwks_uri)
        if on_loopback(address) and not (
            on_loopback(self._issuer) or may_be_http(address, self._allow_http)
        ):
            raise ValueError("jwks_uri must not point to this machine, the issuer is elsewhere")
        return address


def _hint(found: object, expected: str) -> str:
    """Return what the operator may have to change. Issuers are compared byte for byte."""
    if not isinstance(found, str):
        return ""
    if "{" in found:
        return " (a template for many tenants: configure the issuer of one tenant)"
    if found.rstrip("/") == expected.rstrip("/"):
        return " (only the final slash differs: configure the issuer as its metadata writes it)"
    return ""


def _shown_address(url: object) -> str:
    return shown(shown_address(url), characters=IDENTIFIER_CHARACTERS)
