"""Floods of invalid tokens: they cause few fetches and hardly delay a rotation of keys."""

import asyncio

import pytest

from asgi_bearer.testing.signing import b64
from tests.support.published_keys import Published, run_pending_tasks

ALICE = "alice"


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_flood_of_unknown_key_ids_causes_one_fetch_per_cool_down(
    published: Published,
) -> None:
    await published.verify()

    for window in range(1, 4):
        assert set(await published.verify_all(published.unknown_tokens(1000))) == {"key_not_found"}
        published.clock.advance(9.9)
        assert set(await published.verify_all(published.unknown_tokens(100))) == {"key_not_found"}
        assert published.fetches == 1 + window
        published.clock.advance(0.1)


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_requests_with_a_known_key_do_not_wait_during_a_flood(published: Published) -> None:
    await published.verify()
    published.documents.pause()
    flood = asyncio.create_task(published.verify_all(published.unknown_tokens(1000)))
    await run_pending_tasks()

    tokens = [published.issuer.token(jti=f"{n}") for n in range(100)]
    assert await asyncio.wait_for(published.verify_all(tokens), 60.0) == [ALICE] * 100

    assert not flood.done()
    published.documents.resume()
    assert set(await flood) == {"key_not_found"}


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_flood_of_unknown_key_ids_delays_a_rotation_by_one_cool_down_at_most(
    published: Published,
) -> None:
    await published.verify()
    await published.verify_all(published.unknown_tokens(100))
    published.rotate()

    assert await published.verify_all([published.issuer.token()]) == ["key_not_found"]
    published.clock.advance(10.0)
    assert await published.verify_all([published.issuer.token()]) == [ALICE]


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
@pytest.mark.parametrize("second", range(10))
@pytest.mark.parametrize("ids", ["new", "the-same"])
async def test_a_rotation_during_a_flood_is_found_after_one_cool_down_at_most(
    published: Published, second: int, ids: str
) -> None:
    """The flood continues, half a second ahead of the new tokens."""
    await published.verify()
    rotated_at = served_at = None
    for tick in range(60):
        await published.verify_all(
            published.unknown_tokens(3, f"{tick}-" if ids == "new" else "same")
        )
        published.clock.advance(0.5)
        if tick == 2 * second:
            published.rotate()
            rotated_at = published.clock.now
        if rotated_at is None or served_at is not None:
            continue
        if await published.verify_all([published.issuer.token()]) == [ALICE]:
            served_at = published.clock.now

    assert rotated_at is not None
    assert served_at is not None
    assert served_at - rotated_at <= 10.0
    assert published.fetches <= 1 + 4  # Thirty seconds hold at most four cool-downs.


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_an_attacker_who_guesses_the_next_key_id_delays_a_rotation_by_one_cool_down_at_most(
    published: Published,
) -> None:
    """Any client can send invalid tokens with the id of the next key."""
    await published.verify()
    header = b64(published.issuer.header(kid="k2"))
    guessed = [f"{header}.{published.issuer.token().split('.', 1)[1]}"]
    for _ in range(700):
        await published.verify_all(guessed)
        published.clock.advance(1.0)
    published.rotate()
    rotated = published.clock.now

    while await published.verify_all([published.issuer.token()]) != [ALICE]:
        published.clock.advance(1.0)

    assert published.clock.now - rotated <= 10.0


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_thousand_tokens_with_one_unknown_key_id_cost_one_fetch(
    published: Published,
) -> None:
    await published.verify()

    assert set(await published.verify_all(published.unknown_tokens(1) * 1000)) == {"key_not_found"}
    assert published.fetches == 2


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
async def test_a_flood_does_not_affect_tokens_of_known_keys(published: Published) -> None:
    await published.verify()
    for tick in range(60):
        flood = published.unknown_tokens(20, f"{tick}-") + published.forged_tokens(5)
        outcomes = await published.verify_all([*flood, *[published.issuer.token()] * 20])
        assert outcomes[-20:] == [ALICE] * 20
        published.clock.advance(1.0)

    assert (
        published.fetches == 1 + 2 * 6
    )  # Sixty seconds hold six cool-downs for each kind of miss.


@pytest.mark.conforms(
    "a rotation costs one fetch and no 401",
    "made-up key ids cost one fetch per cool-down",
)
async def test_a_rotation_during_a_flood_is_found_with_any_fetch_that_began_after_it(
    published: Published,
) -> None:
    """The cool-down for unknown keys is running; a bad signature causes the fetch."""
    await published.verify()
    published.documents.pause()
    unknown = asyncio.create_task(published.verify_all(published.unknown_tokens(1)))
    await run_pending_tasks()
    forged = asyncio.create_task(published.verify_all(published.forged_tokens(1)))
    await run_pending_tasks()
    published.rotate()

    results = await published.verify_all_during_fetch([published.issuer.token()])

    assert results == [ALICE]
    assert [*await unknown, *await forged] == ["key_not_found", "key_not_found"]
    assert published.fetches == 3


@pytest.mark.conforms("a new key under the same kid is found")
async def test_a_flood_of_bad_signatures_causes_one_fetch_per_cool_down(
    published: Published,
) -> None:
    await published.verify()

    for window in range(1, 4):
        assert set(await published.verify_all(published.forged_tokens(200))) == {
            "signature_invalid"
        }
        assert published.fetches == 1 + window
        published.clock.advance(10.0)


@pytest.mark.conforms("a new key under the same kid is found")
async def test_a_flood_of_bad_signatures_does_not_delay_a_rotation(published: Published) -> None:
    await published.verify()
    await published.verify_all(published.forged_tokens(200))
    published.rotate()

    assert await published.verify_all([published.issuer.token()] * 200) == [ALICE] * 200
    assert published.fetches == 3


@pytest.mark.conforms(
    "made-up key ids cost one fetch per cool-down",
    "a new key under the same kid is found",
)
async def test_a_mixed_flood_causes_one_fetch_for_each_kind_of_miss(published: Published) -> None:
    await published.verify()

    outcomes = await published.verify_all(
        published.unknown_tokens(500) + published.forged_tokens(100)
    )

    assert set(outcomes) == {"key_not_found", "signature_invalid"}
    assert published.fetches <= 3


@pytest.mark.conforms("a new key under the same kid is found")
async def test_a_new_key_under_the_same_id_is_found_during_a_flood_of_forged_tokens(
    published: Published,
) -> None:
    """After one cool-down at most; the forged tokens are still refused."""
    await published.verify()
    forged = published.forged_tokens(20)
    assert set(await published.verify_all(forged)) == {"signature_invalid"}
    published.rotate("k1", 2)

    for _ in range(10):
        outcomes = await published.verify_all([*forged, published.issuer.token()])
        assert set(outcomes) == {"signature_invalid"}
        published.clock.advance(1.0)

    outcomes = await published.verify_all([*forged, *[published.issuer.token()] * 200])
    assert outcomes == ["signature_invalid"] * 20 + [ALICE] * 200
    assert published.fetches == 3
