"""The HTTP client is made ready once per process, outside every time limit, and shared."""

import asyncio
import os
import ssl
import threading
from collections.abc import Callable

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import FetchFailed, remote_keys
from asgi_bearer.keys.fetcher import KeyFetcher
from asgi_bearer.keys.freshness import Freshness
from asgi_bearer.keys.http import HttpxFetch
from asgi_bearer.keys.tls import Preparation, prepared_tls_context
from tests.support.fake_issuer import FakeDocuments, FakeIssuer
from tests.support.published_keys import JWKS_URI, settled


class Slow:
    """Something that is made when it is let, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.let = threading.Event()
        self.fault: Exception | None = None
        self.threads: set[int] = set()

    def __call__(self) -> str:
        self.begun += 1
        self.threads.add(threading.get_ident())
        assert self.let.wait(10.0)
        if self.fault is not None:
            raise self.fault
        return "made"


async def test_all_who_wait_get_what_was_made_once_in_another_thread() -> None:
    slow = Slow()
    preparation = Preparation(slow)
    waiting = [asyncio.create_task(preparation.result()) for _ in range(100)]
    await settled()
    slow.let.set()

    assert await asyncio.gather(*waiting) == ["made"] * 100
    assert await preparation.result() == "made"
    assert slow.begun == 1
    assert threading.get_ident() not in slow.threads


async def test_the_event_loop_goes_on_while_it_is_made() -> None:
    slow = Slow()
    waiting = asyncio.create_task(Preparation(slow).result())

    await settled()

    assert not waiting.done()
    slow.let.set()
    await waiting


async def test_one_who_is_cancelled_ends_the_making_for_nobody() -> None:
    slow = Slow()
    preparation = Preparation(slow)
    first, second = (asyncio.create_task(preparation.result()) for _ in range(2))
    await settled()

    first.cancel()
    await settled()
    slow.let.set()

    assert await second == "made"
    assert first.cancelled()
    assert slow.begun == 1


async def test_it_is_kept_though_everybody_who_waited_gave_up() -> None:
    slow = Slow()
    preparation = Preparation(slow)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(preparation.result(), 0.01)

    slow.let.set()

    assert await preparation.result() == "made"
    assert slow.begun == 1


async def test_what_could_not_be_made_is_tried_again() -> None:
    slow = Slow()
    slow.let.set()
    slow.fault = OSError("no certificates")
    preparation = Preparation(slow)
    for _ in range(2):
        with pytest.raises(OSError, match="no certificates"):
            await preparation.result()
    slow.fault = None

    assert await preparation.result() == "made"
    assert slow.begun == 3


def test_an_event_loop_that_is_gone_keeps_nothing_from_being_made() -> None:
    slow = Slow()
    preparation = Preparation(slow)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(preparation.result(), 0.01)

    asyncio.run(give_up())
    slow.let.set()

    assert asyncio.run(preparation.result()) == "made"
    assert slow.begun == 1


async def test_a_process_that_was_forked_while_it_was_made_makes_it_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread that makes it is not in the child."""
    slow = Slow()
    preparation = Preparation(slow)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(preparation.result(), 0.01)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    child = asyncio.create_task(preparation.result())
    await settled()
    slow.let.set()

    assert await child == "made"
    assert slow.begun == 2


async def test_all_sources_share_the_client_and_the_certificates() -> None:
    assert await prepared_tls_context() is await prepared_tls_context()


async def test_a_context_of_the_operator_is_taken_as_it_is() -> None:
    context = ssl.create_default_context()

    assert await prepared_tls_context(context) is context


def attempts(prepare: Callable[[], object], documents: FakeDocuments) -> KeyFetcher:
    """Return attempts with a deadline that is shorter than any preparation."""

    class Named:
        warning: str | None = None

        async def __call__(self, *, rediscover: bool) -> str:
            return JWKS_URI

    async def prepared() -> None:
        await asyncio.to_thread(prepare)

    freshness = Freshness(default=600.0, shortest=60.0, longest=600.0)
    return KeyFetcher(Named(), documents, freshness=freshness, deadline=0.05, prepare=prepared)


async def test_what_is_made_ready_first_takes_nothing_from_the_time_of_an_attempt() -> None:
    """On a slow processor importing the client takes longer than an attempt may."""
    let = threading.Event()
    asyncio.get_running_loop().call_later(0.2, let.set)
    documents = FakeDocuments({JWKS_URI: FakeIssuer().jwks()})

    fetched = await attempts(lambda: let.wait(10.0), documents)()

    assert len(fetched.key_set.keys) == 1


class Unready:
    """A client that takes its time, or cannot be had."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked = 0
        self.fault = fault

    async def __call__(self, ssl_context: ssl.SSLContext | None) -> ssl.SSLContext:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        let = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, let.set)
        await let.wait()
        return ssl.create_default_context()


async def screen(host: str, *, proxied: bool) -> list[str]:
    raise OSError("no such host")


async def test_a_client_that_is_slow_to_be_ready_takes_nothing_from_the_time_of_a_fetch() -> None:
    unready = Unready()
    fetch = HttpxFetch(timeout=0.05, max_bytes=2000, screen=screen, load_tls_context=unready)

    for _ in range(2):
        with pytest.raises(FetchFailed, match="no such host"):
            await fetch(JWKS_URI)

    assert unready.asked == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (TimeoutError(), "importing the HTTP client takes longer than 60 s"),
        (FileNotFoundError("s3cret"), "the certificates cannot be loaded: FileNotFoundError"),
        (ssl.SSLError("s3cret"), "the certificates cannot be loaded: SSLError"),
        (ImportError("s3cret"), "the HTTP client cannot be imported: ImportError"),
    ],
    ids=["slow", "no-file", "no-certificate", "no-client"],
)
async def test_a_client_that_cannot_be_had_is_a_failure_that_the_next_fetch_may_not_have(
    fault: Exception, words: str
) -> None:
    unready = Unready(fault)
    fetch = HttpxFetch(timeout=1.0, max_bytes=2000, screen=screen, load_tls_context=unready)
    with pytest.raises(FetchFailed) as failed:
        await fetch.prepare()
    unready.fault = None

    assert str(failed.value).startswith(words)
    assert "s3cret" not in str(failed.value)
    await fetch.prepare()


async def test_a_client_of_the_users_own_is_made_ready_for_nothing() -> None:
    """Its first attempt has the time that it was given, and httpx is not imported for it."""
    documents = FakeDocuments({JWKS_URI: FakeIssuer().jwks()})
    keys = remote_keys(jwks_uri=JWKS_URI, fetch=documents, timeout=0.02)

    assert len((await keys.key_set()).keys) == 1


async def test_a_source_without_certificates_says_so_and_recovers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem")
    keys = remote_keys(jwks_uri="https://127.0.0.1:1/jwks", clock=lambda: now[0])
    with pytest.raises(
        KeysUnavailable, match="the certificates cannot be loaded: FileNotFoundError"
    ):
        await keys.key_set()
    monkeypatch.delenv("SSL_CERT_FILE")
    now[0] = 2.0

    with pytest.raises(KeysUnavailable, match="ConnectError"):
        await keys.key_set()
