"""The content of issued tokens: it matches the grant."""

from dataclasses import replace

import jwt
import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.state.grants import Grant
from demo.authorization_server.state.state import State
from demo.authorization_server.token.issuing import Issuing
from tests.support.authorization_server.back_channel import AUTH_TIME, NONCE, claims_of
from tests.support.authorization_server.example_registrations import (
    CALENDAR,
    CONTACTS,
    ISSUER,
    TEAM_CLAIM,
)

USERINFO = f"{ISSUER}userinfo"


async def granted(
    state: State,
    *scopes: str,
    audience: str | None = CONTACTS.identifier,
    username: str | None = "alice",
    nonce: str | None = NONCE,
) -> Grant:
    return await state.grants.open(
        client_id="web-application",
        username=username,
        audience=audience,
        scopes=scopes,
        auth_time=None if username is None else AUTH_TIME,
        nonce=nonce,
    )


async def test_an_rfc_9068_token_has_its_seven_claims_and_those_of_auth0(
    issuing: Issuing, state: State, keys: SigningKeys, clock: FakeClock
) -> None:
    grant = await granted(state, "openid", "read:contacts")

    token = await issuing.access_token(grant, gty="authorization_code")

    claims = claims_of(token.value, keys)
    assert jwt.get_unverified_header(token.value) == {
        "alg": "RS256",
        "typ": "at+jwt",
        "kid": keys.current.kid,
    }
    assert len(str(claims.pop("jti"))) >= 20
    assert claims == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": [CONTACTS.identifier, USERINFO],
        "client_id": "web-application",
        "azp": "web-application",
        "iat": clock.now,
        "exp": clock.now + 86_400,
        "auth_time": AUTH_TIME,
        "scope": "openid read:contacts",
        "gty": "authorization_code",
    }


async def test_a_token_of_the_profile_jwt_has_the_form_of_auth0(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "read:calendar", audience=CALENDAR.identifier)

    token = await issuing.access_token(grant, gty="authorization_code")

    claims = claims_of(token.value, keys)
    assert jwt.get_unverified_header(token.value)["typ"] == "JWT"
    assert claims["azp"] == "web-application"
    assert "client_id" not in claims


async def test_without_openid_a_token_has_only_the_api_as_audience(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "read:contacts")

    token = await issuing.access_token(grant, gty="authorization_code")

    assert claims_of(token.value, keys)["aud"] == CONTACTS.identifier


async def test_without_an_api_a_token_is_for_userinfo_and_lives_an_hour(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "openid", audience=None)

    token = await issuing.access_token(grant, gty="authorization_code")

    assert claims_of(token.value, keys)["aud"] == USERINFO
    assert token.expires_in == 3600


async def test_a_front_channel_token_lives_shorter_and_can_be_told_apart(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "read:contacts")

    front = await issuing.access_token(grant, gty="implicit")
    back = await issuing.access_token(grant, gty="authorization_code")

    front_claims, back_claims = claims_of(front.value, keys), claims_of(back.value, keys)
    assert (front.expires_in, back.expires_in) == (7_200, 86_400)
    assert (front_claims["gty"], back_claims["gty"]) == ("implicit", "authorization_code")
    assert front_claims["jti"] != back_claims["jti"]


async def test_a_token_of_a_client_itself_has_a_subject_that_no_user_can_have(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "read:contacts", username=None, nonce=None)

    claims = claims_of((await issuing.access_token(grant, gty="client-credentials")).value, keys)

    assert claims["sub"] == "web-application@clients"
    assert "auth_time" not in claims


@pytest.mark.parametrize(
    ("lifetime", "issued", "ends", "told"),
    [(60, 0, 60, 60), (-3_600, -90_000, -3_600, 0)],
    ids=["a minute", "ended an hour ago"],
)
async def test_a_requested_lifetime_sets_the_expiry(
    issuing: Issuing,
    state: State,
    keys: SigningKeys,
    clock: FakeClock,
    lifetime: int,
    issued: int,
    ends: int,
    told: int,
) -> None:
    grant = await granted(state, "read:contacts")

    token = await issuing.access_token(grant, gty="client-credentials", lifetime=lifetime)

    claims = claims_of(token.value, keys)
    assert (claims["iat"], claims["exp"]) == (clock.now + issued, clock.now + ends)
    assert token.expires_in == told


async def test_a_token_can_have_fewer_scopes_than_its_grant(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "openid", "read:contacts")
    narrowed = replace(grant, scopes=("read:contacts",))

    token = await issuing.access_token(narrowed, gty="refresh_token")

    claims = claims_of(token.value, keys)
    assert (claims["scope"], claims["aud"]) == ("read:contacts", CONTACTS.identifier)


async def test_an_access_token_is_recorded_until_it_expires(
    issuing: Issuing, state: State, keys: SigningKeys, clock: FakeClock
) -> None:
    token = await issuing.access_token(await granted(state, "read:contacts"), gty="implicit")
    jti = claims_of(token.value, keys)["jti"]

    before = await state.tokens.access_token_is_active(jti)
    clock.advance(7_200)
    after = await state.tokens.access_token_is_active(jti)

    assert (before, after) == (True, False)


async def test_the_repr_of_an_issued_token_does_not_show_it(issuing: Issuing, state: State) -> None:
    token = await issuing.access_token(await granted(state, "read:contacts"), gty="implicit")

    assert repr(token) == "IssuedAccessToken(expires_in=7200)"


@pytest.mark.parametrize("gty", ["implicit", "authorization_code"])
async def test_an_access_token_has_a_custom_claim_only_if_it_was_granted(
    issuing: Issuing, state: State, keys: SigningKeys, gty: str
) -> None:
    asked = await issuing.access_token(await granted(state, "read:contacts", TEAM_CLAIM), gty=gty)
    not_asked = await issuing.access_token(await granted(state, "read:contacts"), gty=gty)

    assert claims_of(asked.value, keys)[TEAM_CLAIM] == "red"
    assert TEAM_CLAIM not in claims_of(not_asked.value, keys)


async def test_an_access_token_has_no_standard_claims_about_the_user(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = await granted(state, "openid", "profile", "email")

    claims = claims_of((await issuing.access_token(grant, gty="implicit")).value, keys)

    assert {"name", "email"}.isdisjoint(claims)


async def test_an_id_token_names_the_user_and_the_time_of_the_sign_in(
    issuing: Issuing, state: State, keys: SigningKeys, clock: FakeClock
) -> None:
    token = issuing.id_token(await granted(state, "openid"))

    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    assert claims_of(token, keys) == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "web-application",
        "azp": "web-application",
        "iat": clock.now,
        "exp": clock.now + 36_000,
        "auth_time": AUTH_TIME,
        "nonce": NONCE,
    }


async def test_an_id_token_omits_what_its_grant_does_not_have(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    grant = replace(await granted(state, "openid"), nonce=None, auth_time=None)

    claims = claims_of(issuing.id_token(grant), keys)

    assert set(claims) == {"iss", "sub", "aud", "azp", "iat", "exp"}


async def test_an_id_token_is_bound_to_the_code_and_access_token_sent_with_it(
    issuing: Issuing, state: State, keys: SigningKeys
) -> None:
    """The values are from OpenID Connect Core, appendices A.4 and A.3."""
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    grant = await granted(state, "openid")

    claims = claims_of(issuing.id_token(grant, code=code, access_token=access_token), keys)

    assert claims["c_hash"] == "LDktKdoQak3Pk0cnXxCltA"
    assert claims["at_hash"] == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize(
    ("scopes", "released"),
    [
        (("openid",), set[str]()),
        (("openid", "profile"), {"name"}),
        (("openid", "email"), {"email", "email_verified"}),
        (("openid", "address", "phone"), set[str]()),
        (("openid", TEAM_CLAIM), {TEAM_CLAIM}),
        (
            ("openid", "profile", "email", TEAM_CLAIM),
            {"name", "email", "email_verified", TEAM_CLAIM},
        ),
        (("openid", "https://contacts.example/other"), set[str]()),
    ],
    ids=["openid", "profile", "email", "none kept", "custom", "several", "custom of others"],
)
async def test_a_scope_releases_its_claims_and_no_others(
    issuing: Issuing,
    state: State,
    keys: SigningKeys,
    scopes: tuple[str, ...],
    released: set[str],
) -> None:
    claims = claims_of(issuing.id_token(await granted(state, *scopes)), keys)

    protocol = {"iss", "sub", "aud", "azp", "iat", "exp", "auth_time", "nonce"}
    assert set(claims) - protocol == released


async def test_a_grant_without_a_user_gives_no_id_token(issuing: Issuing, state: State) -> None:
    grant = await granted(state, "read:contacts", username=None)

    with pytest.raises(ValueError, match="has no user"):
        issuing.id_token(grant)
