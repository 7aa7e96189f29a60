"""Rotation, outage, wrong answers and slowness of a `FakeIssuer`, as a guarded API sees them."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from asgi_bearer import KeyNotFound, KeysUnavailable, Presented
from asgi_bearer.testing import FakeIssuer
from asgi_bearer.testing.gate import Gate
from tests.support.published_keys import run_pending_tasks

FAULTS: dict[str, Callable[[FakeIssuer], AbstractContextManager[None]]] = {
    "outage": lambda issuer: issuer.outage(),
    "a page instead of JSON": lambda issuer: issuer.answering(b"<html>", media_type="text/html"),
    "JSON that is no key set": lambda issuer: issuer.answering(b"{}"),
    "a key set without keys": lambda issuer: issuer.answering(b'{"keys": []}'),
    "a redirect": lambda issuer: issuer.answering(b"", status=302),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_without_keys_a_request_is_503_and_afterwards_it_is_verified(
    fault: Callable[[FakeIssuer], AbstractContextManager[None]],
) -> None:
    issuer = FakeIssuer()
    verifier = issuer.verifier()

    with fault(issuer), pytest.raises(KeysUnavailable):
        await verifier.verify(Presented(issuer.token()))

    issuer.clock.advance(60)
    assert (await verifier.verify(Presented(issuer.token()))).subject == "alice"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_with_keys_an_outage_is_not_seen(
    fault: Callable[[FakeIssuer], AbstractContextManager[None]],
) -> None:
    issuer = FakeIssuer()
    verifier = issuer.verifier()
    await verifier.verify(Presented(issuer.token()))

    with fault(issuer):
        issuer.clock.advance(1800)
        assert (await verifier.verify(Presented(issuer.token()))).subject == "alice"


def test_faults_may_be_nested() -> None:
    issuer = FakeIssuer()

    with issuer.outage():
        with issuer.answering(b"x"):
            assert issuer.answer_in_thread("/jwks").body == b"x"
        assert issuer.answer_in_thread("/jwks").status == 503
    assert issuer.answer_in_thread("/jwks").status == 200


async def test_a_new_key_is_fetched_and_the_old_one_stays_valid() -> None:
    issuer = FakeIssuer()
    verifier = issuer.verifier()
    old = issuer.token()
    await verifier.verify(Presented(old))

    key = issuer.rotate()

    assert key is issuer.key
    await verifier.verify(Presented(issuer.token()))
    await verifier.verify(Presented(old))
    assert [jwk["kid"] for jwk in issuer.jwks()["keys"]] == ["rotated-1", "k1"]


async def test_a_withdrawn_key_is_refused() -> None:
    issuer = FakeIssuer()
    verifier = issuer.verifier()
    old = issuer.token()
    await verifier.verify(Presented(old))

    issuer.rotate()
    issuer.rotate(withdraw=True)

    assert [jwk["kid"] for jwk in issuer.jwks()["keys"]] == ["rotated-2"]
    await verifier.verify(Presented(issuer.token()))
    with pytest.raises(KeyNotFound):
        await verifier.verify(Presented(old))


async def test_answers_are_held_back_until_the_block_ends() -> None:
    issuer = FakeIssuer()
    verifier = issuer.verifier()

    with issuer.held_back():
        waiting = [
            asyncio.create_task(verifier.verify(Presented(issuer.token()))) for _ in range(3)
        ]
        await run_pending_tasks()
        assert issuer.requested == ["/.well-known/oauth-authorization-server"]
        assert not any(task.done() for task in waiting)

    assert {(await task).subject for task in waiting} == {"alice"}


async def test_a_verifier_does_not_wait_longer_than_its_timeout() -> None:
    issuer = FakeIssuer()
    verifier = issuer.verifier(keys=issuer.remote_keys(timeout=0.01))

    with issuer.held_back(), pytest.raises(KeysUnavailable):
        await verifier.verify(Presented(issuer.token()))


def test_the_event_loop_of_a_held_back_request_may_have_ended() -> None:
    gate = Gate()
    gate.close()

    async def gives_up() -> None:
        waiting = asyncio.create_task(gate.wait())
        await run_pending_tasks()
        waiting.cancel()

    asyncio.run(gives_up())
    gate.open()

    asyncio.run(gate.wait())
