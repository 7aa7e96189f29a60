"""The settings of the web application: its address, its provider, and the API that it calls."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from asgi_bearer.keys import address_fault, issuer_fault


@dataclass(frozen=True, slots=True)
class WebApplicationSettings:
    """The settings; their `repr` omits the client secret.

    Arguments:
        address: of this application, with a final slash. The redirect URI is `callback` under it.
        issuer: the provider's issuer identifier, compared byte for byte.
        api: address of the API, with a final slash.
        audience: identifier of the API.
        scopes: the scopes that the start page offers; must contain `openid`.
        other_audience: another API of the provider, whose tokens the first API must refuse; empty
            if there is none.
        other_scope: a scope of the other API.
        audience_parameter: the parameter for the API's identifier: `audience`, or `resource`
            (RFC 8707), which is also sent to the token endpoint.

    Raises:
        ValueError: names every argument that is not valid.
    """

    address: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    api: str
    audience: str
    scopes: tuple[str, ...]
    other_audience: str = ""
    other_scope: str = ""
    audience_parameter: str = "audience"

    def __post_init__(self) -> None:
        faults = [
            f"{name} {fault}"
            for name, fault in (
                ("address", address_fault(self.address) or _slash_fault(self.address)),
                ("issuer", issuer_fault(self.issuer)),
                ("api", address_fault(self.api) or _slash_fault(self.api)),
            )
            if fault
        ]
        faults += [
            f"{name} must not be empty"
            for name in ("client_id", "client_secret", "audience")
            if not getattr(self, name)
        ]
        if "openid" not in self.scopes:
            faults.append("scopes must contain openid")
        if self.audience_parameter not in {"audience", "resource"}:
            faults.append("audience_parameter must be audience or resource")
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends its responses."""
        return f"{self.address}callback"

    @property
    def origin(self) -> str:
        """The value of this application in an Origin header."""
        return origin_of(self.address)

    @property
    def host(self) -> str:
        """The host name, without a port."""
        return urlsplit(self.address).hostname or ""

    @property
    def is_https(self) -> bool:
        """Whether the cookie is sent over TLS only."""
        return self.address.startswith("https:")


def origin_of(url: str) -> str:
    """Return the origin of a URL, as in an Origin header."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _slash_fault(address: str) -> str | None:
    if not address.endswith("/") or "?" in address:
        return "must end in a slash"
    return None
