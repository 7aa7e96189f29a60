"""The identifiers of contacts."""

import time

import pytest

from resource_api.contacts.identifiers import ContactIds, contact_id
from tests.support.fake_issuer import FakeClock


def test_identifiers_are_version_7_and_hold_their_time() -> None:
    clock = FakeClock(1_700_000_000.5)

    made = ContactIds(clock)()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 1_700_000_000_500


def test_identifiers_of_one_millisecond_grow() -> None:
    new = ContactIds(FakeClock())

    made = [new() for _ in range(1000)]

    assert made == sorted(set(made))


def test_identifiers_grow_when_the_clock_is_set_back() -> None:
    clock = FakeClock()
    new = ContactIds(clock)
    before = new()
    clock.advance(-3600)

    after = new()

    assert before < after
    assert after.version == 7


def test_identifiers_carry_into_the_time_when_the_random_part_is_full() -> None:
    new = ContactIds(FakeClock(), randbits=lambda bits: (1 << bits) - 1)

    made = [new() for _ in range(3)]

    assert made == sorted(set(made))
    assert {identifier.version for identifier in made} == {7}


def test_identifiers_of_two_processes_differ() -> None:
    assert ContactIds(time.time)() != ContactIds(time.time)()


GOOD = str(ContactIds()())


def test_an_identifier_is_read_back() -> None:
    assert str(contact_id(GOOD)) == GOOD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        GOOD.upper(),
        GOOD.replace("-", ""),
        f"{{{GOOD}}}",
        f"urn:uuid:{GOOD}",
        GOOD + "\n",
        " " + GOOD,
        "6f1d2f0e-6d56-4b0a-9d2e-1f6c1b7a9e55",
    ],
    ids=[
        *("empty", "number", "capitals", "no-hyphens", "braces", "urn", "line-feed", "space"),
        "version-4",
    ],
)
def test_another_spelling_is_no_identifier(text: str) -> None:
    assert contact_id(text) is None
