"""The identifiers of contacts."""

import itertools
import time

import pytest
import uuid6

from asgi_bearer.testing import FakeClock
from resource_api.contacts.model import new_contact_id, parse_contact_id


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of an application that has made no identifier yet."""
    clock = FakeClock(1_700_000_000.5)
    monkeypatch.setattr(time, "time_ns", lambda: int(clock() * 1e9))
    monkeypatch.setattr(uuid6, "_last_v7_timestamp", None)
    return clock


@pytest.mark.usefixtures("clock")
def test_an_identifier_is_of_version_7_and_holds_its_time() -> None:
    made = new_contact_id()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 1_700_000_000_500


@pytest.mark.usefixtures("clock")
def test_identifiers_of_one_millisecond_grow() -> None:
    made = [new_contact_id() for _ in range(1000)]

    assert made == sorted(set(made))
    assert {identifier.version for identifier in made} == {7}


def test_identifiers_grow_when_the_clock_is_set_back(clock: FakeClock) -> None:
    before = new_contact_id()
    clock.advance(-3600)

    after = new_contact_id()

    assert before < after
    assert after.version == 7


@pytest.mark.usefixtures("clock")
def test_an_identifier_does_not_tell_the_next_one() -> None:
    """RFC 9562 §6.9: the part that is not time comes from the system's source of randomness."""
    random_parts = [new_contact_id().int & ((1 << 62) - 1) for _ in range(1000)]

    steps = [later - earlier for earlier, later in itertools.pairwise(random_parts)]
    assert len(set(steps)) == len(steps)
    for bit in range(62):
        set_in = sum(part >> bit & 1 for part in random_parts)
        assert 300 < set_in < 700


@pytest.mark.usefixtures("clock")
def test_two_processes_make_different_identifiers_in_the_same_millisecond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = new_contact_id()
    monkeypatch.setattr(uuid6, "_last_v7_timestamp", None)

    second = new_contact_id()

    assert first.int >> 80 == second.int >> 80
    assert first != second


VALID = str(new_contact_id())


def test_an_identifier_is_parsed_as_the_api_writes_it() -> None:
    assert str(parse_contact_id(VALID)) == VALID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        VALID.upper(),
        VALID.replace("-", ""),
        f"{{{VALID}}}",
        f"urn:uuid:{VALID}",
        VALID + "\n",
        " " + VALID,
        "6f1d2f0e-6d56-4b0a-9d2e-1f6c1b7a9e55",
    ],
    ids=[
        *("empty", "number", "capitals", "no-hyphens", "braces", "urn", "line-feed", "space"),
        "version-4",
    ],
)
def test_another_spelling_is_not_an_identifier(text: str) -> None:
    assert parse_contact_id(text) is None
