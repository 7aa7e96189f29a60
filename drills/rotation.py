"""Promises 1, 5 and 6: the issuer adds, replaces or withdraws a key."""

from drills import load
from drills.parties import Parties, SystemUnderTest
from drills.results import DrillResult

CLIENTS = 200


async def new_key_id(system: SystemUnderTest) -> list[DrillResult]:
    """1: a token with a new key id causes no 401 and one fetch."""
    results: list[DrillResult] = []
    async with system.parties() as parties:
        await parties.application.advance(60)
        results.append(await _rotation(parties, "no fetch for a minute"))
    lifetime = await system.lifetime()
    async with system.parties() as parties:
        await parties.application.advance(lifetime + 1)
        await parties.get()
        await parties.wait_for_fetches(2)
        results.append(await _rotation(parties, "keys fetched a moment ago"))
    async with system.parties() as parties:
        await parties.issuer.publish(delay=0.5)
        await parties.application.advance(0.9 * lifetime)
        await parties.get()
        # A library without refresh ahead does not fetch here; the drill goes on.
        await parties.wait_for_fetches(2)
        results.append(await _rotation(parties, "an older fetch still running"))
    return results


async def _rotation(parties: Parties, when: str) -> DrillResult:
    new = parties.issuer.new_key()
    fetches_before = await parties.issuer.fetches()
    await parties.issuer.publish(new, *parties.issuer.keys)
    tokens = [parties.issuer.token(new)] * CLIENTS
    responses = await load.send_at_once(parties.application.port, tokens)
    fetches = await parties.issuer.fetches() - fetches_before
    return DrillResult(
        1,
        f"{CLIENTS} requests at once with a new key id; {when}",
        f"{load.status_counts(responses)}; fetches: {fetches}",
        f"{CLIENTS} x 200; fetches: 1",
        load.all_are(200, responses) and fetches == 1,
    )


async def same_key_id(system: SystemUnderTest) -> list[DrillResult]:
    """5: the issuer puts a new key behind an existing key id."""
    return [await _same_key_id(system, forged=0), await _same_key_id(system, forged=100)]


async def _same_key_id(system: SystemUnderTest, *, forged: int) -> DrillResult:
    async with system.parties() as parties:
        kid = parties.issuer.keys[0].kid
        # The cool-down of the first fetch, which drill 1 measures, has ended.
        await parties.application.advance(11)
        fetches_before = await parties.issuer.fetches()
        forged_tokens = [parties.issuer.forged(kid)] * forged
        refused = await load.send_without_pause(parties.application.port, forged_tokens)
        fetches_by_forged = await parties.issuer.fetches() - fetches_before
        await parties.issuer.publish(parties.issuer.new_key(kid))
        seconds = await parties.seconds_until(200, parties.issuer.token(), at_most=60)
        fetches = await parties.issuer.fetches() - fetches_before - fetches_by_forged
    after = f" after {forged} forged tokens with that id" if forged else ""
    longest = 10 if forged else 0
    return DrillResult(
        5,
        f"same key id, new key{after}",
        f"accepted after {'more than 60' if seconds is None else seconds} s; fetches: {fetches}"
        + (
            f"; forged: {load.status_counts(refused)}, fetches: {fetches_by_forged}"
            if forged
            else ""
        ),
        f"after at most {longest} s; fetches: 1"
        + ("; forged: all 401, fetches: at most 1" if forged else ""),
        seconds is not None
        and seconds <= longest
        and fetches == 1
        and fetches_by_forged <= 1
        and load.all_are(401, refused),
    )


async def withdrawn_key(system: SystemUnderTest) -> list[DrillResult]:
    """6: once a key has left the fetched set, its tokens are refused."""
    lifetime = await system.lifetime()
    async with system.parties(warm=False) as parties:
        withdrawn, kept = parties.issuer.keys[0], parties.issuer.new_key()
        await parties.issuer.publish(withdrawn, kept)
        # The application may have fetched at its start, before the second key was published.
        await parties.get(parties.issuer.token(kept))
        before = [await parties.get(parties.issuer.token(key)) for key in (withdrawn, kept)]
        fetches_before = await parties.issuer.fetches()
        await parties.issuer.publish(kept)
        await parties.application.advance(lifetime + 1)
        await parties.get()
        await parties.wait_for_fetches(fetches_before + 1)
        await parties.get()
        port = parties.application.port
        refused = await load.send_without_pause(port, [parties.issuer.token(withdrawn)] * 100)
        accepted = await load.send_without_pause(port, [parties.issuer.token()] * 100)
    return [
        DrillResult(
            6,
            "a key is withdrawn, and the keys have been refreshed",
            f"before: {load.status_counts(before)}; withdrawn: {load.status_counts(refused)}; "
            f"kept: {load.status_counts(accepted)}",
            "before: 2 x 200; withdrawn: 100 x 401; kept: 100 x 200",
            load.all_are(200, before)
            and load.all_are(401, refused)
            and load.all_are(200, accepted),
        )
    ]
