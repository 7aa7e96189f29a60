"""The claims of access tokens as each provider writes them, for a person and for a machine.

Issuer, audience and times are those of the `FakeIssuer`; the other values are invented.
"""

from typing import Final, NamedTuple

from asgi_bearer.testing.signing import Json

CLIENT: Final = "web"
"""The client of all tokens."""

SUBJECT: Final = "alice"


class Facts(NamedTuple):
    """What the claims of a token are made of."""

    issuer: str
    audience: str
    now: int

    @property
    def times(self) -> Json:
        """When the token was issued and when it expires."""
        return {"iat": self.now, "exp": self.now + 600}


def rfc9068(facts: Facts) -> Json:
    return {
        "iss": facts.issuer,
        "sub": SUBJECT,
        "aud": facts.audience,
        "client_id": CLIENT,
        **facts.times,
        "jti": "0af1",
    }


def rfc9068_machine(facts: Facts) -> Json:
    return {**rfc9068(facts), "sub": CLIENT}


def auth0(facts: Facts) -> Json:
    return {
        "iss": facts.issuer,
        "sub": f"auth0|{SUBJECT}",
        "aud": [facts.audience, f"{facts.issuer.rstrip('/')}/userinfo"],
        **facts.times,
        "azp": CLIENT,
    }


def auth0_machine(facts: Facts) -> Json:
    return {
        "iss": facts.issuer,
        "sub": f"{CLIENT}@clients",
        "aud": facts.audience,
        **facts.times,
        "azp": CLIENT,
        "gty": "client-credentials",
    }


def _entra(facts: Facts) -> Json:
    return {
        "aud": facts.audience,
        "iss": facts.issuer,
        **facts.times,
        "nbf": facts.now,
        "oid": "6f3e1d0a-0000-4000-8000-00000000a11c",
        "rh": "0.AAAA",
        "sub": SUBJECT,
        "tid": "8c0b1f52-0000-4000-8000-0000000000aa",
        "uti": "0af1",
    }


def entra_v1(facts: Facts) -> Json:
    return {
        **_entra(facts),
        "acr": "1",
        "aio": "AAAA",
        "amr": ["pwd"],
        "appid": CLIENT,
        "appidacr": "0",
        "name": "Alice",
        "unique_name": "alice@example.com",
        "upn": "alice@example.com",
        "ver": "1.0",
    }


def entra_v1_machine(facts: Facts) -> Json:
    of_client = {"sub": CLIENT, "oid": CLIENT, "idtyp": "app"}
    return {**_entra(facts), **of_client, "appid": CLIENT, "appidacr": "1", "ver": "1.0"}


def entra_v2(facts: Facts) -> Json:
    return {
        **_entra(facts),
        "aio": "AAAA",
        "azp": CLIENT,
        "azpacr": "0",
        "name": "Alice",
        "preferred_username": "alice@example.com",
        "ver": "2.0",
    }


def entra_v2_machine(facts: Facts) -> Json:
    of_client = {"sub": CLIENT, "oid": CLIENT, "idtyp": "app"}
    return {**_entra(facts), **of_client, "azp": CLIENT, "azpacr": "1", "ver": "2.0"}


def okta(facts: Facts) -> Json:
    return {
        "ver": 1,
        "jti": "AT.0af1",
        "iss": facts.issuer,
        "aud": facts.audience,
        **facts.times,
        "cid": CLIENT,
        "uid": "00u1",
        "auth_time": facts.now,
        "sub": "alice@example.com",
    }


def okta_machine(facts: Facts) -> Json:
    of_person = ("uid", "auth_time")
    claims = {name: value for name, value in okta(facts).items() if name not in of_person}
    return {**claims, "sub": CLIENT}


def keycloak(facts: Facts) -> Json:
    return {
        **facts.times,
        "auth_time": facts.now,
        "jti": "0af1",
        "iss": facts.issuer,
        "aud": [facts.audience, "account"],
        "sub": SUBJECT,
        "typ": "Bearer",
        "azp": CLIENT,
        "sid": "5e55",
        "acr": "1",
        "allowed-origins": ["https://app.example"],
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "resource_access": {"account": {"roles": ["view-profile"]}},
        "email_verified": True,
        "name": "Alice Example",
        "preferred_username": "alice",
        "given_name": "Alice",
        "family_name": "Example",
        "email": "alice@example.com",
    }


def keycloak_machine(facts: Facts) -> Json:
    return {
        **facts.times,
        "jti": "0af1",
        "iss": facts.issuer,
        "aud": [facts.audience, "account"],
        "sub": "5e7f1ce0-0000-4000-8000-000000000001",
        "typ": "Bearer",
        "azp": CLIENT,
        "acr": "1",
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "email_verified": False,
        "clientHost": "192.0.2.1",
        "preferred_username": f"service-account-{CLIENT}",
        "clientAddress": "192.0.2.1",
        "client_id": CLIENT,
    }


def cognito_machine(facts: Facts) -> Json:
    return {
        "sub": facts.audience,
        "token_use": "access",
        "auth_time": facts.now,
        "iss": facts.issuer,
        **facts.times,
        "version": 2,
        "jti": "0af1",
        "client_id": facts.audience,
    }


def cognito(facts: Facts) -> Json:
    return {
        **cognito_machine(facts),
        "sub": SUBJECT,
        "cognito:groups": ["readers"],
        "origin_jti": "0af0",
        "event_id": "e7e7",
        "username": "alice",
    }


def google_machine(facts: Facts) -> Json:
    # Google signs no access token: a service account sends an ID token, as to Cloud Run.
    return {
        "aud": facts.audience,
        "azp": "100000000000000000001",
        "email": "machine@project.iam.gserviceaccount.com",
        "email_verified": True,
        **facts.times,
        "iss": facts.issuer,
        "sub": "100000000000000000001",
    }


def zitadel(facts: Facts) -> Json:
    return {
        "aud": [facts.audience, CLIENT],
        "client_id": CLIENT,
        **facts.times,
        "iss": facts.issuer,
        "jti": "V2_0af1-at_0af2",
        "nbf": facts.now,
        "sub": SUBJECT,
    }


def zitadel_machine(facts: Facts) -> Json:
    return {**zitadel(facts), "aud": [facts.audience], "sub": CLIENT}


def hydra(facts: Facts) -> Json:
    return {
        "aud": [facts.audience],
        "client_id": CLIENT,
        "ext": {},
        **facts.times,
        "iss": facts.issuer,
        "jti": "0af1",
        "nbf": facts.now,
        "sub": SUBJECT,
    }


def hydra_machine(facts: Facts) -> Json:
    return {**hydra(facts), "sub": CLIENT}
