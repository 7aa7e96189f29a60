"""The state: codes and refresh tokens work once, rows expire, and a restart loses nothing."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from asgi_bearer.testing import FakeClock
from demo.authorization_server.state import grants
from demo.authorization_server.state import sessions as sign_ins
from demo.authorization_server.state import tokens as granted_tokens
from demo.authorization_server.state.grants import CODE_LIFETIME, MIN_GRANT_LIFETIME, Code, Grant
from demo.authorization_server.state.sessions import SESSION_LIFETIME, Session
from demo.authorization_server.state.state import State
from demo.authorization_server.state.tokens import REFRESH_TOKEN_LIFETIME, RefreshToken
from resource_api.database.connect import DatabaseUnusable, connect
from tests.support.authorization_server.example_registrations import opened_state

NOW = 1_700_000_000
AUDIENCE = "https://api.example/contacts"
REDIRECT_URI = "http://localhost:8080/callback"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW + 0.75)


@pytest.fixture
async def state(tmp_path: Path, clock: FakeClock) -> AsyncGenerator[State]:
    async with opened_state(tmp_path, clock) as state:
        yield state


async def a_grant(state: State, username: str | None = "alice") -> Grant:
    return await state.grants.open(
        client_id="web-application",
        username=username,
        audience=AUDIENCE,
        scopes=("write:contacts", "openid"),
        auth_time=NOW - 5,
        nonce="n",
    )


async def a_code(state: State, grant: Grant) -> str:
    return await state.grants.add_code(grant, redirect_uri=REDIRECT_URI, code_challenge="c")


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "authorization-server.sqlite3")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    assert isinstance(count, int)
    return count


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


# Sessions


async def test_a_session_stores_the_user_the_time_and_the_request(state: State) -> None:
    secret = await state.sessions.open("alice", signed_in_for="request")

    assert await state.sessions.find(secret) == Session("alice", NOW, "request")


async def test_mark_answered_clears_the_request_and_keeps_the_session(state: State) -> None:
    secret = await state.sessions.open("alice", signed_in_for="request")

    await state.sessions.mark_answered(secret)

    assert await state.sessions.find(secret) == Session("alice", NOW, None)


async def test_closing_a_session_leaves_other_sessions_open(state: State) -> None:
    one = await state.sessions.open("alice", signed_in_for="request")
    other = await state.sessions.open("alice", signed_in_for="request")

    await state.sessions.close(one)

    assert await state.sessions.find(one) is None
    assert await state.sessions.find(other) is not None


async def test_a_session_ends_after_its_lifetime(state: State, clock: FakeClock) -> None:
    secret = await state.sessions.open("alice", signed_in_for="request")

    clock.now = NOW + SESSION_LIFETIME - 0.5
    just_before = await state.sessions.find(secret)
    clock.now = NOW + SESSION_LIFETIME

    assert just_before is not None
    assert await state.sessions.find(secret) is None


async def test_opening_a_session_deletes_expired_ones(
    state: State, clock: FakeClock, tmp_path: Path
) -> None:
    for _ in range(3):
        await state.sessions.open("alice", signed_in_for="request")

    clock.advance(SESSION_LIFETIME)
    await state.sessions.open("bob", signed_in_for="request")

    assert rows(tmp_path, "sessions") == 1


async def test_too_many_sessions_of_a_user_end_that_users_oldest(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ins, "SESSIONS_PER_USER", 2)
    bobs = await state.sessions.open("bob", signed_in_for="request")
    alices = [await state.sessions.open("alice", signed_in_for="request") for _ in range(3)]

    kept = [await state.sessions.find(secret) is not None for secret in alices]

    assert kept == [False, True, True]
    assert await state.sessions.find(bobs) is not None


# Consents


async def test_a_user_who_was_never_asked_has_no_consent(state: State) -> None:
    assert await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) is None


async def test_a_consent_replaces_the_previous_one(state: State) -> None:
    await state.sessions.remember_consent("alice", "web-application", AUDIENCE, {"openid", "email"})

    await state.sessions.remember_consent(
        "alice", "web-application", AUDIENCE, {"openid", "profile"}
    )

    remembered = await state.sessions.consented_scopes("alice", "web-application", AUDIENCE)
    assert remembered == frozenset({"openid", "profile"})


async def test_a_consent_to_no_scope_is_stored(state: State) -> None:
    await state.sessions.remember_consent("alice", "web-application", AUDIENCE, set())

    assert (
        await state.sessions.consented_scopes("alice", "web-application", AUDIENCE) == frozenset()
    )


@pytest.mark.parametrize(
    ("username", "client_id", "audience"),
    [
        pytest.param("bob", "web-application", None, id="another user"),
        pytest.param("alice", "other", None, id="another client"),
        pytest.param("alice", "web-application", AUDIENCE, id="an API where there was none"),
    ],
)
async def test_a_consent_counts_for_one_user_one_client_and_one_api(
    state: State, username: str, client_id: str, audience: str | None
) -> None:
    await state.sessions.remember_consent("alice", "web-application", None, {"openid"})

    remembered = await state.sessions.consented_scopes("alice", "web-application", None)
    assert remembered == frozenset({"openid"})
    assert await state.sessions.consented_scopes(username, client_id, audience) is None


# Codes


async def test_a_code_is_stored_with_its_grant_redirect_uri_and_challenge(state: State) -> None:
    grant = await a_grant(state)

    code = await a_code(state, grant)

    assert await state.grants.find_code(code) == Code(
        grant, REDIRECT_URI, "c", NOW + CODE_LIFETIME, False
    )


async def test_a_grant_keeps_its_scopes_in_the_order_of_the_request(
    state: State,
) -> None:
    found = await state.grants.find_code(await a_code(state, await a_grant(state)))

    assert found is not None
    assert found.grant.scopes == ("write:contacts", "openid")


async def test_absent_values_of_a_grant_are_none(state: State) -> None:
    grant = await state.grants.open(client_id="c", username=None, audience=None, scopes=())

    found = await state.grants.find_code(
        await state.grants.add_code(grant, redirect_uri="u", code_challenge=None)
    )

    assert found is not None
    assert found.grant == Grant(grant.grant_id, "c", None, None, (), None, None)
    assert found.code_challenge is None


async def test_only_one_of_many_simultaneous_callers_uses_the_code(state: State) -> None:
    code = await a_code(state, await a_grant(state))

    answers = await asyncio.gather(*(state.grants.use_code(code) for _ in range(20)))

    assert answers.count(True) == 1
    found = await state.grants.find_code(code)
    assert found is not None
    assert found.used


async def test_two_servers_on_one_file_use_a_code_once(
    state: State, tmp_path: Path, clock: FakeClock
) -> None:
    codes = [await a_code(state, await a_grant(state)) for _ in range(10)]
    async with opened_state(tmp_path, clock) as other:
        answers = await asyncio.gather(
            *(server.grants.use_code(code) for code in codes for server in (state, other))
        )

    assert [sum(answers[index : index + 2]) for index in range(0, 20, 2)] == [1] * 10


async def test_an_expired_code_is_found_but_cannot_be_used(state: State, clock: FakeClock) -> None:
    code = await a_code(state, await a_grant(state))

    clock.now = NOW + CODE_LIFETIME
    used = await state.grants.use_code(code)

    assert not used
    assert await state.grants.find_code(code) is not None


async def test_the_code_of_a_revoked_grant_is_found_but_cannot_be_used(
    state: State,
) -> None:
    grant = await a_grant(state)
    code = await a_code(state, grant)

    await state.grants.revoke(grant.grant_id)

    assert not await state.grants.use_code(code)
    assert await state.grants.find_code(code) is not None


async def test_a_used_code_is_found_as_long_as_a_token_of_its_grant_is_valid(
    state: State, clock: FakeClock
) -> None:
    grant = await a_grant(state)
    code = await a_code(state, grant)
    await state.grants.use_code(code)
    await state.tokens.add_refresh_token(grant)

    clock.now = NOW + REFRESH_TOKEN_LIFETIME - 1
    await a_grant(state)

    assert await state.grants.find_code(code) is not None


# Refresh tokens


async def test_a_refresh_token_is_stored_with_its_grant(state: State) -> None:
    grant = await a_grant(state)

    token = await state.tokens.add_refresh_token(grant)

    expected = RefreshToken(grant, NOW + REFRESH_TOKEN_LIFETIME, used=False)
    assert await state.tokens.find_refresh_token(token) == expected


async def test_only_one_of_many_simultaneous_callers_gets_the_next_refresh_token(
    state: State,
) -> None:
    token = await state.tokens.add_refresh_token(await a_grant(state))

    answers = await asyncio.gather(*(state.tokens.rotate_refresh_token(token) for _ in range(20)))

    (following,) = [answer for answer in answers if answer is not None]
    found = await state.tokens.find_refresh_token(following)
    assert found is not None
    assert not found.used


async def test_a_used_refresh_token_is_found_as_used(state: State) -> None:
    token = await state.tokens.add_refresh_token(await a_grant(state))

    await state.tokens.rotate_refresh_token(token)

    found = await state.tokens.find_refresh_token(token)
    assert found is not None
    assert found.used


async def test_rotation_does_not_extend_the_lifetime_of_a_refresh_token(
    state: State, clock: FakeClock
) -> None:
    token = await state.tokens.add_refresh_token(await a_grant(state))

    clock.advance(1000)
    following = await state.tokens.rotate_refresh_token(token)

    assert following is not None
    found = await state.tokens.find_refresh_token(following)
    assert found is not None
    assert found.expires_at == NOW + REFRESH_TOKEN_LIFETIME


async def test_an_expired_refresh_token_is_not_found_and_cannot_be_rotated(
    state: State, clock: FakeClock
) -> None:
    token = await state.tokens.add_refresh_token(await a_grant(state))

    clock.now = NOW + REFRESH_TOKEN_LIFETIME

    assert await state.tokens.find_refresh_token(token) is None
    assert await state.tokens.rotate_refresh_token(token) is None


async def test_revoking_a_grant_revokes_its_refresh_tokens_only(state: State) -> None:
    revoked, other = await a_grant(state), await a_grant(state)
    token = await state.tokens.add_refresh_token(revoked)
    others = await state.tokens.add_refresh_token(other)

    await state.grants.revoke(revoked.grant_id)

    assert await state.tokens.find_refresh_token(token) is None
    assert await state.tokens.rotate_refresh_token(token) is None
    assert await state.tokens.find_refresh_token(others) is not None


# Access tokens


async def test_a_recorded_access_token_is_active_until_it_expires(
    state: State, clock: FakeClock
) -> None:
    await state.tokens.record_access_token("jti", await a_grant(state), expires_at=NOW + 60)

    clock.now = NOW + 59.9
    just_before = await state.tokens.access_token_is_active("jti")
    clock.now = NOW + 60

    assert just_before
    assert not await state.tokens.access_token_is_active("jti")


async def test_an_access_token_that_was_never_recorded_is_not_active(state: State) -> None:
    assert not await state.tokens.access_token_is_active("jti")


async def test_one_access_token_can_be_revoked_without_the_others(state: State) -> None:
    grant = await a_grant(state)
    await state.tokens.record_access_token("one", grant, expires_at=NOW + 60)
    await state.tokens.record_access_token("other", grant, expires_at=NOW + 60)

    await state.tokens.revoke_access_token("one")

    assert not await state.tokens.access_token_is_active("one")
    assert await state.tokens.access_token_is_active("other")


async def test_revoking_a_grant_revokes_its_access_tokens_only(state: State) -> None:
    revoked, other = await a_grant(state), await a_grant(state)
    await state.tokens.record_access_token("one", revoked, expires_at=NOW + 60)
    await state.tokens.record_access_token("other", other, expires_at=NOW + 60)

    await state.grants.revoke(revoked.grant_id)

    assert not await state.tokens.access_token_is_active("one")
    assert await state.tokens.access_token_is_active("other")


async def test_tokens_added_to_a_revoked_grant_are_not_valid(state: State) -> None:
    """A replay may arrive after the code was used, but before its tokens are issued."""
    grant = await a_grant(state)
    code = await a_code(state, grant)
    await state.grants.use_code(code)

    await state.grants.revoke(grant.grant_id)
    await state.tokens.record_access_token("jti", grant, expires_at=NOW + 60)
    refresh_token = await state.tokens.add_refresh_token(grant)

    assert not await state.tokens.access_token_is_active("jti")
    assert await state.tokens.find_refresh_token(refresh_token) is None
    assert await state.tokens.rotate_refresh_token(refresh_token) is None


# All parts


LOOKUPS: dict[str, Callable[[State, str], Awaitable[object]]] = {
    "session": lambda state, secret: state.sessions.find(secret),
    "code": lambda state, secret: state.grants.find_code(secret),
    "use of a code": lambda state, secret: state.grants.use_code(secret),
    "refresh token": lambda state, secret: state.tokens.find_refresh_token(secret),
    "rotation": lambda state, secret: state.tokens.rotate_refresh_token(secret),
}


@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize("secret", ["", "unknown", "é\0", "\ud800"], ids=ascii)
async def test_an_unknown_secret_is_not_found(state: State, lookup: str, secret: str) -> None:
    assert not await LOOKUPS[lookup](state, secret)


async def test_the_file_contains_no_secret(state: State, tmp_path: Path) -> None:
    grant = await a_grant(state)
    secrets = [
        await state.sessions.open("alice", signed_in_for="request"),
        await a_code(state, grant),
        first := await state.tokens.add_refresh_token(grant),
        await state.tokens.rotate_refresh_token(first),
    ]

    await state.aclose()

    written = contents(tmp_path)
    assert b"alice" in written
    assert all(secret and secret.encode() not in written for secret in secrets)


async def test_the_state_survives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    async with opened_state(tmp_path, clock) as before:
        session = await before.sessions.open("alice", signed_in_for="request")
        await before.sessions.remember_consent("alice", "web-application", AUDIENCE, {"openid"})
        grant = await a_grant(before)
        code, used = await a_code(before, grant), await a_code(before, grant)
        await before.grants.use_code(used)
        refresh_token = await before.tokens.add_refresh_token(grant)
        await before.tokens.record_access_token("jti", grant, expires_at=NOW + 60)
        revoked = await a_grant(before)
        await before.tokens.record_access_token("revoked", revoked, expires_at=NOW + 60)
        await before.grants.revoke(revoked.grant_id)

    async with opened_state(tmp_path, clock) as after:
        assert await after.sessions.find(session) == Session("alice", NOW, "request")
        consent = await after.sessions.consented_scopes("alice", "web-application", AUDIENCE)
        assert consent == frozenset({"openid"})
        assert not await after.grants.use_code(used)
        assert await after.grants.use_code(code)
        assert await after.tokens.rotate_refresh_token(refresh_token) is not None
        assert await after.tokens.access_token_is_active("jti")
        assert not await after.tokens.access_token_is_active("revoked")


async def test_writing_a_row_deletes_the_expired_rows_of_its_kind(
    state: State, clock: FakeClock, tmp_path: Path
) -> None:
    for _ in range(3):
        grant = await a_grant(state)
        await a_code(state, grant)
        await state.tokens.add_refresh_token(grant)
        await state.tokens.record_access_token(grant.grant_id, grant, expires_at=NOW + 60)

    clock.now = NOW + REFRESH_TOKEN_LIFETIME
    grant = await a_grant(state)
    await a_code(state, grant)
    await state.tokens.add_refresh_token(grant)
    await state.tokens.record_access_token("jti", grant, expires_at=int(clock.now) + 60)

    tables = ("grants", "codes", "refresh_tokens", "access_tokens")
    assert [rows(tmp_path, table) for table in tables] == [1, 1, 1, 1]


async def test_expired_tokens_are_deleted_before_their_grant(
    state: State, clock: FakeClock, tmp_path: Path
) -> None:
    grant = await a_grant(state)
    await state.tokens.record_access_token("one", grant, expires_at=NOW + 60)

    clock.advance(61)
    await state.tokens.record_access_token("other", grant, expires_at=NOW + 600)

    assert rows(tmp_path, "access_tokens") == 1


async def test_a_grant_without_tokens_is_deleted_after_a_day(
    state: State, clock: FakeClock, tmp_path: Path
) -> None:
    await a_code(state, await a_grant(state))

    clock.now = NOW + MIN_GRANT_LIFETIME - 1
    await a_grant(state)
    kept_for_a_day = rows(tmp_path, "codes")
    clock.now = NOW + MIN_GRANT_LIFETIME
    await a_grant(state)

    assert kept_for_a_day == 1
    assert rows(tmp_path, "codes") == 0


@pytest.mark.parametrize("username", ["alice", None], ids=["a user's", "a client's own"])
async def test_too_many_grants_of_an_owner_delete_that_owners_oldest_and_its_tokens(
    state: State, monkeypatch: pytest.MonkeyPatch, username: str | None
) -> None:
    monkeypatch.setattr(grants, "GRANTS_PER_OWNER", 2)
    bobs = await a_grant(state, "bob")
    await state.tokens.record_access_token("bob's", bobs, expires_at=NOW + 60)
    for number in range(3):
        grant = await a_grant(state, username)
        await state.tokens.record_access_token(str(number), grant, expires_at=NOW + 60)

    active = [await state.tokens.access_token_is_active(jti) for jti in ("0", "1", "2", "bob's")]

    assert active == [False, True, True, True]


async def test_too_many_tokens_of_a_grant_delete_that_grants_oldest(
    state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(granted_tokens, "TOKENS_PER_GRANT", 2)
    others = await state.tokens.add_refresh_token(await a_grant(state))
    grant = await a_grant(state)
    token = await state.tokens.add_refresh_token(grant)
    for number in range(3):
        await state.tokens.record_access_token(str(number), grant, expires_at=NOW + 60)
        following = await state.tokens.rotate_refresh_token(token)
        assert following is not None
        token = following

    active = [await state.tokens.access_token_is_active(jti) for jti in ("0", "1", "2")]

    assert active == [False, True, True]
    assert rows(tmp_path, "refresh_tokens") == 3
    assert await state.tokens.find_refresh_token(token) is not None
    assert await state.tokens.find_refresh_token(others) is not None


# The file


async def test_two_servers_that_start_at_once_share_one_file(tmp_path: Path) -> None:
    states = [State(connect(f"sqlite:///{tmp_path}/s.sqlite3")) for _ in range(3)]

    await asyncio.gather(*(state.prepare() for state in states))

    secret = await states[0].sessions.open("alice", signed_in_for="request")
    assert await states[2].sessions.find(secret) is not None
    for state in states:
        await state.aclose()


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("PRAGMA user_version = 2", id="a newer version"),
        pytest.param("CREATE TABLE contacts (id)", id="another database"),
    ],
)
async def test_a_file_of_another_program_is_refused_and_not_changed(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "s.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
    before = path.read_bytes()
    state = State(connect(f"sqlite:///{path}"))

    with pytest.raises(DatabaseUnusable, match=f"{path} was not written by this version"):
        await state.prepare()

    await state.aclose()
    assert path.read_bytes()[100:] == before[100:], "the header counts the opening"


async def test_a_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    path.write_bytes(b"no database" * 1000)
    state = State(connect(f"sqlite:///{path}"))

    with pytest.raises(DatabaseUnusable, match=f"{path} cannot be used .* not a database"):
        await state.prepare()

    await state.aclose()


async def test_secrets_are_long_and_different(state: State) -> None:
    grant = await a_grant(state)

    secrets = {await a_code(state, grant) for _ in range(20)}

    assert len(secrets) == 20
    assert all(len(secret) >= 43 for secret in secrets)
