"""The checks on claims: what each profile accepts and refuses."""

import math
from typing import Any

import pytest

from asgi_bearer import (
    AccessTokenError,
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    InvalidTokenError,
    IssuerMismatch,
    SignatureInvalid,
    TokenExpired,
)
from asgi_bearer.credentials import Presented
from asgi_bearer.jwt.claims import LAST_NUMERIC_DATE, Expected, numeric_date, validity
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeClock, FakeIssuer, signing_key
from asgi_bearer.testing.signing import Json, compact
from tests.refusals.claims import LEEWAY, NOW, REFUSED_CLAIMS
from tests.refusals.rows import Refused, name_of, new_issuer, verifier

NO_SCOPES: set[str] = set()


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "an ID token, or another JWT of the issuer, is refused",
    "profile rfc9068 requires its seven claims",
    "a token is refused at exp and after it",
    "a token is refused before nbf",
    "a token whose iat lies in the future is refused",
    "dates are JSON numbers",
    "iss equals the configured issuer, byte for byte",
    "aud holds the identifier of this API",
    "aud is a string or an array of strings",
    "sub is a non-empty string; clients are distinguished from users",
    "scope names are compared with case",
    "a token bound to a key is refused as plain Bearer",
)
@pytest.mark.parametrize("row", REFUSED_CLAIMS, ids=name_of)
async def test_wrong_claims_are_refused(row: Refused) -> None:
    issuer = new_issuer()

    with pytest.raises(row.expected) as refusal:
        await verifier(issuer, row.profile).verify(Presented(row.token(issuer)))

    assert type(refusal.value) is row.expected


@pytest.mark.conforms(
    "a token is refused at exp and after it",
    "a token is refused before nbf",
    "a token whose iat lies in the future is refused",
    "dates are JSON numbers",
    "aud is a string or an array of strings",
    "sub is a non-empty string; clients are distinguished from users",
    "unknown claims grant nothing",
)
@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as they are"),
        # RFC 7519 §4.1.4.
        pytest.param({"exp": NOW - LEEWAY + 1}, id="exp within the leeway"),
        pytest.param({"exp": NOW - LEEWAY + 0.5}, id="exp half a second within the leeway"),
        pytest.param({"exp": LAST_NUMERIC_DATE}, id="exp in the year 9999"),
        # RFC 7519 §4.1.5.
        pytest.param({"nbf": NOW + LEEWAY - 1}, id="nbf within the leeway"),
        pytest.param({"nbf": NOW + LEEWAY}, id="nbf at the leeway"),
        pytest.param({"nbf": 0}, id="nbf at the epoch"),
        pytest.param({"nbf": -0.0}, id="nbf minus zero"),
        # RFC 7519 §4.1.6.
        pytest.param({"iat": NOW + LEEWAY}, id="iat at the leeway"),
        pytest.param({"iat": 1}, id="iat long ago"),
        # RFC 7519 §2.
        pytest.param({"exp": NOW + 60.5}, id="exp with a fraction"),
        pytest.param({"exp": 1.7e9 + 600}, id="exp a float"),
        # RFC 7519 §4.1.3.
        pytest.param({"aud": AUDIENCE}, id="aud a string"),
        pytest.param({"aud": [AUDIENCE]}, id="aud an array of one"),
        pytest.param({"aud": [AUDIENCE, "https://t.example/userinfo"]}, id="aud an array of two"),
        pytest.param({"aud": ["", AUDIENCE, AUDIENCE]}, id="aud with an empty name beside it"),
        # RFC 7519 §4.1.2.
        pytest.param({"sub": "auth0|0123 é 😀"}, id="sub outside ASCII"),
        # RFC 7519 §4.
        pytest.param({"admin": True, "roles": ["root"], "act": {"sub": "x"}}, id="unknown claims"),
        # Auth0.
        pytest.param({"azp": "web", "gty": "client-credentials"}, id="what Auth0 adds"),
    ],
)
async def test_valid_claims_are_accepted(changes: Json, profile: str) -> None:
    issuer = new_issuer()
    token = issuer.token(**changes)

    principal = await verifier(issuer, profile).verify(Presented(token))

    assert principal.subject == changes.get("sub", "alice")


@pytest.mark.conforms("profile rfc9068 requires its seven claims")
@pytest.mark.parametrize("name", ["sub", "client_id", "iat", "jti", "scope", "nbf"])
async def test_the_profile_jwt_accepts_a_token_without_an_optional_claim(name: str) -> None:
    """Only the profile rfc9068 requires all seven."""
    issuer = new_issuer()

    principal = await verifier(issuer).verify(Presented(issuer.token(**{name: None})))

    assert name not in principal.claims


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": NOW - 100}, "expired 100 s ago"),
        ({"exp": NOW + 500, "nbf": NOW + 200}, "nbf is 200 s in the future"),
    ],
)
def test_the_operator_sees_by_how_many_seconds_a_token_is_too_old_or_too_early(
    claims: Json, message: str
) -> None:
    """Measured from the token's own time, without the leeway."""
    expected = Expected(ISSUER, frozenset({AUDIENCE}), LEEWAY)

    with pytest.raises(InvalidTokenError, match=message):
        validity(claims, expected, NOW)


@pytest.mark.conforms("a token is refused at exp and after it")
async def test_without_leeway_a_token_expires_at_exp() -> None:
    issuer = new_issuer()
    exact = issuer.verifier(leeway=0.0)

    assert (await exact.verify(Presented(issuer.token(exp=NOW + 0.5)))).expires_at == NOW + 0.5
    with pytest.raises(TokenExpired):
        await exact.verify(Presented(issuer.token(exp=NOW)))


@pytest.mark.conforms(
    "scope names are compared with case",
    "permissions and roles are not scopes unless scope_claims names them",
)
@pytest.mark.parametrize(
    ("claims", "profile", "scopes"),
    [
        # RFC 6749 §3.3.
        pytest.param({"scope": "read:contacts x"}, "jwt", {"read:contacts", "x"}, id="two"),
        pytest.param({"scope": ""}, "jwt", NO_SCOPES, id="an empty string"),
        pytest.param({"scope": None}, "jwt", NO_SCOPES, id="no claim"),
        pytest.param({"scope": "  a   b  "}, "jwt", {"a", "b"}, id="runs of spaces"),
        pytest.param({"scope": "a a"}, "jwt", {"a"}, id="one twice"),
        pytest.param({"scope": "READ:contacts"}, "jwt", {"READ:contacts"}, id="case is kept"),
        pytest.param({"scope": "read:contacts2"}, "jwt", {"read:contacts2"}, id="a longer name"),
        pytest.param({"scope": None, "scp": ["a", "b"]}, "jwt", {"a", "b"}, id="scp an array"),
        pytest.param({"scope": None, "scp": "a b"}, "jwt", {"a", "b"}, id="scp a string"),
        pytest.param({"scope": None, "scp": []}, "jwt", NO_SCOPES, id="scp empty"),
        pytest.param({"scope": ["a", "b"]}, "jwt", {"a", "b"}, id="scope an array"),
        pytest.param({"scope": []}, "jwt", NO_SCOPES, id="scope an empty array"),
        pytest.param({"scope": "a", "scp": ["b"]}, "jwt", {"a"}, id="scope comes before scp"),
        pytest.param({"scope": "", "scp": ["b"]}, "jwt", NO_SCOPES, id="an empty scope as well"),
        pytest.param({"scope": None, "scp": "a"}, "rfc9068", NO_SCOPES, id="scp, strict profile"),
        pytest.param({"scope": "a b"}, "rfc9068", {"a", "b"}, id="scope, strict profile"),
        # RFC 9068 §2.2.3.1.
        *(
            pytest.param({"scope": None, name: ["read:contacts"]}, "jwt", NO_SCOPES, id=name)
            for name in ("permissions", "groups", "roles", "entitlements", "scopes")
        ),
    ],
)
async def test_the_scopes_of_the_principal_come_from_the_scope_claim(
    claims: Json, profile: str, scopes: set[str]
) -> None:
    issuer = new_issuer()

    principal = await verifier(issuer, profile).verify(Presented(issuer.token(**claims)))

    assert principal.scopes == scopes


@pytest.mark.parametrize(
    ("audience", "accepted"),
    [
        # RFC 9068 §4, RFC 8707 §2.
        (["https://a.example", "https://b.example"], "https://b.example"),
        ({"https://a.example", "https://b.example"}, "https://a.example"),
        ("api", "api"),
    ],
)
async def test_any_of_several_configured_audiences_is_enough(
    audience: object, accepted: str
) -> None:
    issuer = new_issuer()
    several = issuer.verifier(audience=audience)

    assert (await several.verify(Presented(issuer.token(aud=accepted)))).subject == "alice"
    with pytest.raises(AudienceMismatch):
        await several.verify(Presented(issuer.token(aud="https://c.example")))


@pytest.mark.conforms(
    "keys verify tokens of their own issuer only",
    "each issuer has its own audience",
)
@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({}, IssuerMismatch, id="its own issuer"),
        pytest.param({"iss": ISSUER}, SignatureInvalid, id="the other's issuer"),
        pytest.param({"iss": ISSUER, "aud": AUDIENCE}, SignatureInvalid, id="and audience"),
    ],
)
async def test_an_issuer_cannot_impersonate_another_that_uses_the_same_key_id(
    claims: Json, expected: type[AccessTokenError]
) -> None:
    a = new_issuer()
    b = FakeIssuer("https://b.example/", "b", signing_key("RS256", "k1", 1), a.clock)
    token = b.token(**claims)

    with pytest.raises(expected):
        await a.verifier().verify(Presented(token))


@pytest.mark.conforms(
    "the audience is checked on each request",
    "each issuer has its own audience",
)
async def test_a_token_for_another_api_is_refused_after_a_valid_one_was_accepted() -> None:
    issuer = new_issuer()
    a_verifier = verifier(issuer)

    assert (await a_verifier.verify(Presented(issuer.token()))).subject == "alice"
    with pytest.raises(AudienceMismatch):
        await a_verifier.verify(Presented(issuer.token(aud="https://api.example/orders")))


@pytest.mark.conforms("dates are JSON numbers")
@pytest.mark.parametrize("value", [0, 0.0, -0.0, 1, 1.5, LAST_NUMERIC_DATE])
def test_a_numeric_date_is_a_number_of_seconds(value: float) -> None:
    assert numeric_date("exp", value) == value


@pytest.mark.conforms("dates are JSON numbers")
@pytest.mark.parametrize(
    "value",
    [
        -1,
        LAST_NUMERIC_DATE + 1,
        math.inf,
        -math.inf,
        math.nan,
        pytest.param(10**5000, id="more digits than an integer may show"),
        True,
        "1",
        None,
    ],
)
def test_any_other_value_is_refused_as_a_numeric_date(value: object) -> None:
    with pytest.raises(ClaimMalformed):
        numeric_date("exp", value)


KEYCLOAK = ("realm_access", "roles")
URL = "https://example.com/roles"


@pytest.mark.parametrize(
    ("scope_claims", "claims", "scopes"),
    [
        pytest.param("permissions", {"permissions": ["a", "b"]}, {"a", "b"}, id="an array"),
        pytest.param("permissions", {"permissions": "a  b"}, {"a", "b"}, id="a string"),
        pytest.param(["permissions"], {"scope": "c"}, NO_SCOPES, id="scope is no longer read"),
        pytest.param(["scope", "roles"], {"roles": ["a"], "scope": "b"}, {"a", "b"}, id="both"),
        pytest.param(["scope", "roles"], {"scope": ["a"]}, {"a"}, id="one of them, an array"),
        pytest.param([KEYCLOAK], {"realm_access": {"roles": ["a"]}}, {"a"}, id="a path"),
        pytest.param([KEYCLOAK], {"realm_access": {}}, NO_SCOPES, id="a path that ends early"),
        pytest.param([KEYCLOAK], {"realm_access": None}, NO_SCOPES, id="a path through null"),
        pytest.param(
            [KEYCLOAK],
            {"realm_access.roles": ["a"]},
            NO_SCOPES,
            id="a name with dots instead of a path",
        ),
        pytest.param([URL], {URL: ["a"]}, {"a"}, id="a name with dots"),
        pytest.param(
            "roles",
            {"roles": ["Admin User", "a", "é", ""]},
            {"a"},
            id="values that are not scope names",
        ),
        pytest.param("roles", {"roles": None}, NO_SCOPES, id="null"),
        pytest.param("roles", {"roles": []}, NO_SCOPES, id="an empty array"),
        pytest.param("roles", {"roles": ""}, NO_SCOPES, id="an empty string"),
    ],
)
async def test_scopes_are_read_from_the_claims_that_the_operator_names(
    scope_claims: Any, claims: Json, scopes: set[str]
) -> None:
    issuer = new_issuer()
    token = compact(issuer.header(), {**issuer.claims(), **claims}, issuer.key)
    configured = issuer.verifier(scope_claims=scope_claims)

    assert (await configured.verify(Presented(token))).scopes == scopes


@pytest.mark.parametrize(
    ("scope_claims", "claims"),
    [
        pytest.param("roles", {"roles": ["a", 1]}, id="a number in it"),
        pytest.param("roles", {"roles": {"a": True}}, id="an object"),
        pytest.param("roles", {"roles": 7}, id="a number"),
        pytest.param("roles", {"roles": [["a"]]}, id="an array in it"),
        pytest.param([KEYCLOAK], {"realm_access": ["roles"]}, id="a path through an array"),
        pytest.param([KEYCLOAK], {"realm_access": "roles"}, id="a path through a string"),
        pytest.param("scope", {"scope": ["a b"]}, id="two names in one string"),
    ],
)
async def test_a_scope_claim_without_names_is_malformed(scope_claims: Any, claims: Json) -> None:
    issuer = new_issuer()

    with pytest.raises(ClaimMalformed):
        await issuer.verifier(scope_claims=scope_claims).verify(Presented(issuer.token(**claims)))


async def test_an_operator_who_wrote_a_path_as_two_claims_is_told_how_to_write_a_path() -> None:
    issuer = new_issuer()
    two_claims = issuer.verifier(scope_claims=("realm_access", "roles"))

    with pytest.raises(ClaimMalformed, match="a tuple in scope_claims"):
        await two_claims.verify(Presented(issuer.token(realm_access={"roles": ["a"]})))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({}, None, id="the configured claim"),
        pytest.param({"aud": "https://other.example"}, None, id="aud is no longer read"),
        pytest.param({"client_id": "other"}, AudienceMismatch, id="another client"),
        pytest.param({"client_id": None}, ClaimMissing, id="none"),
        pytest.param({"client_id": ["web"]}, ClaimMalformed, id="an array"),
        pytest.param({"client_id": 7}, ClaimMalformed, id="a number"),
    ],
)
async def test_the_audience_is_read_from_the_claim_that_the_operator_names(
    claims: Json, expected: type[AccessTokenError] | None
) -> None:
    """Amazon Cognito writes access tokens without `aud`."""
    issuer = new_issuer()
    cognito = issuer.verifier(audience="web", audience_claim="client_id")
    token = Presented(issuer.token(**{"aud": None, "token_use": "access", **claims}))

    if expected is None:
        assert (await cognito.verify(token)).client_id == "web"
    else:
        with pytest.raises(expected):
            await cognito.verify(token)


async def test_the_operator_sees_the_found_and_the_expected_audience() -> None:
    issuer = new_issuer()

    with pytest.raises(AudienceMismatch) as refusal:
        await issuer.verifier(audience=["b", "a"]).verify(Presented(issuer.token(aud="c")))

    assert refusal.value.reason == "aud is 'c', expected 'a' or 'b'"


TENANT = "https://login.example/11111111-2222-3333-4444-555555555555/organizations/v2.0"


async def test_the_operator_sees_where_two_long_identifiers_differ() -> None:
    """They differ only behind the length at which log lines cut other values."""
    issuer = new_issuer()

    with pytest.raises(IssuerMismatch) as wrong_issuer:
        await issuer.verifier(issuer=TENANT).verify(Presented(issuer.token(iss=TENANT + "/")))
    with pytest.raises(AudienceMismatch) as wrong_audience:
        await issuer.verifier(audience=TENANT).verify(Presented(issuer.token(aud=[TENANT + "/"])))
    with pytest.raises(AudienceMismatch) as cut:
        await issuer.verifier(audience=TENANT).verify(Presented(issuer.token(aud="\n" * 5000)))

    assert wrong_issuer.value.reason == f"iss is '{TENANT}/', expected '{TENANT}'"
    assert wrong_audience.value.reason == f"aud is ['{TENANT}/'], expected '{TENANT}'"
    assert len(cut.value.reason) < 400


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("known", [False, True], ids=["new token", "known token"])
async def test_no_token_is_accepted_while_the_clock_returns_no_finite_number(
    now: float, known: bool
) -> None:
    clock = FakeClock()
    issuer = FakeIssuer(clock=clock)
    a_verifier = issuer.verifier()
    token = Presented(issuer.token(iat=None, nbf=None))
    if known:
        await a_verifier.verify(token)
    clock.now = now

    with pytest.raises(AccessTokenError):
        await a_verifier.verify(token)
