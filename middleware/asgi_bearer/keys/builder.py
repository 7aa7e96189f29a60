"""`remote_keys`: checks the arguments and composes a remote key source.

RemoteKeys      when to fetch, how long keys are used    remote, schedule, single_flight, events
  KeyFetcher    one attempt: locate, fetch, parse        fetcher, freshness, documents, jwk
    Discovery   finds the jwks_uri, unless configured    discovery
      HttpxFetch  one bounded GET                        http, tls, proxies, ssrf
"""

import random as random_module
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from asgi_bearer.jose.encoding import is_number
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
    random: Callable[[], float] = random_module.random,
) -> RemoteKeys:
    """Return a key source that fetches and caches the keys of an issuer.

    Arguments:
        issuer: issuer identifier; the URL of the keys is discovered from its metadata.
        jwks_uri: URL of the keys; nothing is discovered.
        ttl: seconds for which keys are fresh, unless the issuer says it (`Cache-Control`). At 75 to
            80 % of this time they are fetched again in the background.
            A key that the issuer withdrew is accepted until the next fetch has ended. After an
            idle time the first request starts that fetch, but is still verified with the old
            keys if they are usable.
        min_ttl, max_ttl: bounds in seconds for the lifetime that the issuer says.
        serve_stale: seconds for which stale keys are used while the issuer is down.
        cool_down: seconds between two fetches that tokens with unknown keys can cause.
        timeout: seconds for one attempt to fetch the keys. Importing the HTTP client and loading
            certificates, once per process, does not count.
        max_bytes: the largest document.
        allow_private: the metadata may name a host in a private network for the keys.
        allow_http: hosts, such as `keycloak:8080`, whose URLs may be http without being loopback.
            An attacker who can answer for them can forge tokens.
        ssl_context: for issuers with a certificate of a private authority, or that require a
            client certificate: `context = ssl.create_default_context(cafile="ca.pem")` and
            `context.load_cert_chain("client.pem", "client.key")`. It must verify certificates
            and host names. Without it, the authorities in the file `SSL_CERT_FILE` and the folder
            `SSL_CERT_DIR` of the environment are trusted, or those of the package certifi.
        headers: sent with each request for metadata and keys, such as an API key for a gateway in
            front of the issuer. They are sent only to scheme, host and port of `jwks_uri`, or else
            of `issuer`, even if the metadata names another host for the keys.
        observer: receives the events; by default they are logged.
        fetch: uses another HTTP client than httpx. `timeout` still applies; `max_bytes`, redirects,
            proxies, TLS, headers and private networks are up to that client.
        clock: seconds from any fixed point, never going back.
        random: returns a number from 0 to 1, for the jitter of refreshes and retries.

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """
    faults = [
        *_url_faults(issuer, jwks_uri, allow_http),
        *_limit_faults(
            ("ttl", ttl, 60, 86_400, " seconds"),
            ("min_ttl", min_ttl, 60, 86_400, " seconds"),
            ("max_ttl", max_ttl, 60, 86_400, " seconds"),
            ("serve_stale", serve_stale, 0, 86_400, " seconds"),
            ("cool_down", cool_down, 1, 60, " seconds"),
            ("timeout", timeout, 0.001, 30, " seconds"),
            ("max_bytes", max_bytes, 1024, 16_777_216, ""),
        ),
        *_client_faults(allow_private, ssl_context, headers, fetch),
    ]
    if not faults:
        if not min_ttl <= ttl <= max_ttl:
            faults.append(f"ttl must be from min_ttl to max_ttl, not {ttl!r}")
        if timeout > min_ttl / 5:
            # A refresh starts when at least a fifth of the lifetime is left.
            faults.append(f"timeout must be at most a fifth of min_ttl, not {timeout!r}")
        if allow_private and (jwks_uri is not None or fetch is not None):
            faults.append("allow_private is only for URLs from metadata, fetched with httpx")
    if faults:
        raise ValueError("; ".join(faults))

    # A copy, so that later changes of the collection have no effect.
    allow_http = (allow_http,) if isinstance(allow_http, str) else tuple(allow_http)
    configured_url = jwks_uri if jwks_uri is not None else str(issuer)
    trusted = {host for host, _ in http_hosts(allow_http)}
    trusted.add(urlsplit(configured_url).hostname or "")
    httpx_fetch = HttpxFetch(
        timeout=timeout,
        max_bytes=max_bytes,
        screen=Screen(trusted, allow_private=allow_private),
        ssl_context=ssl_context,
        headers=headers,
        configured_url=configured_url,
    )
    freshness = Freshness(default=ttl, shortest=min_ttl, longest=max_ttl)
    locate: Locate
    if jwks_uri is not None:
        locate = _ConfiguredURL(jwks_uri)
    else:
        locate = Discovery(
            configured_url,
            fetch or httpx_fetch,
            # At most `ttl`: if the issuer moves its keys, the old URL may still serve old keys.
            freshness=replace(freshness, longest=ttl),
            patience=0.6 * timeout,
            allow_http=allow_http,
            clock=clock,
        )
    return RemoteKeys(
        KeyFetcher(
            locate,
            fetch or httpx_fetch,
            freshness=freshness,
            deadline=timeout,
            prepare=httpx_fetch.prepare if fetch is None else None,
            clock=clock,
        ),
        serve_stale=serve_stale,
        cool_down=CoolDown(cool_down),
        back_off=BackOff(shortest=1.0, longest=60.0, random=random),
        observer=observer,
        clock=clock,
        random=random,
    )


class _ConfiguredURL:
    """`Locate` for a configured `jwks_uri`."""

    warning: str | None = None

    def __init__(self, jwks_uri: str) -> None:
        self._jwks_uri = jwks_uri

    async def __call__(self, *, rediscover: bool) -> str:
        return self._jwks_uri


def _url_faults(issuer: object, jwks_uri: object, allow_http: Collection[str]) -> Iterator[str]:
    if issuer is None and jwks_uri is None:
        yield "issuer or jwks_uri is needed"
    if issuer is not None and (fault := issuer_fault(issuer, allow_http=allow_http)):
        yield f"issuer {fault}, not {shown_address(issuer)!r}"
    if jwks_uri is not None and (fault := address_fault(jwks_uri, allow_http=allow_http)):
        yield f"jwks_uri {fault}, not {shown_address(jwks_uri)!r}"
    yield from allow_http_faults(allow_http)


def _limit_faults(*limits: tuple[str, object, float, float, str]) -> Iterator[str]:
    for name, value, lowest, highest, unit in limits:
        if not (is_number(value) and lowest <= value <= highest):
            yield f"{name} must be {lowest} to {highest}{unit}, not {value!r}"


def _client_faults(
    allow_private: object, ssl_context: object, headers: object, fetch: object
) -> Iterator[str]:
    if not isinstance(allow_private, bool):
        yield f"allow_private must be True or False, not {allow_private!r}"
    if ssl_context is not None and (fault := context_fault(ssl_context)):
        yield f"ssl_context {fault}"
    if headers is not None:
        yield from header_faults(headers)
    for name, value in (("ssl_context", ssl_context), ("headers", headers)):
        if fetch is not None and value is not None:
            yield f"{name} is for httpx and cannot be combined with fetch"
