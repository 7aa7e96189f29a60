"""The database of sessions: limited in time and number, and unreadable without the cookies."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from asgi_bearer.testing import FakeClock
from demo.web_application.checks.results import CheckResult
from demo.web_application.provider.authorization_request import Selection, Transaction
from demo.web_application.session.session import Session, SignedIn, Tokens
from demo.web_application.session.store import MAX_SESSIONS, Sessions, encrypted
from resource_api.database.connect import DatabaseUnusable, connect

TRANSACTION = Transaction(Selection("code token", ("openid",)), "state", "nonce", "verifier", 1)
TOKENS = Tokens("access-secret", 5, "openid", "id-secret", "refresh-secret")
SIGNED_IN = SignedIn(
    at=1,
    subject="alice",
    name="Alice",
    transaction=TRANSACTION,
    response={"code": "code-secret"},
    response_checks=(CheckResult("state", ("a", "b"), "passed"),),
    exchange_checks=(CheckResult("nonce", (), "not reached"),),
    first_tokens=TOKENS,
    tokens=TOKENS,
)


async def test_a_saved_session_is_returned_unchanged(sessions: Sessions) -> None:
    session = Session("form", (TRANSACTION,), SIGNED_IN)

    secret = await sessions.open(session)

    assert await sessions.session(secret) == session


async def test_a_session_survives_a_restart(
    sessions: Sessions, file: Path, clock: FakeClock
) -> None:
    secret = await sessions.open(Session("form"))
    await sessions.aclose()

    again = Sessions(connect(f"sqlite:///{file}"), clock=clock)
    await again.prepare()

    assert await again.session(secret) == Session("form")
    await again.aclose()


async def test_saving_replaces_the_content(sessions: Sessions) -> None:
    secret = await sessions.open(Session("form"))

    await sessions.save(secret, Session("form", (TRANSACTION,)))

    assert await sessions.session(secret) == Session("form", (TRANSACTION,))


async def test_a_made_up_cookie_has_no_session(sessions: Sessions) -> None:
    await sessions.open(Session("form"))

    assert await sessions.session("made up \xff") is None


async def test_a_closed_session_stays_closed(sessions: Sessions) -> None:
    secret = await sessions.open(Session("form"))
    await sessions.close(secret)

    await sessions.save(secret, Session("form"))

    assert await sessions.session(secret) is None
    assert await sessions.renew(secret, Session("form")) is None


async def test_a_renewed_session_has_another_cookie(sessions: Sessions) -> None:
    old = await sessions.open(Session("form"))

    new = await sessions.renew(old, Session("another"))

    assert new not in {None, old}
    assert await sessions.session(old) is None
    assert await sessions.session(new or "") == Session("another")


@pytest.mark.parametrize(("seconds", "there"), [(12 * 3600 - 1, True), (12 * 3600, False)])
async def test_a_session_lives_twelve_hours(
    sessions: Sessions, clock: FakeClock, seconds: float, there: bool
) -> None:
    secret = await sessions.open(Session("form"))

    clock.advance(seconds)

    assert (await sessions.session(secret) is not None) is there


async def _rows(file: Path) -> list[str]:
    engine = connect(f"sqlite:///{file}")
    async with engine.begin() as connection:
        found = [str(row) for row in await connection.execute(text("SELECT * FROM sessions"))]
    await engine.dispose()
    return found


async def test_ended_sessions_leave_the_file(
    sessions: Sessions, file: Path, clock: FakeClock
) -> None:
    for _ in range(3):
        await sessions.open(Session("form"))
    clock.advance(12 * 3600)

    await sessions.open(Session("form"))

    assert len(await _rows(file)) == 1


async def test_the_file_does_not_contain_the_cookie(sessions: Sessions, file: Path) -> None:
    secret = await sessions.open(Session("form"))

    (row,) = await _rows(file)
    assert secret not in row


async def test_without_the_cookie_the_file_reveals_nothing(sessions: Sessions, file: Path) -> None:
    await sessions.open(Session("form-secret", (TRANSACTION,), SIGNED_IN))

    (row,) = await _rows(file)
    for word in ("secret", "verifier", "nonce", "alice", "openid"):
        assert word not in row


async def test_content_that_was_copied_to_another_session_is_refused(
    sessions: Sessions, file: Path
) -> None:
    first, second = await sessions.open(Session("first")), await sessions.open(Session("second"))
    engine = connect(f"sqlite:///{file}")
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE sessions SET content = (SELECT max(content) FROM sessions)")
        )
    await engine.dispose()

    found = [await sessions.session(first), await sessions.session(second)]

    assert sorted(session.form_token for session in found if session) in (["first"], ["second"])


async def _fill(sessions: Sessions, clock: FakeClock, number: int) -> None:
    for _ in range(number):
        clock.advance(1)
        await sessions.open(Session("form"))


async def test_the_oldest_sessions_are_deleted_beyond_the_limit(
    sessions: Sessions, file: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.web_application.session.store.MAX_SESSIONS", 5)
    first = await sessions.open(Session("form"))
    clock.advance(1)
    second = await sessions.open(Session("form"))

    await _fill(sessions, clock, 4)

    assert MAX_SESSIONS == 1000
    assert len(await _rows(file)) == 5
    assert await sessions.session(first) is None
    assert await sessions.session(second) is not None


async def test_sessions_with_a_sign_in_are_deleted_last(
    sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.web_application.session.store.MAX_SESSIONS", 3)
    secret = await sessions.open(Session("form", (), SIGNED_IN))

    await _fill(sessions, clock, 9)

    assert await sessions.session(secret) is not None


async def test_a_new_session_is_kept_if_all_others_are_signed_in(
    sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.web_application.session.store.MAX_SESSIONS", 2)
    for _ in range(3):
        clock.advance(1)
        await sessions.open(Session("form", (), SIGNED_IN))

    secret = await sessions.open(Session("form"))

    assert await sessions.session(secret) is not None


async def test_content_that_is_not_encrypted_counts_as_no_session(
    sessions: Sessions, file: Path
) -> None:
    secret = await sessions.open(Session("form"))
    engine = connect(f"sqlite:///{file}")
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE sessions SET content = '{}'"))
    await engine.dispose()

    assert await sessions.session(secret) is None


async def test_content_of_an_earlier_version_counts_as_no_session(
    sessions: Sessions, file: Path
) -> None:
    secret = await sessions.open(Session("form"))
    engine = connect(f"sqlite:///{file}")
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE sessions SET content = :content"), {"content": encrypted(secret, "{}")}
        )
    await engine.dispose()

    assert await sessions.session(secret) is None


async def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/other.sqlite3")
    async with engine.begin() as connection:
        await connection.execute(text("PRAGMA user_version = 7"))

    with pytest.raises(DatabaseUnusable, match="version 7, expected 1"):
        await Sessions(engine).prepare()
    await engine.dispose()


async def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite3"
    file.write_bytes(b"no database at all" * 100)
    engine = connect(f"sqlite:///{file}")

    with pytest.raises(DatabaseUnusable):
        await Sessions(engine).prepare()
    await engine.dispose()


async def test_requests_of_one_session_run_one_after_the_other(sessions: Sessions) -> None:
    order: list[str] = []

    async def request(name: str, secret: str) -> None:
        async with sessions.lock(secret):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(request("first", "a"), request("second", "a"), request("other", "b"))

    assert order.index("first ends") < order.index("second begins")
    assert order.index("other begins") < order.index("first ends")


@pytest.mark.parametrize("shown", [repr, str])
def test_a_repr_contains_no_secret(shown: Callable[[object], str]) -> None:
    words = shown(Session("form-secret", (TRANSACTION,), SIGNED_IN))

    for secret in ("secret", "verifier", "nonce'", "'state'"):
        without_names = words.replace("(name='state'", "").replace("(name='nonce'", "")
        assert secret not in without_names
