"""The provider's discovery document: fetched, checked, and kept for a while."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from asgi_bearer.errors import shown
from asgi_bearer.jose import is_array
from asgi_bearer.keys import address_fault, on_loopback
from demo.web_application.provider.http import NoAnswer, exchanged
from demo.web_application.settings import origin_of

LIFETIME = 600.0
"""Seconds that a document is kept."""


class ProviderUnavailable(Exception):
    """The provider gives no answer that says anything; the message says what it does instead."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider says about itself, checked (OpenID Connect Discovery §3, RFC 8414 §2).

    Arguments:
        names_issuer: whether its authorization responses hold `iss` (RFC 9207 §3).
        authentication: how a client may authenticate itself at the token endpoint, and with that
            at the one that revokes.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    revocation_endpoint: str | None
    names_issuer: bool
    authentication: frozenset[str]

    @property
    def sign_out_origin(self) -> str | None:
        """Where the form that signs out may lead to."""
        return origin_of(self.end_session_endpoint) if self.end_session_endpoint else None


class Provider:
    """The provider, as its discovery document describes it.

    Arguments:
        clock: seconds from any fixed point.
    """

    def __init__(
        self, issuer: str, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._kept: tuple[Metadata, float] | None = None

    async def metadata(self) -> Metadata:
        """Return what the provider says about itself.

        Raises:
            ProviderUnavailable: there is no such document, or it is not this issuer's.
        """
        if self._kept is not None and self._clock() < self._kept[1]:
            return self._kept[0]
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        request = self._http.build_request("GET", address, headers={"Accept": "application/json"})
        try:
            answer = await exchanged(self._http, request)
        except NoAnswer as error:
            raise ProviderUnavailable(f"it does not answer ({error})") from None
        if answer.status != 200:
            raise ProviderUnavailable(f"its discovery document has status {answer.status}")
        metadata = checked(answer.json(), self._issuer)
        self._kept = metadata, self._clock() + LIFETIME
        return metadata


def checked(document: Mapping[str, object], issuer: str) -> Metadata:
    """Return the parts of a discovery document that are used here.

    Raises:
        ProviderUnavailable: names everything in it that cannot be used.
    """
    faults: list[str] = []
    if document.get("issuer") != issuer:
        # Whoever this document speaks for, it is not our issuer (RFC 8414 §3.3).
        faults.append(f"issuer is {shown(document.get('issuer'))}, expected {shown(issuer)}")

    def endpoint(name: str, *, required: bool) -> str | None:
        value = document.get(name)
        if value is None and not required:
            return None
        fault = address_fault(value)
        if fault is None and on_loopback(str(value)) and not on_loopback(issuer):
            fault = "must not point to this machine, the issuer is elsewhere"
        if fault is not None:
            faults.append(f"{name} {fault}")
        return str(value)

    metadata = Metadata(
        issuer=issuer,
        authorization_endpoint=endpoint("authorization_endpoint", required=True) or "",
        token_endpoint=endpoint("token_endpoint", required=True) or "",
        jwks_uri=endpoint("jwks_uri", required=True) or "",
        userinfo_endpoint=endpoint("userinfo_endpoint", required=False),
        end_session_endpoint=endpoint("end_session_endpoint", required=False),
        revocation_endpoint=endpoint("revocation_endpoint", required=False),
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        authentication=_authentication(document.get("token_endpoint_auth_methods_supported")),
    )
    if not metadata.authentication & {"client_secret_basic", "client_secret_post"}:
        faults.append("token_endpoint_auth_methods_supported has no way to send a client secret")
    if faults:
        raise ProviderUnavailable("its discovery document cannot be used: " + "; ".join(faults))
    return metadata


def _authentication(methods: object) -> frozenset[str]:
    if methods is None:
        # What the specification says of a document that does not say (Discovery §3).
        return frozenset({"client_secret_basic"})
    return frozenset(map(str, methods)) if is_array(methods) else frozenset()
