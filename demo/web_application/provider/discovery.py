"""The provider's discovery document: fetched, validated, and cached for ten minutes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from asgi_bearer.errors import shown
from asgi_bearer.jose import is_array
from asgi_bearer.keys import address_fault, on_loopback
from demo.web_application.provider.http import NoAnswer, send
from demo.web_application.settings import origin_of

LIFETIME = 600.0
"""Seconds that a document is cached."""


class ProviderUnavailable(Exception):
    """The provider did not answer, or its answer cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The validated metadata of the provider (OpenID Connect Discovery §3, RFC 8414 §2).

    Arguments:
        names_issuer: whether its authorization responses contain `iss` (RFC 9207 §3).
        authentication: the methods of client authentication at the token endpoint; also used
            at the revocation endpoint.
    """

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
        """The origin that the sign-out form may redirect to."""
        return origin_of(self.end_session_endpoint) if self.end_session_endpoint else None


class Provider:
    """The provider, known by its issuer identifier.

    Arguments:
        clock: seconds since any fixed time.
    """

    def __init__(
        self, issuer: str, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._cached: tuple[Metadata, float] | None = None

    async def metadata(self) -> Metadata:
        """Return the metadata, from the cache while that is fresh.

        Raises:
            ProviderUnavailable: the document could not be fetched or is not valid.
        """
        if self._cached is not None and self._clock() < self._cached[1]:
            return self._cached[0]
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        request = self._http.build_request("GET", address, headers={"Accept": "application/json"})
        try:
            answer = await send(self._http, request)
        except NoAnswer as error:
            raise ProviderUnavailable(f"it does not answer ({error})") from None
        if answer.status != 200:
            raise ProviderUnavailable(
                f"its discovery document has status {answer.status}, expected 200"
            )
        metadata = validated(answer.json(), self._issuer)
        self._cached = metadata, self._clock() + LIFETIME
        return metadata


def validated(document: Mapping[str, object], issuer: str) -> Metadata:
    """Return the metadata of a discovery document.

    Raises:
        ProviderUnavailable: names every member that cannot be used.
    """
    faults: list[str] = []
    if document.get("issuer") != issuer:
        # The document of another issuer must not be used (RFC 8414 §3.3).
        faults.append(f"issuer is {shown(document.get('issuer'))}, expected {shown(issuer)}")

    def endpoint(name: str) -> str:
        value = document.get(name)
        fault = address_fault(value)
        if fault is None and on_loopback(str(value)) and not on_loopback(issuer):
            fault = "must not point to this machine, because the issuer is elsewhere"
        if fault is not None:
            faults.append(f"{name} {fault}")
        return str(value)

    def optional(name: str) -> str | None:
        return None if document.get(name) is None else endpoint(name)

    metadata = Metadata(
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        userinfo_endpoint=optional("userinfo_endpoint"),
        end_session_endpoint=optional("end_session_endpoint"),
        revocation_endpoint=optional("revocation_endpoint"),
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        authentication=_authentication(document.get("token_endpoint_auth_methods_supported")),
    )
    if not metadata.authentication & {"client_secret_basic", "client_secret_post"}:
        faults.append(
            "token_endpoint_auth_methods_supported must contain client_secret_basic or "
            "client_secret_post"
        )
    if faults:
        raise ProviderUnavailable("its discovery document cannot be used: " + "; ".join(faults))
    return metadata


def _authentication(methods: object) -> frozenset[str]:
    if methods is None:
        # The default of OpenID Connect Discovery §3.
        return frozenset({"client_secret_basic"})
    return frozenset(map(str, methods)) if is_array(methods) else frozenset()
