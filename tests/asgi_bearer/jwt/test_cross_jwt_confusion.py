"""Other JWTs of the issuer are refused as access tokens; unusual access tokens of real providers
are accepted.

RFC 8725 §3.11, §3.12. The issuer signed all these claims for this audience. That happens where the
client and the API share one identifier.
"""

from dataclasses import dataclass

import pytest

from asgi_bearer import (
    AccessTokenError,
    ClaimMissing,
    IDTokenPresented,
    OtherJWTPresented,
    Presented,
    TokenBoundToKey,
)
from asgi_bearer.testing.signing import Json
from tests.refusals.rows import new_issuer

CIBA = "urn:openid:params:jwt:claim:"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type"
STATEMENTS: Json = {"redirect_uris": ["https://w.example"], "jwks": {"keys": []}}
LOGOUT: Json = {"http://schemas.openid.net/event/backchannel-logout": {}}
TYPES: list[object] = [
    *("ID", "id", "Refresh", "Offline", "Logout", "Serialized-ID", "logout+jwt", "dpop+jwt"),
    *("", "Registration-Access-Token", "unknown", ["Bearer"], 7, True, {}),
]
TOKEN_USES: list[object] = ["id", "refresh", "ACCESS", "", ["access"], 1]
OTHER_KINDS: list[object] = ["refresh", "Refresh_Token", "id_token", "IDT", "logout", 1]
ONLY_AN_ID: Json = {"scope": None, "client_id": None, "jti": None}


@dataclass(frozen=True)
class Kind:
    """A JWT that must be refused, and a similar access token that must be accepted.

    Arguments:
        name: what the JWT is.
        expected: the refusal.
        claims: its difference from the default access token; None leaves a claim out.
        neighbour: the difference of the similar access token.
    """

    name: str
    expected: type[AccessTokenError]
    claims: Json
    accepted: Json


KINDS = [
    Kind(
        "an ID token of the code flow",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "azp": "web", "auth_time": 1, "acr": "1"},
        {"nonce": "n", "azp": "web", "auth_time": 1, "acr": "1"},
    ),
    Kind(
        "an ID token without nonce, by its at_hash",
        IDTokenPresented,
        {**ONLY_AN_ID, "at_hash": "x"},
        {**ONLY_AN_ID, "azp": "web"},
    ),
    Kind("an ID token of the hybrid flow", IDTokenPresented, {"c_hash": "x"}, {"hash": "x"}),
    Kind("an ID token of FAPI", IDTokenPresented, {"s_hash": "x"}, {"state_hash": "x"}),
    Kind(
        "an ID token with groups",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "groups": ["a"]},
        {**ONLY_AN_ID, "nonce": "n", "roles": ["a"]},
    ),
    Kind(
        "an ID token with an empty scope",
        IDTokenPresented,
        {"nonce": "n", "scope": ""},
        {"nonce": "n", "scope": "openid"},
    ),
    Kind(
        "an ID token with empty roles",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "realm_access": {"roles": []}, "roles": []},
        {**ONLY_AN_ID, "nonce": "n", "realm_access": {"roles": ["a"]}},
    ),
    Kind(
        "an ID token with roles in a string",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "realm_access": "roles"},
        {**ONLY_AN_ID, "nonce": "n", "permissions": ["a"]},
    ),
    Kind(
        "a logout token",
        OtherJWTPresented,
        {**ONLY_AN_ID, "events": LOGOUT, "sid": "s", "jti": "j"},
        {**ONLY_AN_ID, "sid": "s", "jti": "j"},
    ),
    Kind(
        "a security event",
        OtherJWTPresented,
        {"events": {"https://schemas.openid.net/secevent/risc/event-type/account-disabled": {}}},
        {"event": "sign-in"},
    ),
    Kind("a security event with no events in it", OtherJWTPresented, {"events": {}}, {"txn": "t"}),
    *(
        Kind(f"a JARM response with {name}", OtherJWTPresented, {name: "x"}, {f"{name}_id": "x"})
        for name in ("code", "response", "error", "access_token", "id_token", "refresh_token")
    ),
    Kind(
        "an introspection response",
        OtherJWTPresented,
        {"token_introspection": {"active": True}},
        {"token_exchange": {"active": True}},
    ),
    Kind(
        "a software statement", OtherJWTPresented, {"software_statement": "x"}, {"software_id": "x"}
    ),
    *(
        Kind(f"payload typ {typ}", OtherJWTPresented, {"typ": typ}, {"typ": "Bearer"})
        for typ in TYPES
    ),
    *(
        Kind(f"token_use {use}", OtherJWTPresented, {"token_use": use}, {"token_use": "access"})
        for use in TOKEN_USES
    ),
    *(
        Kind(f"{name} {kind}", OtherJWTPresented, {name: kind}, {name: good})
        for name, good in (("token_type", "access"), ("token_type", "Bearer"), ("tty", "at"))
        for kind in OTHER_KINDS
    ),
    Kind(
        "a signed userinfo response",
        OtherJWTPresented,
        {**ONLY_AN_ID, "iat": None, "email": "alice@example.com", "name": "Alice"},
        {**ONLY_AN_ID, "email": "alice@example.com"},
    ),
    Kind(
        "a signed userinfo response without exp",
        ClaimMissing,
        {**ONLY_AN_ID, "iat": None, "exp": None},
        {**ONLY_AN_ID, "iat": None},
    ),
    Kind(
        "a signed userinfo response with only a user name",
        OtherJWTPresented,
        {**ONLY_AN_ID, "iat": None, "preferred_username": "alice"},
        {**ONLY_AN_ID, "iat": None, "preferred_username": "alice", "roles": ["a"]},
    ),
    Kind(
        "a signed userinfo response with typ JWT",
        OtherJWTPresented,
        {**ONLY_AN_ID, "iat": None, "typ": "JWT", "email": "alice@example.com"},
        {**ONLY_AN_ID, "typ": "JWT", "email": "alice@example.com"},
    ),
    Kind(
        "an ID token with a blank scope",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "scope": "  "},
        {**ONLY_AN_ID, "nonce": "n", "scope": "  openid "},
    ),
    Kind(
        "an ID token with roles that are not names",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "roles": ["", None], "permissions": True},
        {**ONLY_AN_ID, "nonce": "n", "roles": ["", 7]},
    ),
    Kind(
        "an ID token with clients without roles",
        IDTokenPresented,
        {**ONLY_AN_ID, "nonce": "n", "resource_access": {"account": {"roles": []}, "web": {}}},
        {**ONLY_AN_ID, "nonce": "n", "resource_access": {"account": {"roles": ["view"]}}},
    ),
    *(
        Kind(f"an ID token of CIBA with {name}", IDTokenPresented, {CIBA + name: "x"}, {name: "x"})
        for name in ("rt_hash", "auth_req_id")
    ),
    Kind("a security event with its time (toe)", OtherJWTPresented, {"toe": 1}, {"txn": "t"}),
    *(
        Kind(
            f"an authorization request or code with {name}",
            OtherJWTPresented,
            {name: "x"},
            {"max_age": 1},
        )
        for name in ("response_type", "redirect_uri", "code_challenge")
    ),
    *(
        Kind(
            f"client metadata with {name}", OtherJWTPresented, {name: value}, {"client_name": "Web"}
        )
        for name, value in STATEMENTS.items()
    ),
    Kind("a self-issued ID token", IDTokenPresented, {"sub_jwk": {}}, {"sub_id": {}}),
    Kind("a logout request", OtherJWTPresented, {"logout_token": "x"}, {"logout_url": "x"}),
    Kind(
        "a refresh token of UAA",
        OtherJWTPresented,
        {"scope": None, "granted_scopes": ["read:contacts"], "jti": "0af1-r"},
        {"scope": ["read:contacts"], "jti": "0af1"},
    ),
    *(
        Kind(f"{name} {kind}", OtherJWTPresented, {name: kind}, {name: good})
        for name, kind, good in (
            ("type", "refresh", "access"),  # Flask-JWT-Extended
            ("type", "id_token", "org"),
            ("type", "Logout", 7),
            ("purpose", "id", "access_token"),  # Curity
            ("purpose", "refresh-token", ["sign-in"]),
            ("tokenName", "id_token", "access_token"),  # ForgeRock
            ("tokenName", "refresh_token", "access"),
            ("tokenType", "refresh-token", "access-token"),  # Casdoor
            ("tokenType", "id-token", "Bearer"),
            ("tokenType", 7, "at"),
            ("token_type", f"{TOKEN_TYPE}:refresh_token", f"{TOKEN_TYPE}:access_token"),
            ("token_type", f"{TOKEN_TYPE}:id_token", f"{TOKEN_TYPE}:jwt"),
            ("typ", f"{TOKEN_TYPE}:id_token", f"{TOKEN_TYPE}:access_token"),
            ("typ", "id-token", "access-token"),
            ("drn", "DSR", "DS"),  # Descope
        )
    ),
    Kind("a token bound to a key", TokenBoundToKey, {"cnf": {}, "events": {}}, {"cfn": {}}),
]

PROVIDERS: dict[str, Json] = {
    "Keycloak": {
        **{"typ": "Bearer", "azp": "web", "session_state": "s", "sid": "s", "acr": "1"},
        **{"allowed-origins": ["*"], "realm_access": {"roles": ["offline_access"]}},
        **{"scope": "openid email", "email_verified": True, "name": "Alice", "nonce": "n"},
        **{"preferred_username": "alice", "auth_time": 1, "client_id": None},
    },
    "Keycloak, a service account": {
        **{"typ": "Bearer", "azp": "job", "clientHost": "10.0.0.1", "sub": "0f3e"},
        **{"preferred_username": "service-account-job", "client_id": "job"},
    },
    "Azure AD B2C": {
        **{"scp": "read:contacts", "scope": None, "nonce": "n", "azp": "web", "ver": "1.0"},
        **{"tfp": "B2C_1_sign_in", "idp": "local", "client_id": None, "jti": None},
    },
    "authentik": {
        **{"nonce": "n", "azp": "web", "uid": "u", "acr": "goauthentik.io/x", "amr": ["pwd"]},
        **{"auth_time": 1, "email": "alice@example.com", "scope": "openid", "client_id": None},
    },
    "Entra for an application": {
        **{"roles": ["Contacts.Read.All"], "idtyp": "app", "appid": "a", "appidacr": "1"},
        **{"scope": None, "client_id": None, "jti": None, "oid": "o", "tid": "t", "uti": "u"},
    },
    "Auth0 without scopes": {"scope": None, "client_id": None, "jti": None, "azp": "web"},
    "Auth0 for a machine": {
        **{"gty": "client-credentials", "azp": "job", "sub": "job@clients", "client_id": None},
    },
    "Okta": {
        **{"cid": "web", "uid": "u", "scp": ["read:contacts"], "ver": 1, "scope": None},
        **{"auth_time": 1, "client_id": None},
    },
    "Cognito": {
        **{"token_use": "access", "version": 2, "origin_jti": "o", "event_id": "e"},
        **{"auth_time": 1, "username": "alice", "cognito:groups": ["a"]},
    },
    "IdentityServer": {"scope": ["read:contacts", "openid"], "amr": ["pwd"], "idp": "local"},
    "Cloudflare Access": {
        **{"type": "app", "identity_nonce": "i", "email": "alice@example.com", "country": "PT"},
        **ONLY_AN_ID,
    },
    "Supabase": {
        **{"role": "authenticated", "aal": "aal1", "amr": [{"method": "password"}]},
        **{"session_id": "s", "email": "alice@example.com", "is_anonymous": False, **ONLY_AN_ID},
    },
    "Clerk": {"sid": "s", "azp": "https://app.example", "sts": "active", **ONLY_AN_ID},
    "FusionAuth": {"tty": "at", "applicationId": "a", "roles": [], "scope": None},
    "Simple JWT": {"token_type": "access", "user_id": 7, "scope": None, "client_id": None},
    "Keycloak, a client without scopes": {"typ": "Bearer", "azp": "web", "sid": "s", "scope": ""},
    "Entra for a user": {
        **{"scp": "Contacts.Read", "azp": "web", "azpacr": "0", "oid": "o", "ver": "2.0"},
        **{"name": "Alice", "preferred_username": "alice@example.com", "rh": "r", **ONLY_AN_ID},
    },
    "Entra, version 1": {
        **{"appid": "a", "appidacr": "0", "scp": "Contacts.Read", "unique_name": "alice"},
        **{"amr": ["pwd"], "ver": "1.0", "family_name": "A", **ONLY_AN_ID},
    },
    "ForgeRock": {
        **{"cts": "OAUTH2_STATELESS_GRANT", "tokenName": "access_token", "nonce": "n"},
        **{"token_type": "Bearer", "grant_type": "authorization_code", "realm": "/a"},
        **{"scope": ["read:contacts"], "auth_time": 1, "expires_in": 3599, "client_id": None},
    },
    "Cloud Foundry UAA, SAP": {
        **{"scope": ["openid", "read:contacts"], "cid": "web", "azp": "web", "zid": "z"},
        **{"grant_type": "authorization_code", "user_name": "alice", "rev_sig": "r"},
        **{"origin": "uaa", "email": "alice@example.com", "auth_time": 1, "authorities": []},
    },
    "Casdoor": {"tokenType": "access-token", "nonce": "", "scope": "profile", "name": "Alice"},
    "Descope": {"drn": "DS", "amr": ["oauth"], "permissions": ["read"], **ONLY_AN_ID},
    "Curity": {"purpose": "access_token", "delegationId": "d"},
    "Flask-JWT-Extended": {"type": "access", "fresh": False, "csrf": "c", "scope": None},
    "Frontegg": {
        **{"type": "userToken", "roles": ["Admin"], "permissions": ["a.b"], "tenantId": "t"},
        **{"email": "alice@example.com", "email_verified": True, "sid": "s", "scope": None},
    },
    "PingOne": {"acr": "x", "amr": ["pwd"], "env": "e", "org": "o", "sid": "s", "p1.rid": "r"},
    "Kinde": {"azp": "web", "scp": ["openid"], "org_code": "o", "permissions": [], **ONLY_AN_ID},
    "WorkOS": {"sid": "s", "org_id": "o", "role": "member", "permissions": [], **ONLY_AN_ID},
    "Firebase": {
        **{"auth_time": 1, "user_id": "alice", "email": "alice@example.com", "name": "Alice"},
        **{"firebase": {"sign_in_provider": "password", "identities": {}}, **ONLY_AN_ID},
    },
    "GitHub Actions": {
        **{"ref": "refs/heads/main", "repository": "o/r", "actor": "alice", "run_id": "1"},
        **{"event_name": "push", "ref_type": "branch", "jti": "j", "scope": None},
    },
    "GitLab CI": {"user_email": "a@example.com", "ref_type": "tag", "job_id": "1", **ONLY_AN_ID},
    "a Kubernetes service account": {
        **{"kubernetes.io": {"namespace": "n", "serviceaccount": {"name": "s"}}, "nbf": 1},
        **ONLY_AN_ID,
    },
    "a Google service account": {
        **{"email": "job@x.iam.gserviceaccount.com", "email_verified": True, "azp": "1"},
        **ONLY_AN_ID,
    },
    "Ory": {"ext": {}, "scp": ["read:contacts"], "scope": None},
    "Zitadel": {"urn:zitadel:iam:org:project:roles": {"a": {}}, "scope": None},
}


@pytest.mark.conforms("an ID token, or another JWT of the issuer, is refused")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_another_jwt_of_the_issuer_is_refused_as_an_access_token(kind: Kind) -> None:
    issuer = new_issuer()

    with pytest.raises(kind.expected) as refusal:
        await issuer.verifier().verify(Presented(issuer.token("jwt", **kind.claims)))

    assert type(refusal.value) is kind.expected
    assert refusal.value.sentence == OtherJWTPresented.sentence


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_similar_access_token_is_accepted(kind: Kind) -> None:
    issuer = new_issuer()

    principal = await issuer.verifier().verify(Presented(issuer.token("jwt", **kind.accepted)))

    assert principal.subject == "alice"


@pytest.mark.parametrize("claims", PROVIDERS.values(), ids=PROVIDERS.keys())
async def test_access_tokens_of_real_providers_are_accepted(claims: Json) -> None:
    issuer = new_issuer()

    principal = await issuer.verifier().verify(Presented(issuer.token("jwt", **claims)))

    assert principal.subject == claims.get("sub", "alice")


async def test_a_token_with_a_nonce_is_accepted_if_a_configured_claim_grants_a_scope() -> None:
    issuer = new_issuer()
    claims: Json = {**ONLY_AN_ID, "nonce": "n", "https://x.example/rights": ["read:contacts"]}
    token = Presented(issuer.token("jwt", **claims))

    for scope_claims in ("https://x.example/rights", [("https://x.example/rights",)]):
        principal = await issuer.verifier(scope_claims=scope_claims).verify(token)
        assert principal.scopes == {"read:contacts"}
    with pytest.raises(IDTokenPresented):
        await issuer.verifier().verify(token)


async def test_a_token_with_personal_claims_is_accepted_if_a_configured_claim_grants_a_scope() -> (
    None
):
    issuer = new_issuer()
    claims: Json = {**ONLY_AN_ID, "iat": None, "email": "alice@example.com", "rights": "read"}
    token = Presented(issuer.token("jwt", **claims))

    assert (await issuer.verifier(scope_claims="rights").verify(token)).scopes == {"read"}
    with pytest.raises(OtherJWTPresented):
        await issuer.verifier().verify(token)
