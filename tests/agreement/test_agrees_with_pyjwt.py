"""This library accepts the tokens that PyJWT accepts, with the same claims, except by a stricter
rule."""

import math
import time
from collections.abc import Callable
from contextlib import suppress

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from asgi_bearer.testing import FakeClock
from tests.agreement.comparison import check_agreement, compare, new_verifier, our_result
from tests.agreement.mutated_tokens import (
    tokens_of_edited_bytes,
    tokens_of_edited_text,
    tokens_of_reencoded_segments,
    tokens_of_unusual_json,
    tokens_that_share_segments,
    tokens_with_other_members,
)
from tests.agreement.pyjwt_reading import LEEWAY, read_with_pyjwt
from tests.agreement.signed_tokens import claims_members, token_of
from tests.agreement.single_mutations import (
    NamedTokens,
    odd_bytes,
    odd_keys,
    odd_members,
    odd_segments,
    odd_texts,
    odd_values,
)
from tests.agreement.stricter_examples import EXAMPLES
from tests.agreement.stricter_rules import STRICTER_RULES

PROFILES = st.sampled_from(["jwt", "jwt", "jwt", "rfc9068"])


@pytest.fixture(autouse=True, scope="session")
def _register_ed25519() -> None:
    """PyJWT knows the algorithm as EdDSA only (RFC 9864 §2.2)."""
    # The tests of the benchmarks may have registered it already in this process.
    with suppress(ValueError):
        jwt.register_algorithm("Ed25519", OKPAlgorithm())


@pytest.mark.parametrize(
    ("mutations", "profile"),
    [
        (odd_values, "jwt"),
        (odd_values, "rfc9068"),
        (odd_keys, "jwt"),
        (odd_members, "jwt"),
        (odd_texts, "jwt"),
        (odd_bytes, "jwt"),
        (odd_segments, "jwt"),
    ],
)
async def test_both_agree_on_every_single_mutation(
    mutations: Callable[[], NamedTokens], profile: str
) -> None:
    for token, change in {token: change for change, token in mutations()}.items():
        try:
            await check_agreement(token, profile)
        except AssertionError as difference:
            difference.add_note(change)
            raise


@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
@pytest.mark.parametrize("scope", [[""], [[" "]], {"a": ""}, True, 0, 7, ["a b"], None], ids=repr)
@pytest.mark.parametrize("name", ["scope", "scp"])
async def test_both_agree_on_a_nonce_beside_an_unusual_scope(
    name: str, scope: object, profile: str
) -> None:
    changes = {"nonce": None, "scope": "", "scp": "", name: scope}

    await check_agreement(token_of(claims=claims_members(**changes)), profile)


@given(token=tokens_with_other_members(), profile=PROFILES)
@settings(max_examples=500, deadline=None)
async def test_both_agree_on_members_with_any_value(token: str, profile: str) -> None:
    await check_agreement(token, profile)


@given(token=tokens_of_unusual_json(), profile=PROFILES)
@settings(max_examples=400, deadline=None)
async def test_both_agree_on_unusual_json(token: str, profile: str) -> None:
    await check_agreement(token, profile)


@given(token=tokens_of_edited_bytes(), profile=PROFILES)
@settings(max_examples=400, deadline=None)
async def test_both_agree_on_json_with_changed_bytes(token: str, profile: str) -> None:
    await check_agreement(token, profile)


@given(token=tokens_of_reencoded_segments(), profile=PROFILES)
@settings(max_examples=300, deadline=None)
async def test_both_agree_on_other_encodings_of_a_segment(token: str, profile: str) -> None:
    await check_agreement(token, profile)


@given(token=tokens_of_edited_text(), profile=PROFILES)
@settings(max_examples=250, deadline=None)
async def test_both_agree_on_tokens_that_were_changed_after_signing(
    token: str, profile: str
) -> None:
    await check_agreement(token, profile)


@given(tokens=tokens_that_share_segments(), profile=PROFILES)
@settings(max_examples=250, deadline=None)
async def test_both_agree_on_tokens_that_share_segments(tokens: list[str], profile: str) -> None:
    for token in tokens:
        await check_agreement(token, profile)


@given(
    claim=st.sampled_from(["exp", "nbf", "iat"]),
    distance=st.integers(-2, 2) | st.floats(-2, 2),
    begins_with_a_second=st.booleans(),
)
@settings(max_examples=100, deadline=None)
async def test_both_agree_near_the_limits_of_dates(
    claim: str, distance: float, begins_with_a_second: bool
) -> None:
    """PyJWT reads the system clock, so this library is asked at the time before and at the time
    after.

    To simulate passing seconds for PyJWT, the leeway moves the limit towards the token.
    """
    clock = FakeClock(time.time())
    limit = clock.now + (-LEEWAY if claim == "exp" else LEEWAY)
    date = (math.floor(limit) if begins_with_a_second else limit) + distance
    token = token_of(claims=claims_members(**{claim: date}))
    verifier = new_verifier("jwt", clock)

    for passed in (0, 1, 2):
        leeway = LEEWAY - passed if claim == "exp" else LEEWAY + passed
        clock.now = time.time() + passed
        before = await our_result(verifier, token)
        pyjwt_reading = read_with_pyjwt(token, "jwt", now=clock.now, leeway=leeway)
        if pyjwt_reading is None and claim == "exp" and date % 1 and isinstance(before, str):
            # PyJWT drops the fraction and ends the token earlier; this library ends it at its exact
            # time.
            pyjwt_reading = read_with_pyjwt(token, "jwt", now=clock.now, leeway=leeway + 1)
        clock.now = time.time() + passed
        after = await our_result(verifier, token)

        # Otherwise the limit was between the two times, and PyJWT may be on either side.
        if before == after:
            compare(before, pyjwt_reading)


@pytest.mark.parametrize(
    ("name", "profile", "token"),
    [
        pytest.param(name, profile, token, id=f"{name}, {profile}, {number}")
        for (name, profile), tokens in EXAMPLES.items()
        for number, token in enumerate(tokens, start=1)
    ],
)
async def test_an_example_breaks_one_stricter_rule_only(
    name: str, profile: str, token: str
) -> None:
    """PyJWT accepts the token, exactly this rule applies, and this library refuses the token."""
    pyjwt_reading = await check_agreement(token, profile)

    assert pyjwt_reading is not None
    assert [rule.name for rule in STRICTER_RULES if rule.applies(pyjwt_reading)] == [name]


def test_each_stricter_rule_has_its_own_name_and_an_example() -> None:
    names = [rule.name for rule in STRICTER_RULES]

    assert len(names) == len(set(names))
    assert {name for name, _ in EXAMPLES} == set(names)


@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
async def test_both_accept_the_token_that_mutations_start_from(profile: str) -> None:
    pyjwt_reading = await check_agreement(token_of(), profile)

    assert pyjwt_reading is not None
    assert pyjwt_reading.claims["sub"] == "alice"
