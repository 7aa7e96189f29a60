"""Passwords: only the right one matches, and no client can overload the server with them."""

import asyncio
import io
import threading

import pytest
from click.testing import CliRunner

from demo.__main__ import hash_password_command
from demo.authorization_server.registrations import passwords
from demo.authorization_server.registrations.passwords import (
    AT_ONCE,
    DUMMY_HASH,
    MAX_BYTES,
    MAX_WAITING,
    TooManyVerifications,
    hash_fault,
    hash_password,
    matches,
    verify,
)
from tests.support.authorization_server.example_registrations import cheap_hash

SALT = "MDAwMDAwMDAwMDAwMDAwMA"
HASH = "TZCCCJQw6qE40QoszdZDx3LhW/RG6J0UYvSQtFYYSrQ"


async def test_a_password_matches_its_own_hash() -> None:
    assert await verify("correct horse", hash_password("correct horse"))


def test_a_new_hash_is_argon2id_at_the_recommended_cost_and_can_be_registered() -> None:
    password_hash = hash_password("correct horse")

    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_fault(password_hash) is None


def test_the_same_password_gets_a_different_hash_each_time() -> None:
    assert hash_password("correct horse") != hash_password("correct horse")


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("correct hors", id="shorter"),
        pytest.param("correct horse ", id="a space more"),
        pytest.param("Correct horse", id="another case"),
        pytest.param("", id="empty"),
        pytest.param("correct horse\0", id="NUL"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("x" * (MAX_BYTES + 1), id="too long"),
    ],
)
async def test_another_password_does_not_match(password: str) -> None:
    assert not await verify(password, cheap_hash("correct horse"))


async def test_a_password_that_is_too_long_never_matches() -> None:
    longest, too_long = "x" * MAX_BYTES, "é" * (MAX_BYTES // 2 + 1)

    assert await verify(longest, cheap_hash(longest))
    assert not await verify(too_long, cheap_hash(too_long))


async def test_an_accent_matches_however_the_keyboard_composes_it() -> None:
    assert await verify("cafe\N{COMBINING ACUTE ACCENT}", cheap_hash("café"))


@pytest.mark.parametrize("password", ["", "x" * (MAX_BYTES + 1)], ids=["empty", "too long"])
def test_an_empty_or_too_long_password_is_not_hashed(password: str) -> None:
    with pytest.raises(ValueError, match="1 to 1024 bytes"):
        hash_password(password)


def test_an_unknown_user_is_refused_after_the_same_work_as_a_known_one() -> None:
    assert DUMMY_HASH.split("$")[:4] == hash_password("x").split("$")[:4]
    assert not any(matches(password, DUMMY_HASH) for password in ("", "dummy", "password"))


@pytest.mark.parametrize(
    "password_hash",
    [
        pytest.param("", id="empty"),
        pytest.param("correct horse", id="the password itself"),
        pytest.param(f"$argon2id$v=19$m=1,t=1,p=1${SALT}${HASH}", id="impossible cost"),
    ],
)
def test_an_invalid_hash_matches_no_password(password_hash: str) -> None:
    assert not matches("correct horse", password_hash)


@pytest.mark.parametrize(
    ("password_hash", "expected"),
    [
        pytest.param("correct horse", "must be an Argon2id hash", id="a password"),
        pytest.param(f"$argon2i$v=19$m=8,t=1,p=1${SALT}${HASH}", "Argon2id", id="Argon2i"),
        pytest.param(f"$argon2id$v=16$m=8,t=1,p=1${SALT}${HASH}", "Argon2id", id="old version"),
        pytest.param("$2b$12$MDAwMDAwMDAwMDAwMDAwMA", "Argon2id", id="bcrypt"),
        pytest.param(f"$argon2id$v=19$m=08,t=1,p=1${SALT}${HASH}", "Argon2id", id="zero first"),
        pytest.param(f"$argon2id$v=19$m=8,t=1,p=1${SALT}${HASH}\n", "Argon2id", id="line feed"),
        pytest.param(f"$argon2id$v=19$m=262145,t=1,p=1${SALT}${HASH}", "at most", id="memory"),
        pytest.param(f"$argon2id$v=19$m=8,t=11,p=1${SALT}${HASH}", "at most", id="iterations"),
        pytest.param(f"$argon2id$v=19$m=64,t=1,p=2${SALT}${HASH}", "p=1", id="lanes"),
        pytest.param(f"$argon2id$v=19$m=7,t=1,p=1${SALT}${HASH}", "at least", id="no memory"),
        pytest.param(f"$argon2id$v=19$m=8,t=1,p=1$MDAw${HASH}", "salt", id="short salt"),
        pytest.param(f"$argon2id$v=19$m=8,t=1,p=1${SALT}$MDAw", "bytes of hash", id="short hash"),
    ],
)
def test_a_hash_that_must_not_be_registered_is_reported(password_hash: str, expected: str) -> None:
    assert expected in (hash_fault(password_hash) or "")


async def test_only_some_passwords_are_verified_at_a_time_and_others_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both_run, go_on = threading.Barrier(AT_ONCE + 1), threading.Event()
    running: list[int] = []

    class HeldBack:
        @staticmethod
        def verify_phc_encoded(_password: bytes, _password_hash: str) -> None:
            running.append(threading.get_ident())
            if len(running) <= AT_ONCE:
                both_run.wait(5)
                go_on.wait(5)

    monkeypatch.setattr(passwords, "Argon2id", HeldBack)
    asked = [asyncio.create_task(verify("x", "y")) for _ in range(AT_ONCE + 3)]

    await asyncio.to_thread(both_run.wait, 5)
    at_first = len(running)
    go_on.set()
    await asyncio.gather(*asked)

    assert at_first == AT_ONCE
    assert len(set(running)) <= AT_ONCE


async def test_too_many_waiting_verifications_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()

    class HeldBack:
        @staticmethod
        def verify_phc_encoded(_password: bytes, _password_hash: str) -> None:
            go_on.wait(5)

    monkeypatch.setattr(passwords, "Argon2id", HeldBack)
    asked = [asyncio.create_task(verify("x", "y")) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)  # every task runs until it waits

    with pytest.raises(TooManyVerifications):
        await verify("x", "y")
    go_on.set()
    assert await asyncio.gather(*asked) == [True] * MAX_WAITING

    assert await verify("x", "y")


def test_the_command_prints_a_hash_of_the_first_line_of_its_input() -> None:
    result = CliRunner().invoke(hash_password_command, input="correct horse\r\nmore\n")

    assert result.exit_code == 0
    assert matches("correct horse", result.stdout.removesuffix("\n"))


class Terminal(io.BytesIO):
    """An input that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_command_prompts_until_both_passwords_are_equal_and_shows_neither() -> None:
    typed = Terminal(b"correct horse\nbattery staple\ncorrect horse\ncorrect horse\n")

    result = CliRunner().invoke(hash_password_command, input=typed)

    assert result.exit_code == 0
    assert matches("correct horse", result.stdout.splitlines()[-1])
    assert result.stdout.count("Repeat for confirmation") == 2
    assert "horse" not in result.output
    assert "staple" not in result.output


def test_the_command_refuses_an_empty_password_with_a_sentence() -> None:
    result = CliRunner().invoke(hash_password_command, input="\n")

    assert result.exit_code == 1
    assert result.stderr == "Error: a password must have 1 to 1024 bytes.\n"
