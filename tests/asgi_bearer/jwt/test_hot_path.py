"""The cost of a request, measured as a number of calls instead of time.

These limits may be lowered at any time. To raise one, give the reason in the commit message and
show the cost with the benchmarks.
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
"""The limits for a request with a known token. Two Python calls and five C calls mark the response
as private; two of each check whether `verify` or `key_set` was replaced; one keeps the token out of
the guard's own frame."""


@dataclass
class Calls:
    """The calls that were made, by name, without those of this file."""

    python: Counter[str] = field(default_factory=Counter[str])
    c: Counter[str] = field(default_factory=Counter[str])

    def count(self, frame: FrameType, event: str, arg: Any) -> None:
        """Count a call; for `sys.setprofile`."""
        if frame.f_globals["__name__"] == __name__:
            return
        if event == "call":
            self.python[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            self.c[arg.__name__] += 1

    def __getitem__(self, name: str) -> int:
        return self.python[name] + self.c[name]


async def application(_scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Send the shortest possible response."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def guard(issuer: FakeIssuer, **arguments: Any) -> BearerMiddleware:
    """Return the guard in its usual configuration: with fetched keys."""
    keys = remote_keys(jwks_uri=JWKS_URI, fetch=FakeDocuments({JWKS_URI: issuer.jwks()}))
    verifier = issuer.verifier(keys=keys, **arguments)
    return BearerMiddleware(application, verifier=verifier, scopes={"read:contacts"})


async def calls_for(guarded: BearerMiddleware, token: str) -> Calls:
    """Count the calls for a request with `token`, which must be accepted."""
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
    sys.setprofile(calls.count)
    try:
        await guarded(scope, receive, send)
    finally:
        sys.setprofile(None)
    assert statuses == [200]
    return calls


@pytest.fixture
def issuer() -> FakeIssuer:
    # As in production: `time.time` is a C function and adds no Python call.
    return FakeIssuer(clock=time.time)


async def test_a_known_token_is_hashed_once_and_not_decoded(
    issuer: FakeIssuer,
) -> None:
    guarded, token = guard(issuer), issuer.token()
    await calls_for(guarded, token)

    calls = await calls_for(guarded, token)

    assert calls["openssl_sha256"] == calls["digest"] == 1
    for name in ("a2b_base64", "JSONDecoder.raw_decode", "decoded", "verify", "check_audience"):
        assert calls[name] == 0, name


async def test_a_request_with_a_known_token_makes_few_calls(issuer: FakeIssuer) -> None:
    guarded, token = guard(issuer), issuer.token()
    await calls_for(guarded, token)

    calls = await calls_for(guarded, token)

    assert calls.python.total() <= MOST_PYTHON_CALLS, calls.python
    assert calls.c.total() <= MOST_C_CALLS, calls.c


async def test_each_step_is_done_once_for_a_new_token(issuer: FakeIssuer) -> None:
    """The header is already cached: all tokens of one key have the same header."""
    guarded = guard(issuer, verified_tokens=0)
    await calls_for(guarded, issuer.token())

    calls = await calls_for(guarded, issuer.token(sub="bob"))

    once = ("JSONDecoder.raw_decode", "Key.verifies", "check_issuer", "check_audience", "frozen")
    assert {name: calls[name] for name in once} == dict.fromkeys(once, 1)
    assert calls["a2b_base64"] == 2
    assert calls["check_header"] == 0
    assert calls["openssl_sha256"] == 0


async def test_the_counter_counts_the_calls_of_a_first_request(issuer: FakeIssuer) -> None:
    """For the first token, the header is parsed as well, and the cache is asked twice."""
    calls = await calls_for(guard(issuer), issuer.token())

    assert calls["check_header"] == 1
    assert calls["a2b_base64"] > 2
    assert calls["openssl_sha256"] == 2
    assert calls.python.total() > MOST_PYTHON_CALLS
