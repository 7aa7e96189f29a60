"""Puts a remote key source together: the one place that knows the order, and refuses nonsense.

CachedKeys  when to fetch, how long a set serves       cache, limits, flight
  RemoteKeys  one attempt: locate, fetch, parse        remote, jwk
    Discovery   the address, if it is not given        discovery
      HttpxFetch  one bounded GET                      fetch
"""

import time
from collections.abc import Callable

from asgi_bearer.keys.address import address_fault, issuer_fault, shown_address
from asgi_bearer.keys.cache import CachedKeys, Lifetime
from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.fetch import Fetch, HttpxFetch
from asgi_bearer.keys.limits import BackOff, CoolDown
from asgi_bearer.keys.remote import RemoteKeys


def remote_keys(
    *,
    issuer: str | None = None,
    jwks_uri: str | None = None,
    ttl: float = 600.0,
    serve_stale: float = 3600.0,
    cool_down: float = 10.0,
    timeout: float = 5.0,
    max_bytes: int = 512 * 1024,
    fetch: Fetch | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> CachedKeys:
    """Return the keys of an issuer, fetched when they are needed and kept.

    Arguments:
        issuer: issuer identifier; its metadata says where the keys are.
        jwks_uri: address of the keys; with it, nothing is discovered.
        ttl: seconds that a set is fresh. At 80 % of it, it is fetched again behind the requests.
            A key that the issuer withdrew is accepted until the next fetch is through; after an
            idle time that fetch begins with the first request, which is still judged by the
            old set if that serves.
        serve_stale: seconds past `ttl` that the last good set serves while the issuer is down.
        cool_down: seconds between two fetches that tokens with unknown keys can cause.
        timeout: seconds for one attempt to get the keys.
        max_bytes: the largest document that is read.
        fetch: another HTTP client than httpx.
        clock: seconds from any fixed point, never going back.

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """
    faults: list[str] = []
    if issuer is None and jwks_uri is None:
        faults.append("issuer or jwks_uri is needed")
    if issuer is not None and (fault := issuer_fault(issuer)):
        faults.append(f"issuer {fault}, not {shown_address(issuer)!r}")
    if jwks_uri is not None and (fault := address_fault(jwks_uri)):
        faults.append(f"jwks_uri {fault}, not {shown_address(jwks_uri)!r}")
    if not 60 <= ttl <= 86_400:
        faults.append(f"ttl must be 60 to 86400 seconds, not {ttl!r}")
    if not 0 <= serve_stale <= 86_400:
        faults.append(f"serve_stale must be 0 to 86400 seconds, not {serve_stale!r}")
    if not 1 <= cool_down <= 60:
        faults.append(f"cool_down must be 1 to 60 seconds, not {cool_down!r}")
    if not 0 < timeout <= 30:
        faults.append(f"timeout must be more than 0 and at most 30 seconds, not {timeout!r}")
    if not 1024 <= max_bytes <= 16 * 1024 * 1024:
        faults.append(f"max_bytes must be 1024 to 16777216, not {max_bytes!r}")
    if faults:
        raise ValueError("; ".join(faults))

    get = fetch if fetch is not None else HttpxFetch(timeout=timeout, max_bytes=max_bytes)
    if jwks_uri is not None:
        address = jwks_uri

        async def locate() -> str:
            return address
    else:
        locate = Discovery(str(issuer), get)

    return CachedKeys(
        RemoteKeys(locate, get, deadline=timeout),
        clock=clock,
        lifetime=Lifetime(refresh_due=0.8 * ttl, fresh=ttl, serving=ttl + serve_stale),
        cool_down=CoolDown(cool_down),
        back_off=BackOff(shortest=1.0, longest=60.0),
    )
