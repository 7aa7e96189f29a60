"""Issuer identifier -> the address of its keys, by its metadata (RFC 8414, OpenID Discovery)."""

from urllib.parse import urlsplit

from asgi_bearer.errors import shown
from asgi_bearer.jose import json_object
from asgi_bearer.keys.address import address_fault, on_loopback
from asgi_bearer.keys.fetch import Fetch, FetchFailed, NotServed


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
    """Finds the address of an issuer's keys.

    Arguments:
        issuer: a checked issuer identifier.
    """

    def __init__(self, issuer: str, fetch: Fetch) -> None:
        self._issuer = issuer
        self._fetch = fetch

    async def __call__(self) -> str:
        """Return the `jwks_uri` of the first metadata document that is the issuer's own.

        Raises:
            FetchFailed: no such document can be had. A host that does not answer is asked once,
                not once for each place.
        """
        faults: list[str] = []
        for address in metadata_addresses(self._issuer):
            try:
                return self._jwks_uri(await self._fetch(address))
            except NotServed as err:
                faults.append(str(err))
            except ValueError as err:
                faults.append(f"{address}: {err}")
        raise FetchFailed("; ".join(faults))

    def _jwks_uri(self, body: bytes) -> str:
        metadata = json_object(body)
        if metadata.get("issuer") != self._issuer:
            # RFC 8414 §3.3: whoever this document speaks for, it is not our issuer.
            raise ValueError(
                f"issuer is {shown(metadata.get('issuer'))}, expected {shown(self._issuer)}"
            )
        jwks_uri = metadata.get("jwks_uri")
        fault = address_fault(jwks_uri)
        if fault is None and on_loopback(str(jwks_uri)) and not on_loopback(self._issuer):
            fault = "must not point to this machine, the issuer is elsewhere"
        if fault is not None:
            raise ValueError(f"jwks_uri {fault}")
        return str(jwks_uri)
