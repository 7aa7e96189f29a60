"""Whole tokens: from the presented credentials to a principal or a refusal."""

import dataclasses
import traceback

import pytest

from asgi_bearer import (
    ALGORITHMS,
    AccessTokenError,
    ClaimRuleFailed,
    InvalidTokenError,
    KeyAmbiguous,
    KeyNotFound,
    KeysUnavailable,
    Principal,
    TokenExpired,
    TokenTooLarge,
)
from asgi_bearer.credentials import Presented
from asgi_bearer.guard.challenge import response
from asgi_bearer.keys import KeySet, Missed, StaticKeys, remote_keys
from asgi_bearer.testing import FakeClock, FakeIssuer, SigningKey, signing_key
from asgi_bearer.testing.signing import compact, private_key
from tests.refusals.claims import REFUSED_CLAIMS
from tests.refusals.forged_tokens import FORGED_TOKENS
from tests.refusals.headers import REFUSED_HEADERS
from tests.refusals.rows import Refused, name_of, new_issuer, token_of, verifier
from tests.refusals.structures import REFUSED_STRUCTURES
from tests.support.documents import FakeDocuments

TABLES = {
    "structures": REFUSED_STRUCTURES,
    "headers": REFUSED_HEADERS,
    "claims": REFUSED_CLAIMS,
    "forged": FORGED_TOKENS,
}


@pytest.mark.conforms(
    "the client sends the token in the Authorization header, scheme Bearer",
    "Ed25519 is accepted by its own name and as EdDSA",
    "RS256 works without configuration",
)
@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
async def test_a_valid_token_of_each_algorithm_is_accepted(alg: str, profile: str) -> None:
    issuer = FakeIssuer(key=signing_key(alg), clock=FakeClock())

    principal = await issuer.verifier(profile=profile).verify(Presented(issuer.token()))

    assert principal.subject == "alice"


@pytest.mark.conforms(
    "a token that does not verify is 401 invalid_token",
    "alg none is refused in any spelling",
    "an RSA public key never serves as an HMAC secret",
    "one key serves one algorithm",
    "curve and signature length belong to the algorithm",
    "an ECDSA signature of zeros is refused",
    "jku, x5u, jwk and x5c of a token are never used",
    "keys verify tokens of their own issuer only",
)
@pytest.mark.parametrize("row", FORGED_TOKENS, ids=name_of)
async def test_a_forged_token_is_refused(row: Refused) -> None:
    issuer = new_issuer()

    with pytest.raises(row.expected) as refusal:
        await verifier(issuer).verify(Presented(row.token(issuer)))

    assert type(refusal.value) is row.expected


@pytest.mark.conforms(
    "forged tokens get the same answer, whatever is wrong with them",
    "no token appears in a log, a body or an exception",
)
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
async def test_a_refusal_does_not_reveal_the_token(table: list[Refused]) -> None:
    issuer = new_issuer()

    for row in table:
        token = row.token(issuer)
        with pytest.raises(InvalidTokenError) as refusal:
            await verifier(issuer, row.profile).verify(Presented(token))

        assert leaked(refusal.value, token) == [], row.name
        assert refusal.value.__cause__ is refusal.value.__context__ is None
        assert refusal.value.reason.isascii()
        assert refusal.value.reason.isprintable()


def leaked(refusal: AccessTokenError, token: str) -> list[str]:
    """Return the parts of `token` that an error report of `refusal` would show."""
    ours = [
        frame.f_locals
        for frame, _ in traceback.walk_tb(refusal.__traceback__)
        if frame.f_globals["__name__"].startswith("asgi_bearer")
    ]
    assert ours
    report = "".join(
        [
            *traceback.format_exception(refusal),
            repr(refusal),
            repr(refusal.__dict__),
            repr(ours),
            str(response(refusal, "contacts")),
        ]
    )
    # Shorter segments, such as `e30`, are not secret.
    return [text for text in (token, *token.split(".")) if len(text) >= 12 and text in report]


async def test_a_refusal_by_a_rule_does_not_reveal_a_cached_token() -> None:
    def no(principal: Principal) -> bool:
        return False

    issuer = new_issuer()
    verifier_with_rules, token = issuer.verifier(rules={"no": no}), issuer.token()
    with pytest.raises(ClaimRuleFailed):
        await verifier_with_rules.verify(Presented(token))

    with pytest.raises(ClaimRuleFailed) as refusal:
        await verifier_with_rules.verify(Presented(token))

    assert leaked(refusal.value, token) == []


async def test_a_failed_fetch_of_keys_does_not_reveal_the_token() -> None:
    class Failing(StaticKeys):
        async def key_set(self, missed: Missed | None = None) -> KeySet:
            if missed is not None:
                raise KeysUnavailable("down")
            return await super().key_set()

    issuer = new_issuer()
    without_newer_keys = issuer.verifier(keys=Failing(issuer.jwks()))
    for token in (issuer.token_with_header(kid="k2"), f"{issuer.token()[:-9]}AAAAAAAAA"):
        with pytest.raises(AccessTokenError) as refusal:
            await without_newer_keys.verify(Presented(token))

        assert leaked(refusal.value, token) == []
        assert refusal.value.__context__ is None


@pytest.mark.conforms("forged tokens get the same answer, whatever is wrong with them")
async def test_clients_cannot_tell_a_forged_token_from_one_for_another_api() -> None:
    issuer = new_issuer()
    stranger = signing_key("RS256", "k1", 1)
    tokens = {
        "bad signature": compact(issuer.header(), issuer.claims(), stranger),
        "unknown key": issuer.token_with_header(kid="k2"),
        "wrong issuer": issuer.token(iss="https://other.example/"),
        "wrong audience": issuer.token(aud="https://api.example/orders"),
    }
    answers = {
        name: response(await refusal_of(issuer, token), "api") for name, token in tokens.items()
    }

    assert all(answer == answers["bad signature"] for answer in answers.values())


async def refusal_of(issuer: FakeIssuer, token: str) -> AccessTokenError:
    """Return the refusal of `token`."""
    with pytest.raises(AccessTokenError) as refusal:
        await issuer.verifier().verify(Presented(token))
    return refusal.value


@pytest.mark.conforms("forged tokens get the same answer, whatever is wrong with them")
async def test_a_token_is_reported_as_expired_only_if_issuer_audience_and_signature_are_right() -> (
    None
):
    issuer = new_issuer()

    assert (await refusal_of(issuer, issuer.token(exp=1))).code == "token_expired"
    assert (await refusal_of(issuer, issuer.token(exp=1, aud="other"))).code == "audience_mismatch"
    assert (await refusal_of(issuer, issuer.token(exp=1, iss="other"))).code == "issuer_mismatch"
    stranger = signing_key("RS256", "k1", 1)
    forged = compact(issuer.header(), issuer.claims(exp=1), stranger)
    assert (await refusal_of(issuer, forged)).code == "signature_invalid"


@pytest.mark.conforms("jku, x5u, jwk and x5c of a token are never used")
@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c", "x5t", "x5t#S256"])
async def test_keys_and_urls_in_a_token_header_are_ignored(member: str) -> None:
    issuer = new_issuer()
    documents = FakeDocuments({"https://issuer.example/jwks": issuer.jwks()})
    keys = remote_keys(jwks_uri="https://issuer.example/jwks", fetch=documents)
    stranger = signing_key("RS256", "k9", 1)
    trap = {"jwk": stranger.jwk(), "x5c": ["AAAA"]}.get(member, "https://trap.example/keys")
    good = token_of(issuer, issuer.header(**{member: trap}), issuer.claims())
    forged = compact(issuer.header(kid="k9", **{member: trap}), issuer.claims(), stranger)

    assert (await issuer.verifier(keys=keys).verify(Presented(good))).subject == "alice"
    with pytest.raises(KeyNotFound):
        await issuer.verifier(keys=keys).verify(Presented(forged))

    assert set(documents.requested) == {"https://issuer.example/jwks"}
    await keys.aclose()


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
async def test_a_token_without_a_key_id_is_accepted_if_one_key_fits() -> None:
    issuer = new_issuer()
    token = issuer.token_with_header(kid=None)

    assert (await verifier(issuer).verify(Presented(token))).subject == "alice"


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
async def test_a_token_without_a_key_id_is_refused_if_two_keys_fit() -> None:
    issuer = new_issuer()
    two = issuer.verifier(keys=StaticKeys(issuer.jwks(signing_key("RS256", "k2", 1))))

    with pytest.raises(KeyAmbiguous):
        await two.verify(Presented(issuer.token_with_header(kid=None)))


@pytest.mark.conforms("RSA keys have 2048 bits or more")
async def test_a_short_rsa_key_verifies_no_token() -> None:
    issuer = new_issuer()
    short = SigningKey("short", "RS256", private_key("RS256", 0, 1024))
    with_it = issuer.verifier(keys=StaticKeys(issuer.jwks(short)))
    token = compact(issuer.header(kid="short"), issuer.claims(), short)

    with pytest.raises(KeyNotFound):
        await with_it.verify(Presented(token))


@pytest.mark.conforms("alg is compared with the accepted list before any key is looked up")
@pytest.mark.parametrize("configured", [["RS256"], ("RS256", "ES256"), {"RS256"}])
async def test_only_configured_algorithms_are_accepted(configured: object) -> None:
    issuer = new_issuer()
    restricted = issuer.verifier(
        algorithms=configured, keys=StaticKeys(issuer.jwks(signing_key("PS256", "p")))
    )
    ps256 = compact(issuer.header(alg="PS256", kid="p"), issuer.claims(), signing_key("PS256", "p"))

    assert (await restricted.verify(Presented(issuer.token()))).subject == "alice"
    with pytest.raises(AccessTokenError, match="algorithm_not_allowed"):
        await restricted.verify(Presented(ps256))


@pytest.mark.conforms(
    "a token is refused at exp and after it",
    "the audience is checked on each request",
)
async def test_a_token_is_refused_once_the_clock_reaches_its_end() -> None:
    """A cached token is checked against the clock on each request."""
    clock = FakeClock()
    issuer = FakeIssuer(clock=clock)
    one, token = issuer.verifier(), issuer.token()

    assert (await one.verify(Presented(token))).subject == "alice"
    clock.advance(629)
    assert (await one.verify(Presented(token))).subject == "alice"
    clock.advance(1)
    with pytest.raises(TokenExpired):
        await one.verify(Presented(token))


@pytest.mark.conforms("an oversized header or token is refused before it is parsed")
async def test_the_size_limit_can_be_set() -> None:
    issuer = new_issuer()
    token = issuer.token()

    exact = issuer.verifier(max_token_bytes=len(token))
    short = issuer.verifier(max_token_bytes=len(token) - 1)

    assert (await exact.verify(Presented(token))).subject == "alice"
    with pytest.raises(TokenTooLarge):
        await short.verify(Presented(token))


@pytest.mark.conforms("the guard does not pass the token on")
async def test_a_principal_holds_no_part_of_the_token() -> None:
    issuer = new_issuer()
    token = issuer.token()

    principal = await issuer.verifier().verify(Presented(token))

    known = str([getattr(principal, member.name) for member in dataclasses.fields(principal)])
    assert all(segment not in known for segment in token.split("."))


def is_user(principal: Principal) -> bool:
    """Act as a claim rule."""
    return not principal.is_client


@pytest.mark.conforms("a claim rule that fails is 403 with a challenge")
async def test_a_token_that_fulfils_every_rule_is_accepted() -> None:
    issuer = new_issuer()
    seen: list[Principal] = []

    def tenant(principal: Principal) -> bool:
        seen.append(principal)
        return principal.claims["tenant"] == "t1"

    verifier_with_rules = issuer.verifier(rules={"tenant": tenant, "user": is_user})

    principal = await verifier_with_rules.verify(Presented(issuer.token(tenant="t1")))

    assert seen == [principal]


class UnawaitedResult:
    """The return value of a rule that was written with `async def`."""

    def __await__(self) -> object:
        """Fail if it is awaited."""
        raise AssertionError


@pytest.mark.conforms("a claim rule that fails is 403 with a challenge")
@pytest.mark.parametrize(
    "verdict",
    [False, None, 0, 1, "yes", [True], UnawaitedResult()],
    ids=lambda verdict: type(verdict).__name__,
)
async def test_a_rule_passes_only_by_returning_true(verdict: object) -> None:
    issuer = new_issuer()

    def tenant(principal: Principal) -> object:
        return verdict

    verifier_with_rules = issuer.verifier(rules={"user": is_user, "tenant": tenant})

    with pytest.raises(ClaimRuleFailed, match="tenant") as refusal:
        await verifier_with_rules.verify(Presented(issuer.token()))

    assert refusal.value.status == 403


async def test_rules_are_evaluated_only_for_valid_tokens() -> None:
    issuer = new_issuer()
    principals: list[Principal] = []

    def remember(principal: Principal) -> bool:
        principals.append(principal)
        return True

    verifier_with_rules = issuer.verifier(rules={"any": remember})

    for token in (
        issuer.token(exp=1),
        issuer.token(aud="x"),
        issuer.token_with_header(typ="x"),
        "x.y.z",
    ):
        with pytest.raises(InvalidTokenError):
            await verifier_with_rules.verify(Presented(token))

    assert principals == []
