"""A verifier or key source that is overridden, wrapped or patched is asked for every request."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from asgi_bearer import (
    BearerMiddleware,
    InvalidTokenError,
    JWTVerifier,
    KeysUnavailable,
    Presented,
    Principal,
    StaticKeys,
    remote_keys,
)
from asgi_bearer.keys import KeySet, Missed, RemoteKeys
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeIssuer
from tests.support.asgi import answer_ok, bearer, client
from tests.support.documents import FakeDocuments

issuer = FakeIssuer()


async def statuses(verifier: Any, *, times: int = 3) -> list[int]:
    """Return the statuses of several requests with the same token."""
    guarded = BearerMiddleware(answer_ok, verifier=verifier)
    headers = bearer(issuer.token())
    return [(await client(guarded).get("/", headers=headers)).status_code for _ in range(times)]


class Revoking(JWTVerifier):
    """A subclass that accepts each token once."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._times = 0

    async def verify(self, presented: Presented) -> Principal:
        """Verify the token; from the second time on, refuse it."""
        principal = await super().verify(presented)
        self._times += 1
        if self._times > 1:
            raise InvalidTokenError("revoked")
        return principal


class Delegating:
    """A wrapper that overrides `verify` and delegates everything else."""

    def __init__(self, verifier: JWTVerifier) -> None:
        self._verifier = verifier
        self._times = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._verifier, name)

    async def verify(self, presented: Presented) -> Principal:
        """Verify the token; from the second time on, refuse it."""
        principal = await self._verifier.verify(presented)
        self._times += 1
        if self._times > 1:
            raise InvalidTokenError("revoked")
        return principal


def overridden_by_a_subclass() -> Any:
    return Revoking(
        issuer=ISSUER, audience=AUDIENCE, keys=StaticKeys(issuer.jwks()), clock=issuer.clock
    )


def overridden_by_a_wrapper() -> Any:
    return Delegating(issuer.verifier())


def overridden_on_the_object() -> Any:
    verifier: Any = issuer.verifier()
    verifier.verify = Delegating(issuer.verifier()).verify
    return verifier


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
@pytest.mark.parametrize(
    "make", [overridden_by_a_subclass, overridden_by_a_wrapper, overridden_on_the_object]
)
async def test_an_override_of_verify_is_called_for_every_request(make: Any) -> None:
    assert await statuses(make()) == [200, 401, 401]


async def test_a_subclass_without_an_override_uses_the_cache() -> None:
    class Named(JWTVerifier):
        name = "contacts"

    verifier = Named(
        issuer=ISSUER, audience=AUDIENCE, keys=StaticKeys(issuer.jwks()), clock=issuer.clock
    )
    token = issuer.token()
    principal = await verifier.verify(Presented(token))

    assert await verifier.verify(Presented(token)) is principal
    assert await statuses(verifier) == [200, 200, 200]


@pytest.mark.conforms(
    "the last good key set serves within its bound",
    "a verified token is cached until it or its key ends, as a digest, bounded",
)
async def test_an_override_of_key_set_is_called_for_every_request() -> None:

    class Failing(StaticKeys):
        calls = 0

        async def key_set(self, missed: Missed | None = None) -> KeySet:
            self.calls += 1
            if self.calls > 1:
                raise KeysUnavailable("down")
            return await super().key_set(missed)

    assert await statuses(issuer.verifier(keys=Failing(issuer.jwks()))) == [200, 503, 503]


async def test_a_wrapper_that_delegates_everything_is_called_for_every_request() -> None:
    """The guard cannot see what the wrapper delegates to."""

    class Transparent:
        def __getattr__(self, name: str) -> Any:
            return getattr(delegating, name)

    delegating = Delegating(issuer.verifier())

    assert await statuses(Transparent()) == [200, 401, 401]


async def refusing(*_arguments: object, **_named: object) -> Any:
    """Refuse, in place of a method."""
    raise InvalidTokenError("patched")


@pytest.mark.parametrize("known", [False, True], ids=["new token", "known token"])
@pytest.mark.parametrize("where", ["class", "object"])
async def test_a_verify_that_is_patched_later_is_called(
    where: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = issuer.verifier()
    guarded = BearerMiddleware(answer_ok, verifier=verifier)
    headers = bearer(issuer.token())
    http = client(guarded)
    if known:
        assert [(await http.get("/", headers=headers)).status_code for _ in "ab"] == [200, 200]

    monkeypatch.setattr(JWTVerifier if where == "class" else verifier, "verify", refusing)

    assert (await http.get("/", headers=headers)).status_code == 401
    monkeypatch.undo()
    assert (await http.get("/", headers=headers)).status_code == 200


@pytest.mark.parametrize("where", ["class", "object"])
async def test_a_key_set_that_is_patched_later_is_called(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = StaticKeys(issuer.jwks())
    guarded = BearerMiddleware(answer_ok, verifier=issuer.verifier(keys=keys))
    headers = bearer(issuer.token())
    http = client(guarded)
    assert [(await http.get("/", headers=headers)).status_code for _ in "ab"] == [200, 200]

    monkeypatch.setattr(StaticKeys if where == "class" else keys, "key_set", refusing)

    assert (await http.get("/", headers=headers)).status_code == 401


def traced_and_refusing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a wrapper like those of tracing libraries, which refuses."""

    @functools.wraps(method)
    async def traced(*arguments: object, **named: object) -> Any:
        return await refusing(*arguments, **named)

    return traced


@pytest.mark.parametrize(
    "replacement", [refusing, traced_and_refusing(JWTVerifier.verify)], ids=["other", "wrapped"]
)
@pytest.mark.parametrize("where", ["class", "object"])
async def test_a_verify_that_was_patched_before_the_guard_was_made_is_called(
    where: str, replacement: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verifier has already cached the token."""
    verifier, token = issuer.verifier(), issuer.token()
    await verifier.verify(Presented(token))

    monkeypatch.setattr(JWTVerifier if where == "class" else verifier, "verify", replacement)

    guarded = BearerMiddleware(answer_ok, verifier=verifier)
    assert (await client(guarded).get("/", headers=bearer(token))).status_code == 401


@pytest.mark.parametrize("where", ["class", "object"])
@pytest.mark.parametrize("kind", [StaticKeys, RemoteKeys])
async def test_a_key_set_that_was_patched_before_the_verifier_was_made_is_called(
    where: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://issuer.example/jwks"
    keys: Any = (
        StaticKeys(issuer.jwks())
        if kind is StaticKeys
        else remote_keys(jwks_uri=address, fetch=FakeDocuments({address: issuer.jwks()}))
    )
    await keys.key_set()

    monkeypatch.setattr(kind if where == "class" else keys, "key_set", refusing)

    assert await statuses(issuer.verifier(keys=keys), times=1) == [401]
