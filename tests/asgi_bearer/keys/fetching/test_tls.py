"""The HTTP client is prepared once per process, outside every time limit, and shared."""

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
from asgi_bearer.testing import FakeIssuer
from tests.support.documents import FakeDocuments
from tests.support.published_keys import JWKS_URI, run_pending_tasks


class SlowPreparation:
    """A slow preparation: it waits for the event `let` and counts its starts."""

    def __init__(self) -> None:
        self.starts = 0
        self.allowed = threading.Event()
        self.fault: Exception | None = None
        self.threads: set[int] = set()

    def __call__(self) -> str:
        self.starts += 1
        self.threads.add(threading.get_ident())
        assert self.allowed.wait(10.0)
        if self.fault is not None:
            raise self.fault
        return "made"


async def test_all_waiting_tasks_share_one_preparation_in_another_thread() -> None:
    slow = SlowPreparation()
    preparation = Preparation(slow)
    waiting = [asyncio.create_task(preparation.result()) for _ in range(100)]
    await run_pending_tasks()
    slow.allowed.set()

    assert await asyncio.gather(*waiting) == ["made"] * 100
    assert await preparation.result() == "made"
    assert slow.starts == 1
    assert threading.get_ident() not in slow.threads


async def test_the_event_loop_runs_during_the_preparation() -> None:
    slow = SlowPreparation()
    waiting = asyncio.create_task(Preparation(slow).result())

    await run_pending_tasks()

    assert not waiting.done()
    slow.allowed.set()
    await waiting


async def test_cancelling_one_waiting_task_does_not_cancel_the_preparation() -> None:
    slow = SlowPreparation()
    preparation = Preparation(slow)
    first, second = (asyncio.create_task(preparation.result()) for _ in range(2))
    await run_pending_tasks()

    first.cancel()
    await run_pending_tasks()
    slow.allowed.set()

    assert await second == "made"
    assert first.cancelled()
    assert slow.starts == 1


async def test_the_preparation_is_kept_if_every_waiting_task_gave_up() -> None:
    slow = SlowPreparation()
    preparation = Preparation(slow)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(preparation.result(), 0.01)

    slow.allowed.set()

    assert await preparation.result() == "made"
    assert slow.starts == 1


async def test_a_failed_preparation_is_tried_again() -> None:
    slow = SlowPreparation()
    slow.allowed.set()
    slow.fault = OSError("no certificates")
    preparation = Preparation(slow)
    for _ in range(2):
        with pytest.raises(OSError, match="no certificates"):
            await preparation.result()
    slow.fault = None

    assert await preparation.result() == "made"
    assert slow.starts == 3


def test_a_preparation_survives_the_event_loop_that_started_it() -> None:
    slow = SlowPreparation()
    preparation = Preparation(slow)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(preparation.result(), 0.01)

    asyncio.run(give_up())
    slow.allowed.set()

    assert asyncio.run(preparation.result()) == "made"
    assert slow.starts == 1


async def test_a_forked_process_prepares_its_own_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The preparing thread does not exist in the child."""
    slow = SlowPreparation()
    preparation = Preparation(slow)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(preparation.result(), 0.01)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    child = asyncio.create_task(preparation.result())
    await run_pending_tasks()
    slow.allowed.set()

    assert await child == "made"
    assert slow.starts == 2


async def test_all_key_sources_share_the_client_and_the_certificates() -> None:
    assert await prepared_tls_context() is await prepared_tls_context()


async def test_a_tls_context_of_the_operator_is_used_unchanged() -> None:
    context = ssl.create_default_context()

    assert await prepared_tls_context(context) is context


def fetcher_with(prepare: Callable[[], object], documents: FakeDocuments) -> KeyFetcher:
    """Return a fetcher whose deadline is shorter than any preparation."""

    class Named:
        warning: str | None = None

        async def __call__(self, *, rediscover: bool) -> str:
            return JWKS_URI

    async def prepared() -> None:
        await asyncio.to_thread(prepare)

    freshness = Freshness(default=600.0, shortest=60.0, longest=600.0)
    return KeyFetcher(Named(), documents, freshness=freshness, deadline=0.05, prepare=prepared)


async def test_the_preparation_does_not_count_towards_the_deadline_of_an_attempt() -> None:
    """On a slow processor, importing the client takes longer than the deadline."""
    allowed = threading.Event()
    asyncio.get_running_loop().call_later(0.2, allowed.set)
    documents = FakeDocuments({JWKS_URI: FakeIssuer().jwks()})

    fetched = await fetcher_with(lambda: allowed.wait(10.0), documents)()

    assert len(fetched.key_set.keys) == 1


class UnpreparedClient:
    """A client that is slow to prepare, or whose preparation fails."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.calls = 0
        self.fault = fault

    async def __call__(self, ssl_context: ssl.SSLContext | None) -> ssl.SSLContext:
        self.calls += 1
        if self.fault is not None:
            raise self.fault
        allowed = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, allowed.set)
        await allowed.wait()
        return ssl.create_default_context()


async def screen(host: str, *, proxied: bool) -> list[str]:
    raise OSError("no such host")


async def test_the_preparation_does_not_count_towards_the_timeout_of_a_fetch() -> None:
    unprepared = UnpreparedClient()
    fetch = HttpxFetch(timeout=0.05, max_bytes=2000, screen=screen, load_tls_context=unprepared)

    for _ in range(2):
        with pytest.raises(FetchFailed, match="no such host"):
            await fetch(JWKS_URI)

    assert unprepared.calls == 1


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
async def test_a_client_that_failed_to_prepare_is_prepared_again_for_the_next_fetch(
    fault: Exception, words: str
) -> None:
    unprepared = UnpreparedClient(fault)
    fetch = HttpxFetch(timeout=1.0, max_bytes=2000, screen=screen, load_tls_context=unprepared)
    with pytest.raises(FetchFailed) as failed:
        await fetch.prepare()
    unprepared.fault = None

    assert str(failed.value).startswith(words)
    assert "s3cret" not in str(failed.value)
    await fetch.prepare()


async def test_a_callers_own_client_needs_no_preparation() -> None:
    """The first attempt has its whole timeout, and httpx is not imported."""
    documents = FakeDocuments({JWKS_URI: FakeIssuer().jwks()})
    keys = remote_keys(jwks_uri=JWKS_URI, fetch=documents, timeout=0.02)

    assert len((await keys.key_set()).keys) == 1


async def test_a_key_source_without_certificates_says_so_and_recovers(
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
