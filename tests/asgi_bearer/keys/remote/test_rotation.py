"""The issuer rotates its keys: valid tokens are accepted, and attackers cannot cause many
fetches."""

import asyncio

import pytest

from asgi_bearer import Presented, remote_keys
from asgi_bearer.errors import KeyNotFound, SignatureInvalid
from asgi_bearer.testing import FakeClock, FakeIssuer, signing_key
from tests.support.documents import FakeDocuments
from tests.support.published_keys import DOWN, Published, run_pending_tasks

ALICE = "alice"


@pytest.mark.conforms("many first requests cause one fetch")
async def test_many_first_requests_cause_one_fetch(published: Published) -> None:
    tokens = [published.issuer.token(jti=f"{n}") for n in range(200)]

    assert await published.verify_all(tokens) == [ALICE] * 200
    assert published.fetches == 1


@pytest.mark.conforms("a rotation costs one fetch and no 401")
@pytest.mark.parametrize("age", [0.0, 5.0, 60.0, 479.0, 481.0, 599.0, 601.0, 4199.0])
async def test_a_rotation_costs_one_fetch_and_no_refusal(published: Published, age: float) -> None:
    """At any age of the cached keys, also right after the first fetch."""
    await published.verify()
    published.clock.advance(age)
    published.rotate()
    tokens = [published.issuer.token(jti=f"{n}") for n in range(200)]

    assert await published.verify_all(tokens) == [ALICE] * 200
    assert published.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_rotation_is_found_during_a_refresh_that_began_before_it(
    published: Published,
) -> None:
    """The running refresh does not return the new key."""
    await published.verify()
    published.clock.advance(500.0)
    published.documents.pause()
    await published.verify()  # This starts a refresh.
    await run_pending_tasks()
    published.rotate()
    tokens = [published.issuer.token(jti=f"{n}") for n in range(200)]

    results = await published.verify_all_during_fetch(tokens)

    assert results == [ALICE] * 200
    assert published.fetches == 3


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_rotation_costs_no_further_fetch_if_a_refresh_began_after_it(
    published: Published,
) -> None:
    await published.verify()
    published.clock.advance(500.0)
    old = published.issuer.token()
    published.rotate()
    published.documents.pause()
    await published.verify(old)  # This starts a refresh.
    await run_pending_tasks()

    results = await published.verify_all_during_fetch([published.issuer.token()] * 200)

    assert results == [ALICE] * 200
    assert published.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_requests_with_the_old_and_the_new_key_at_once_cost_one_fetch_and_no_refusal(
    published: Published,
) -> None:
    """The old key is still published."""
    old_key, old = published.issuer.key, published.issuer.token()
    await published.verify()
    published.issuer.key = signing_key("ES256", "k2", 2)
    published.publish(old_key)
    published.documents.pause()

    results = await published.verify_all_during_fetch([published.issuer.token(), old] * 200)

    assert results == [ALICE] * 400
    assert published.fetches == 2


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_rotation_is_found_if_the_first_fetch_began_before_it(
    published: Published,
) -> None:
    published.documents.pause()
    early = asyncio.create_task(published.verify())
    await run_pending_tasks()
    published.rotate()
    tokens = [published.issuer.token(jti=f"{n}") for n in range(200)]

    results = await published.verify_all_during_fetch(tokens)

    assert results == [ALICE] * 200
    assert published.fetches == 2
    assert (await early).subject == ALICE


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_two_rotations_during_one_fetch_cause_no_refusal(published: Published) -> None:
    await published.verify()
    published.clock.advance(500.0)
    published.rotate("k2", 2)
    published.documents.pause()
    await published.keys.key_set()
    await run_pending_tasks()
    published.rotate("k3", 3)

    results = await published.verify_all_during_fetch([published.issuer.token()] * 200)

    assert results == [ALICE] * 200
    assert published.fetches == 3


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_tokens_of_the_old_and_the_new_key_are_accepted_while_both_are_published(
    published: Published,
) -> None:
    old_key, old_token = published.issuer.key, published.issuer.token()
    await published.verify()
    published.issuer.key = signing_key("ES256", "k2", 2)
    published.publish(old_key)

    assert await published.verify_all([published.issuer.token(), old_token]) == [ALICE, ALICE]


@pytest.mark.conforms("a new key under the same kid is found")
async def test_a_new_key_under_the_same_id_is_found(published: Published) -> None:
    await published.verify()
    published.rotate("k1", 2)

    assert await published.verify_all([published.issuer.token()] * 200) == [ALICE] * 200
    assert published.fetches == 2


@pytest.mark.conforms(
    "a rotation costs one fetch and no 401",
    "a new key under the same kid is found",
)
async def test_a_new_key_under_the_same_id_is_found_during_a_refresh_that_began_before_it(
    published: Published,
) -> None:
    await published.verify()
    published.clock.advance(500.0)
    published.documents.pause()
    await published.verify()  # This starts a refresh.
    await run_pending_tasks()
    published.rotate("k1", 2)

    results = await published.verify_all_during_fetch([published.issuer.token()] * 200)

    assert results == [ALICE] * 200
    assert published.fetches == 3


@pytest.mark.conforms("a withdrawn key is refused after the next fetch")
async def test_a_withdrawn_key_is_refused_after_a_fetch_that_another_token_caused(
    published: Published,
) -> None:
    old = published.issuer.token()
    await published.verify()
    published.rotate()
    assert await published.verify_all([old]) == [ALICE]

    await published.verify_all(published.unknown_tokens(1))

    assert await published.verify_all([old]) == ["key_not_found"]


@pytest.mark.conforms("a withdrawn key is refused after the next fetch")
async def test_a_withdrawn_key_is_refused_after_the_next_fetch(published: Published) -> None:
    old = published.issuer.token()
    await published.verify()
    published.rotate()
    await published.verify()

    assert await published.verify_all([old]) == ["key_not_found"]


@pytest.mark.conforms("a withdrawn key is refused after the next fetch")
async def test_a_withdrawn_key_is_refused_once_the_cached_keys_are_refreshed(
    published: Published,
) -> None:
    """No token of another key causes a fetch."""
    withdrawn = FakeIssuer(key=published.issuer.key, clock=published.clock)
    await published.verify()
    published.rotate()
    published.clock.advance(600.0)
    await published.verify_all([withdrawn.token()])  # The last accepted token; it starts a refresh.
    await run_pending_tasks()

    assert await published.verify_all([withdrawn.token()]) == ["key_not_found"]


@pytest.mark.conforms("the last good key set serves within its bound")
async def test_a_bad_signature_is_refused_while_the_keys_are_stale(published: Published) -> None:
    await published.verify()
    published.serve(DOWN)
    published.clock.advance(700.0)

    with pytest.raises(SignatureInvalid):
        await published.verify(published.forged_tokens()[0])


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
async def test_a_token_without_a_key_id_is_accepted_if_one_key_fits(published: Published) -> None:
    published.publish(signing_key("RS256", "other"))

    assert await published.verify_all([published.issuer.token_with_header(kid=None)]) == [ALICE]


@pytest.mark.conforms("a token without kid is good if exactly one key fits")
async def test_a_token_without_a_key_id_is_refused_if_several_keys_fit(
    published: Published,
) -> None:
    published.publish(signing_key("ES256", "k2", 2))

    outcomes = await published.verify_all([published.issuer.token_with_header(kid=None)])

    assert outcomes == ["key_ambiguous"]


@pytest.mark.conforms(
    "a token without kid is good if exactly one key fits",
    "a new key under the same kid is found",
)
async def test_a_token_without_a_key_id_is_accepted_after_a_rotation(published: Published) -> None:
    await published.verify()
    published.rotate()

    assert await published.verify_all([published.issuer.token_with_header(kid=None)]) == [ALICE]
    assert published.fetches == 2


@pytest.mark.conforms("a broken or unknown key does not affect the others")
async def test_a_key_that_is_published_beside_broken_ones_is_used(published: Published) -> None:
    good = published.issuer.key.jwk()
    published.serve({"keys": [None, {"kty": "AKP"}, {**good, "kid": "bad", "x": 5}, good]})

    assert await published.verify_all([published.issuer.token()]) == [ALICE]


@pytest.mark.conforms(
    "use and key_ops are respected",
    "the alg of a key limits its use",
)
@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES384"}, {"alg": "HS256"}],
    ids=["use", "key-ops", "alg", "symmetric-alg"],
)
async def test_a_key_for_another_purpose_is_not_used(
    published: Published, changes: dict[str, object]
) -> None:
    other = signing_key("ES256", "other", 2).jwk()
    published.serve({"keys": [published.issuer.key.jwk(**changes), other]})

    assert await published.verify_all([published.issuer.token()]) == ["key_not_found"]


@pytest.mark.conforms("keys with the same kid are distinguished; at most four are tried")
async def test_a_token_is_verified_with_at_most_four_keys_of_its_key_id(
    published: Published,
) -> None:
    """The fifth key with the same id is not tried."""
    decoys = [signing_key("ES256", "k1", number).jwk() for number in range(10, 14)]
    published.serve({"keys": [*decoys, published.issuer.key.jwk()]})

    assert await published.verify_all([published.issuer.token()]) == ["signature_invalid"]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    ("cache_control", "due"),
    [
        ("max-age=100", 80.0),
        ("max-age=1000", 800.0),
        ("max-age=1", 48.0),
        ("no-store", 48.0),
        ("max-age=10000000", 69_120.0),
        ("", 480.0),
    ],
)
async def test_each_response_of_the_issuer_says_when_the_next_refresh_is_due(
    published: Published, cache_control: str, due: float
) -> None:
    """Between one minute and one day."""
    published.publish(cache_control="max-age=200")
    await published.verify()
    published.clock.advance(160.0)
    published.publish(cache_control=cache_control)
    await published.verify()
    await run_pending_tasks()
    before: list[int] = []
    for _ in range(2):
        published.clock.advance(due - 0.5 if not before else 0.5)
        await published.verify()
        await run_pending_tasks()
        before.append(published.fetches)

    assert before == [2, 3]


@pytest.mark.conforms(
    "metadata is looked for at the well-known addresses, in order",
    "a rotation costs one fetch and no 401",
)
async def test_keys_at_a_new_jwks_uri_are_found_while_the_old_one_still_serves_old_keys() -> None:
    """The first fetch finds no new key; the second one discovers the new jwks_uri."""
    clock = FakeClock()
    issuer = FakeIssuer(key=signing_key("ES256", "k1"), clock=clock)
    old, moved = "https://issuer.example/old", "https://issuer.example/moved"
    place = "https://issuer.example/.well-known/openid-configuration"
    documents = FakeDocuments(
        {place: {"issuer": issuer.issuer, "jwks_uri": old}, old: issuer.jwks()}
    )
    verifier = issuer.verifier(keys=remote_keys(issuer=issuer.issuer, fetch=documents, clock=clock))
    await verifier.verify(Presented(issuer.token()))
    issuer.key = signing_key("ES256", "k2", 2)
    documents.documents |= {place: {"issuer": issuer.issuer, "jwks_uri": moved}}
    documents.documents |= {moved: issuer.jwks()}

    with pytest.raises(KeyNotFound):
        await verifier.verify(Presented(issuer.token()))
    clock.advance(10.0)

    assert (await verifier.verify(Presented(issuer.token()))).subject == ALICE
