"""Puts a remote key source together: the one place that knows the order, and refuses nonsense.

RemoteKeys      when to fetch, how long a set serves     remote, schedule, single_flight, events
  KeyFetcher    one attempt: locate, fetch, parse        fetcher, freshness, documents, jwk
    Discovery   finds jwks_uri, if it is not given       discovery
      HttpxFetch  one bounded GET                        http, http_client, proxies, ssrf
"""

import random as chance
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from asgi_bearer.keys.discovery import Discovery
from asgi_bearer.keys.events import KeyObserver, log_key_events
from asgi_bearer.keys.fetcher import KeyFetcher, Locate
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.http import Fetch, HttpxFetch
from asgi_bearer.keys.remote import RemoteKeys
from asgi_bearer.keys.schedule import BackOff, CoolDown
from asgi_bearer.keys.ssrf import Screen
from asgi_bearer.keys.tls import context_fault, header_faults
from asgi_bearer.keys.urls import (
    address_fault,
    allow_http_faults,
    http_hosts,
    issuer_fault,
    shown_address,
)


def remote_keys(
    *,
    issuer: str | None = None,
    jwks_uri: str | None = None,
    ttl: float = 600.0,
    min_ttl: float = 60.0,
    max_ttl: float = 86_400.0,
    serve_stale: float = 3600.0,
    cool_down: float = 10.0,
    timeout: float = 5.0,
    max_bytes: int = 512 * 1024,
    allow_private: bool = False,
    allow_http: Collection[str] = (),
    ssl_context: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
    observer: KeyObserver = log_key_events,
    fetch: Fetch | None = None,
    clock: Callable[[], float] = time.monotonic,
    random: Callable[[], float] = chance.random,
) -> RemoteKeys:
    """Return the keys of an issuer, fetched when they are needed and kept.

    Arguments:
        issuer: issuer identifier; its metadata says where the keys are.
        jwks_uri: address of the keys; with it, nothing is discovered.
        ttl: seconds that a set is fresh if the issuer does not say (`Cache-Control`). From 75 to
            80 % of it on, it is fetched again behind the requests.
            A key that the issuer withdrew is accepted until the next fetch is through; after an
            idle time that fetch begins with the first request, which is still judged by the
            old set if that serves.
        min_ttl, max_ttl: seconds, bounds of what the issuer may say.
        serve_stale: seconds past that time that the last good set serves while the issuer is down.
        cool_down: seconds between two fetches that tokens with unknown keys can cause.
        timeout: seconds for one attempt to get the keys. Importing the HTTP client and reading
            certificates, once per process, is not counted.
        max_bytes: the largest document that is read.
        allow_private: the metadata may put the keys on another host in a private network.
        allow_http: hosts, as `keycloak:8080`, whose addresses may be http without being loopback.
            Whoever can answer in their place on the network can make tokens.
        ssl_context: for issuers with a certificate of a private authority, or that ask for one:
            `context = ssl.create_default_context(cafile="ca.pem")` and
            `context.load_cert_chain("client.pem", "client.key")`. It must verify certificates
            and host names. Without it, the authorities in the file `SSL_CERT_FILE` and the folder
            `SSL_CERT_DIR` of the environment are trusted, or those of the package certifi.
        headers: are sent with each request for metadata and keys, such as an API key of a gateway
            in front of the issuer. They go to scheme, host and port of `jwks_uri`, or else of
            `issuer`, and never elsewhere, even if the metadata says that the keys are elsewhere.
        observer: is told what happens; the default writes to the log.
        fetch: another HTTP client than httpx. What is said here about `timeout` holds for it too;
            `max_bytes`, redirects, proxies, TLS, headers and networks that must not be reached
            are its own business.
        clock: seconds from any fixed point, never going back.
        random: returns a number from 0 to 1, which spreads refreshes and retries.

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """
    faults: list[str] = []
    if issuer is None and jwks_uri is None:
        faults.append("issuer or jwks_uri is needed")
    if issuer is not None and (fault := issuer_fault(issuer, allow_http=allow_http)):
        faults.append(f"issuer {fault}, not {shown_address(issuer)!r}")
    if jwks_uri is not None and (fault := address_fault(jwks_uri, allow_http=allow_http)):
        faults.append(f"jwks_uri {fault}, not {shown_address(jwks_uri)!r}")
    faults += allow_http_faults(allow_http)
    for name, value, lowest, highest, unit in (
        ("ttl", ttl, 60, 86_400, " seconds"),
        ("min_ttl", min_ttl, 60, 86_400, " seconds"),
        ("max_ttl", max_ttl, 60, 86_400, " seconds"),
        ("serve_stale", serve_stale, 0, 86_400, " seconds"),
        ("cool_down", cool_down, 1, 60, " seconds"),
        ("timeout", timeout, 0.001, 30, " seconds"),
        ("max_bytes", max_bytes, 1024, 16_777_216, ""),
    ):
        if not (_is_number(value) and lowest <= value <= highest):
            faults.append(f"{name} must be {lowest} to {highest}{unit}, not {value!r}")
    if not _is_flag(allow_private):
        faults.append(f"allow_private must be True or False, not {allow_private!r}")
    if ssl_context is not None and (fault := context_fault(ssl_context)):
        faults.append(f"ssl_context {fault}")
    if headers is not None:
        faults += header_faults(headers)
    if fetch is not None:
        faults += [
            f"{name} is for httpx and cannot be combined with fetch"
            for name, value in (("ssl_context", ssl_context), ("headers", headers))
            if value is not None
        ]
    if not faults:
        if not min_ttl <= ttl <= max_ttl:
            faults.append(f"ttl must be from min_ttl to max_ttl, not {ttl!r}")
        if timeout > min_ttl / 5:
            # What is left of the shortest lifetime when a refresh is due.
            faults.append(f"timeout must be at most a fifth of min_ttl, not {timeout!r}")
        if allow_private and (jwks_uri is not None or fetch is not None):
            faults.append("allow_private is for httpx and addresses from metadata")
    if faults:
        raise ValueError("; ".join(faults))

    # A copy: what the caller does with the collection later opens no host.
    allow_http = (allow_http,) if isinstance(allow_http, str) else tuple(allow_http)
    named = jwks_uri if jwks_uri is not None else str(issuer)
    trusted = {urlsplit(named).hostname or "", *(host for host, _ in http_hosts(allow_http))}
    screen = Screen(trusted, allow_private=allow_private)
    ours = HttpxFetch(
        timeout=timeout,
        max_bytes=max_bytes,
        screen=screen,
        ssl_context=ssl_context,
        headers=headers,
        named=named,
    )
    get = fetch or ours
    freshness = Freshness(default=ttl, shortest=min_ttl, longest=max_ttl)
    if jwks_uri is not None:
        locate: Locate = _Named(jwks_uri)
    else:
        locate = Discovery(
            named,
            get,
            # However long it is said to last: an address that was left may go on serving old keys.
            freshness=replace(freshness, longest=ttl),
            patience=0.6 * timeout,
            allow_http=allow_http,
            clock=clock,
        )
    return RemoteKeys(
        KeyFetcher(
            locate,
            get,
            freshness=freshness,
            deadline=timeout,
            prepare=ours.prepare if fetch is None else None,
            clock=clock,
        ),
        serve_stale=serve_stale,
        cool_down=CoolDown(cool_down),
        back_off=BackOff(shortest=1.0, longest=60.0, random=random),
        observer=observer,
        clock=clock,
        random=random,
    )


class _Named:
    """The address that the operator gave."""

    warning: str | None = None

    def __init__(self, jwks_uri: str) -> None:
        self._jwks_uri = jwks_uri

    async def __call__(self, *, rediscover: bool) -> str:
        return self._jwks_uri


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)
