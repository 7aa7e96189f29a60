"""What a request costs, counted instead of timed: the calls that are made for it.

A number here may go down at any time. Whoever lets one go up says why in the commit, and shows
with the benchmarks what that costs.
"""

import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware, remote_keys
from tests.support.fake_issuer import FakeDocuments, FakeIssuer

JWKS_URI = "https://issuer.example/jwks"

MOST_PYTHON_CALLS = 12
MOST_C_CALLS = 19
"""Of a request whose token is known. Two of the first and five of the second are made for the
response, which is marked as private; two of each see to it that a `verify` or `key_set` that was
replaced meanwhile is asked; one keeps the token out of the guard's own frame."""


@dataclass
class Calls:
    """The calls that were made, by name, but for those of this file."""

    python: Counter[str] = field(default_factory=Counter[str])
    c: Counter[str] = field(default_factory=Counter[str])

    def note(self, frame: FrameType, event: str, arg: Any) -> None:
        """Take down a call; for `sys.setprofile`."""
        if frame.f_globals["__name__"] == __name__:
            return
        if event == "call":
            self.python[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            self.c[arg.__name__] += 1

    def __getitem__(self, name: str) -> int:
        return self.python[name] + self.c[name]


async def application(_scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer as short as can be."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def guard(of: FakeIssuer, **arguments: Any) -> BearerMiddleware:
    """Return the guard as most people have it: with keys that are fetched."""
    keys = remote_keys(jwks_uri=JWKS_URI, fetch=FakeDocuments({JWKS_URI: of.jwks()}))
    verifier = of.verifier(keys=keys, **arguments)
    return BearerMiddleware(application, verifier=verifier, scopes={"read:contacts"})


async def calls_for(guarded: BearerMiddleware, token: str) -> Calls:
    """Return what is called for a request with `token`, which must be let in."""
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    headers = [
        (b"host", b"api.example"),
        (b"user-agent", b"test"),
        (b"authorization", b"Bearer " + token.encode()),
    ]
    scope = {"type": "http", "method": "GET", "path": "/contacts", "headers": headers}
    calls = Calls()
    sys.setprofile(calls.note)
    try:
        await guarded(scope, receive, send)
    finally:
        sys.setprofile(None)
    assert statuses == [200]
    return calls


@pytest.fixture
def issuer() -> FakeIssuer:
    # As in production: a clock written in Python would be one call more.
    return FakeIssuer(clock=time.time)


async def test_for_a_known_token_nothing_is_decoded_and_one_digest_is_made(
    issuer: FakeIssuer,
) -> None:
    guarded, token = guard(issuer), issuer.token()
    await calls_for(guarded, token)

    calls = await calls_for(guarded, token)

    assert calls["openssl_sha256"] == calls["digest"] == 1
    for name in ("a2b_base64", "JSONDecoder.raw_decode", "decoded", "verify", "check_audience"):
        assert calls[name] == 0, name


async def test_for_a_known_token_few_calls_are_made(issuer: FakeIssuer) -> None:
    guarded, token = guard(issuer), issuer.token()
    await calls_for(guarded, token)

    calls = await calls_for(guarded, token)

    assert calls.python.total() <= MOST_PYTHON_CALLS, calls.python
    assert calls.c.total() <= MOST_C_CALLS, calls.c


async def test_for_a_new_token_each_thing_is_done_once(issuer: FakeIssuer) -> None:
    """The header is one that was seen before: each key of an issuer writes the same."""
    guarded = guard(issuer, verified_tokens=0)
    await calls_for(guarded, issuer.token())

    calls = await calls_for(guarded, issuer.token(sub="bob"))

    once = ("JSONDecoder.raw_decode", "Key.verifies", "check_issuer", "check_audience", "frozen")
    assert {name: calls[name] for name in once} == dict.fromkeys(once, 1)
    assert calls["a2b_base64"] == 2
    assert calls["check_header"] == 0
    assert calls["openssl_sha256"] == 0


async def test_what_is_counted_is_what_is_done(issuer: FakeIssuer) -> None:
    """The first token of all has its header read as well, and is looked for twice."""
    calls = await calls_for(guard(issuer), issuer.token())

    assert calls["check_header"] == 1
    assert calls["a2b_base64"] > 2
    assert calls["openssl_sha256"] == 2
    assert calls.python.total() > MOST_PYTHON_CALLS
