"""Discovers the `jwks_uri` from the issuer's metadata (RFC 8414, OpenID Connect Discovery)."""

import asyncio
import logging
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from asgi_bearer.errors import IDENTIFIER_CHARACTERS, shown
from asgi_bearer.jose.encoding import json_object
from asgi_bearer.keys.documents import parsed
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.http import Fetch, FetchFailed, NotServed
from asgi_bearer.keys.schedule import read_clock
from asgi_bearer.keys.urls import address_fault, may_be_http, on_loopback, shown_address

logger = logging.getLogger("asgi_bearer.keys")


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return the URLs at which the metadata of `issuer` may be, in the order of attempts.

    RFC 8414 §3.1 and §5 insert the well-known part between host and path; OpenID Connect
    Discovery §4 appends it.
    """
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    urls = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )
    return tuple(dict.fromkeys(urls))


class Discovery:
    """Finds the `jwks_uri` of an issuer, and caches it while the metadata is fresh.

    If a later discovery fails, the last `jwks_uri` stays in use, and `warning` says why.

    Arguments:
        issuer: a checked issuer identifier.
        freshness: computes the lifetime of the metadata.
        patience: timeout in seconds for a discovery while a `jwks_uri` is known.
        allow_http: hosts that may serve the keys without TLS.
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
        self._urls = metadata_urls(issuer)
        self._last_jwks_uri: str | None = None
        self._discovered_at = self._fresh_until = self._rediscover_at = 0.0
        self.warning: str | None = None

    async def __call__(self, *, rediscover: bool) -> str:
        """Return the `jwks_uri` of the first metadata document that is the issuer's own.

        Arguments:
            rediscover: the last `jwks_uri` did not work, so it is discovered again.

        Raises:
            FetchFailed: there is no such document. If the host does not answer, the other URLs
                are not tried.
        """
        last = self._last_jwks_uri
        good_until = self._rediscover_at if rediscover else self._fresh_until
        # Written so that the comparison fails if the clock is NaN or went back.
        if last is not None and self._discovered_at <= read_clock(self._clock) < good_until:
            return last
        try:
            # Leave time to fetch the keys within the same deadline.
            async with asyncio.timeout(None if last is None else self._patience):
                jwks_uri, lifetime = await self._discover()
        except (FetchFailed, TimeoutError) as err:
            if last is None:
                raise
            # Do not try again with the next attempt, which may need its time for the keys.
            self._discovered_at = read_clock(self._clock)
            self._rediscover_at = self._fresh_until = self._discovered_at + self._freshness.shortest
            self.warning = str(err) or "the metadata did not arrive in time"
            logger.warning("discovery failed; using the last known jwks_uri: %s", self.warning)
            return last
        self._last_jwks_uri, self._discovered_at = jwks_uri, read_clock(self._clock)
        self._fresh_until = self._discovered_at + lifetime
        self.warning = None
        return jwks_uri

    async def _discover(self) -> tuple[str, float]:
        faults: list[str] = []
        for url in self._urls:
            try:
                document = await self._fetch(url)
                jwks_uri = await parsed(document, self._jwks_uri)
            except NotServed as err:
                faults.append(str(err))
            except ValueError as err:
                faults.append(f"{url}: {err}")
            else:
                # Try this URL first next time: a rediscovery has less time.
                self._urls = tuple(dict.fromkeys((url, *self._urls)))
                return jwks_uri, self._freshness.lifetime(document.headers)
        raise FetchFailed("; ".join(faults))

    def _jwks_uri(self, encoded: bytes) -> str:
        metadata = json_object(encoded)
        issuer = metadata.get("issuer")
        if issuer != self._issuer:
            # The document belongs to another issuer (RFC 8414 §3.3).
            raise ValueError(
                f"issuer is {shown(issuer, characters=IDENTIFIER_CHARACTERS)},"
                f" expected {shown(self._issuer, characters=IDENTIFIER_CHARACTERS)}"
                f"{_hint(issuer, self._issuer)}"
            )
        jwks_uri = metadata.get("jwks_uri")
        if jwks_uri is None:
            raise ValueError("jwks_uri must be a URL, but the metadata has none")
        if fault := address_fault(jwks_uri, allow_http=self._allow_http):
            address = shown(shown_address(jwks_uri), characters=IDENTIFIER_CHARACTERS)
            raise ValueError(f"jwks_uri {fault}, not {address}")
        url = str(jwks_uri)
        may_be_local = on_loopback(self._issuer) or may_be_http(url, self._allow_http)
        if on_loopback(url) and not may_be_local:
            raise ValueError(
                "jwks_uri must not point to this machine, because the issuer is on another host"
            )
        return url


def _hint(issuer: object, expected: str) -> str:
    """Return a hint what to change in the configuration, or an empty string."""
    if not isinstance(issuer, str):
        return ""
    if "{" in issuer:
        return " (a template for many tenants: configure the issuer of one tenant)"
    if issuer.rstrip("/") == expected.rstrip("/"):
        return " (only the final slash differs: configure the issuer as its metadata writes it)"
    return ""
