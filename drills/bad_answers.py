"""Promise 7: the issuer answers with something other than a key set."""

import asyncio
import gzip
import json
from collections.abc import Callable, Sequence

from benchmarks.tokens import Signer
from drills import load
from drills.parties import Parties, SystemUnderTest, holds_within
from drills.processes.issuer import JWKS
from drills.processes.issuer_server import Document
from drills.results import DrillResult

SLOW = ("no answer", "slow drip")
"""Each takes as long as the timeout of a fetch."""

_WITH_ATTACKERS_KEY = ("a key set within HTML", "huge", "endless", "gzip bomb", "redirect")
"""These contain a key of an attacker, or lead to one."""

_OTHER_PATH = "/elsewhere"

_HTML = {"Content-Type": "text/html"}


def _gzip_bomb(keys: bytes, attackers: bytes) -> Document:
    bomb = gzip.compress(attackers + b" " * 10**8, compresslevel=1)
    return Document(bomb, headers={"Content-Encoding": "gzip"})


_BAD_ANSWERS: dict[str, Callable[[bytes, bytes], Document]] = {
    "status 500": lambda keys, attackers: Document(keys, status=500),
    "status 404": lambda keys, attackers: Document(keys, status=404),
    "connection reset": lambda keys, attackers: Document(manner="reset"),
    "empty set": lambda keys, attackers: Document(b'{"keys": []}'),
    "no key set": lambda keys, attackers: Document(b'{"error": "maintenance"}'),
    "array": lambda keys, attackers: Document(b"[]"),
    "HTML": lambda keys, attackers: Document(b"<!doctype html><p>Sorry", headers=_HTML),
    "a key set within HTML": lambda keys, attackers: Document(
        b"<!doctype html><pre>" + attackers + b"</pre>", headers=_HTML
    ),
    "huge": lambda keys, attackers: Document(attackers + b" " * 2**20),
    "endless": lambda keys, attackers: Document(attackers, manner="endless"),
    "gzip bomb": _gzip_bomb,
    "redirect": lambda keys, attackers: Document(status=302, headers={"Location": _OTHER_PATH}),
    "truncated": lambda keys, attackers: Document(keys, manner="truncated"),
    "no answer": lambda keys, attackers: Document(manner="silent"),
    "slow drip": lambda keys, attackers: Document(keys, manner="drip"),
}
"""Each is made from the key set of the issuer and that of an attacker."""


async def bad_answers(system: SystemUnderTest) -> list[DrillResult]:
    """7: the last good key set stays in use, and the status names the fault."""
    quick = [name for name in _BAD_ANSWERS if name not in SLOW]
    groups = await asyncio.gather(*(_group(system, names) for names in (quick, *zip(SLOW))))
    return [*(result for group in groups for result in group), await _broken_entries(system)]


async def _group(system: SystemUnderTest, names: Sequence[str]) -> list[DrillResult]:
    lifetime = await system.lifetime()
    async with system.parties() as parties:
        attackers_key = parties.issuer.new_key("evil")
        return [await _drill(system, parties, name, attackers_key, lifetime) for name in names]


async def _drill(
    system: SystemUnderTest, parties: Parties, name: str, attackers_key: Signer, lifetime: float
) -> DrillResult:
    issuer, application = parties.issuer, parties.application
    attackers = json.dumps({"keys": [attackers_key.jwk()]}).encode()
    await issuer.serve(_OTHER_PATH, Document(attackers))
    await issuer.serve(JWKS, _BAD_ANSWERS[name](issuer.jwks(), attackers))
    fetches_before = await issuer.fetches()
    await application.advance(lifetime + 1)
    responses = [await parties.get()]
    await parties.wait_for_fetches(fetches_before + 1)
    fault: str | None = None
    if not system.is_peer:
        await holds_within(7.0, lambda: _has_fault(parties))
        fault = (await application.status())["fault"]
    responses += await load.send_without_pause(application.port, [issuer.token()] * 20)
    attackers_token: int | None = None
    if name in _WITH_ATTACKERS_KEY:
        attackers_token = (await parties.get(issuer.token(attackers_key))).status
    await issuer.publish()
    await application.advance(61)
    recovered = await parties.seconds_until(200, issuer.token(), at_most=60) is not None
    if not system.is_peer:
        recovered = await holds_within(2.0, lambda: _is_fresh(parties))
    slowest = max(response.seconds for response in responses)
    return DrillResult(
        7,
        name,
        f"{load.status_counts(responses)}, slowest {1000 * slowest:.0f} ms"
        + (f"; attacker's token: {attackers_token}" if attackers_token is not None else "")
        + (f"; fault: {fault.replace(issuer.origin, '')}" if fault is not None else "")
        + ("" if recovered else "; did not recover"),
        "all 200" if system.is_peer else "all 200; the status names the fault",
        load.all_are(200, responses)
        and recovered
        and attackers_token != 200
        and (system.is_peer or fault is not None),
    )


async def _has_fault(parties: Parties) -> bool:
    fault: object = (await parties.application.status())["fault"]
    return fault is not None


async def _is_fresh(parties: Parties) -> bool:
    state: object = (await parties.application.status())["state"]
    return state == "fresh"


async def _broken_entries(system: SystemUnderTest) -> DrillResult:
    async with system.parties() as parties:
        new = parties.issuer.new_key()
        parties.issuer.keys.insert(0, new)
        broken = {"kty": "RSA", "kid": "broken", "n": "AQAB", "e": "!"}
        await parties.application.advance(61)
        await parties.issuer.serve(JWKS, Document(parties.issuer.jwks(broken, "nonsense", None)))
        responses = [await parties.get(parties.issuer.token(key)) for key in parties.issuer.keys]
    return DrillResult(
        7,
        "three broken entries beside a new key and the old one",
        load.status_counts(responses),
        "2 x 200",
        load.all_are(200, responses),
    )
