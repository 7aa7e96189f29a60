"""Our verifier accepts what PyJWT accepts, with the same claims, less what we refuse by name."""

import math
import time
from collections.abc import Callable
from contextlib import suppress

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from tests.agreement.comparison import compare, judge, new_verifier, verdict
from tests.agreement.mutated_tokens import (
    tokens_of_edited_bytes,
    tokens_of_edited_text,
    tokens_of_odd_json,
    tokens_of_respelled_segments,
    tokens_that_share_segments,
    tokens_with_other_members,
)
from tests.agreement.pyjwt_reading import LEEWAY, reading
from tests.agreement.signed_tokens import claims_members, token_of
from tests.agreement.single_mutations import (
    Named,
    odd_bytes,
    odd_keys,
    odd_members,
    odd_segments,
    odd_texts,
    odd_values,
)
from tests.agreement.stricter_examples import EXAMPLES
from tests.agreement.stricter_rules import STRICTNESSES
from tests.support.fake_issuer import FakeClock

PROFILES = st.sampled_from(["jwt", "jwt", "jwt", "rfc9068"])


@pytest.fixture(autouse=True, scope="session")
def _ed25519_by_its_own_name() -> None:
    """PyJWT knows it as EdDSA only (RFC 9864 §2.2)."""
    # The benchmarks tell it, too, in a process that has run their tests.
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
    mutations: Callable[[], Named], profile: str
) -> None:
    for token, words in {token: words for words, token in mutations()}.items():
        try:
            await judge(token, profile)
        except AssertionError as difference:
            difference.add_note(words)
            raise


@given(token=tokens_with_other_members(), profile=PROFILES)
@settings(max_examples=500, deadline=None)
async def test_both_agree_on_members_of_any_value(token: str, profile: str) -> None:
    await judge(token, profile)


@given(token=tokens_of_odd_json(), profile=PROFILES)
@settings(max_examples=400, deadline=None)
async def test_both_agree_on_doubtful_json(token: str, profile: str) -> None:
    await judge(token, profile)


@given(token=tokens_of_edited_bytes(), profile=PROFILES)
@settings(max_examples=400, deadline=None)
async def test_both_agree_on_json_with_bytes_exchanged(token: str, profile: str) -> None:
    await judge(token, profile)


@given(token=tokens_of_respelled_segments(), profile=PROFILES)
@settings(max_examples=300, deadline=None)
async def test_both_agree_on_other_spellings_of_a_segment(token: str, profile: str) -> None:
    await judge(token, profile)


@given(token=tokens_of_edited_text(), profile=PROFILES)
@settings(max_examples=250, deadline=None)
async def test_both_agree_on_text_that_was_changed_after_signing(token: str, profile: str) -> None:
    await judge(token, profile)


@given(tokens=tokens_that_share_segments(), profile=PROFILES)
@settings(max_examples=250, deadline=None)
async def test_both_agree_on_tokens_that_share_segments(tokens: list[str], profile: str) -> None:
    for token in tokens:
        await judge(token, profile)


@given(
    claim=st.sampled_from(["exp", "nbf", "iat"]),
    distance=st.integers(-2, 2) | st.floats(-2, 2),
    begins_with_a_second=st.booleans(),
)
@settings(max_examples=100, deadline=None)
async def test_both_agree_near_the_limits_of_time(
    claim: str, distance: float, begins_with_a_second: bool
) -> None:
    """PyJWT reads the time itself, so ours is asked for the time before and the time after.

    For PyJWT seconds pass by a leeway that moves the limit towards the token.
    """
    clock = FakeClock(time.time())
    limit = clock.now + (-LEEWAY if claim == "exp" else LEEWAY)
    date = (math.floor(limit) if begins_with_a_second else limit) + distance
    token = token_of(claims=claims_members(**{claim: date}))
    verifier = new_verifier("jwt", clock)

    for passed in (0, 1, 2):
        leeway = LEEWAY - passed if claim == "exp" else LEEWAY + passed
        clock.now = time.time() + passed
        before = await verdict(verifier, token)
        theirs = reading(token, "jwt", now=clock.now, leeway=leeway)
        if theirs is None and claim == "exp" and date % 1 and isinstance(before, str):
            # PyJWT cuts off the fraction and ends the token earlier; ours ends it when it says.
            theirs = reading(token, "jwt", now=clock.now, leeway=leeway + 1)
        clock.now = time.time() + passed
        after = await verdict(verifier, token)

        # Or the limit was between them, and nobody knows on which side of it PyJWT was.
        if before == after:
            compare(before, theirs)


@pytest.mark.parametrize(
    ("name", "profile", "token"),
    [
        pytest.param(name, profile, token, id=f"{name}, {profile}, {number}")
        for (name, profile), tokens in EXAMPLES.items()
        for number, token in enumerate(tokens, start=1)
    ],
)
async def test_a_named_strictness_is_one(name: str, profile: str, token: str) -> None:
    """PyJWT accepts the token, the rule of that name holds and no other, and ours refuses."""
    theirs = await judge(token, profile)

    assert theirs is not None
    assert [rule.name for rule in STRICTNESSES if rule.holds(theirs)] == [name]


def test_each_strictness_has_its_own_name_and_an_example() -> None:
    names = [rule.name for rule in STRICTNESSES]

    assert len(names) == len(set(names))
    assert {name for name, _ in EXAMPLES} == set(names)


@pytest.mark.parametrize("profile", ["jwt", "rfc9068"])
async def test_both_accept_the_token_that_the_others_are_made_from(profile: str) -> None:
    theirs = await judge(token_of(), profile)

    assert theirs is not None
    assert theirs.claims["sub"] == "alice"
