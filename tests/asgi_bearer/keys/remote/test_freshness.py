"""How long a document is fresh by its headers, within the configured bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_bearer.keys.freshness import Freshness

DEFAULT, SHORTEST, LONGEST = 600.0, 60.0, 86_400.0
FRESHNESS = Freshness(default=DEFAULT, shortest=SHORTEST, longest=LONGEST)


def lifetime(cache_control: str | None = None, age: str | None = None) -> float:
    headers = {"cache-control": cache_control, "age": age}
    return FRESHNESS.lifetime({name: value for name, value in headers.items() if value is not None})


LIFETIMES: list[tuple[str, str | None, float]] = [
    ("no-header", None, DEFAULT),
    ("empty", "", DEFAULT),
    ("nothing-about-time", "public, must-revalidate", DEFAULT),
    ("within-the-bounds", "max-age=900", 900.0),
    ("the-lower-bound", "max-age=60", 60.0),
    ("just-above-the-lower-bound", "max-age=61", 61.0),
    ("below-the-bounds", "max-age=1", SHORTEST),
    ("zero", "max-age=0", SHORTEST),
    ("the-upper-bound", "max-age=86400", 86_400.0),
    ("just-below-the-upper-bound", "max-age=86399", 86_399.0),
    ("above-the-bounds", "max-age=31536000", LONGEST),
    ("ten-digits", "max-age=9999999999", LONGEST),
    ("leading-zeros", "max-age=0000000900", 900.0),
    ("no-store", "no-store", SHORTEST),
    ("no-cache", "no-cache", SHORTEST),
    ("no-cache-with-fields", 'no-cache="set-cookie"', SHORTEST),
    ("no-store-before-max-age", "no-store, max-age=900", SHORTEST),
    ("no-cache-after-max-age", "max-age=900, no-cache", SHORTEST),
    ("quoted", 'max-age="900"', 900.0),
    ("capitals", "Max-Age=900", 900.0),
    ("no-store-in-capitals", "max-age=900, NO-STORE", SHORTEST),
    ("one-of-several", "public, max-age=900, must-revalidate", 900.0),
    ("without-spaces", "public,max-age=900,immutable", 900.0),
    ("tabs-and-empty-elements", ",\t, max-age=900 ,\t,", 900.0),
    ("repeated", "max-age=900, max-age=1200", 900.0),
    ("repeated-in-another-case", "MAX-AGE=900, max-age=1200", 900.0),
    ("repeated-and-the-first-is-invalid", "max-age=x, max-age=1200", SHORTEST),
    ("for-shared-caches", "s-maxage=900", DEFAULT),
    ("for-shared-caches-and-others", "s-maxage=1200, max-age=900", 900.0),
    ("similar-names", "x-max-age=900, max-age-x=900", DEFAULT),
    ("no-argument", "max-age", SHORTEST),
    ("empty-argument", "max-age=", SHORTEST),
    ("word", "max-age=soon", SHORTEST),
    ("negative", "max-age=-900", SHORTEST),
    ("signed", "max-age=+900", SHORTEST),
    ("fraction", "max-age=900.5", SHORTEST),
    ("exponent", "max-age=9e3", SHORTEST),
    ("underscore", "max-age=9_00", SHORTEST),
    ("space-inside", "max-age=9 00", SHORTEST),
    ("space-before-the-number", "max-age= 900", SHORTEST),
    ("digits-of-another-script", "max-age=٩٠٠", SHORTEST),
    ("line-feed", "max-age=900\n;", SHORTEST),
]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    ("cache_control", "seconds"), [row[1:] for row in LIFETIMES], ids=[row[0] for row in LIFETIMES]
)
def test_the_lifetime_comes_from_cache_control_within_the_bounds(
    cache_control: str | None, seconds: float
) -> None:
    assert lifetime(cache_control) == seconds


AGES: list[tuple[str, str, float]] = [
    ("new", "0", 900.0),
    ("some-time-in-a-cache", "100", 800.0),
    ("the-lower-bound-is-left", "840", 60.0),
    ("less-than-the-lower-bound-is-left", "841", SHORTEST),
    ("expired", "900", SHORTEST),
    ("expired-long-ago", "100000", SHORTEST),
    ("ten-digits", "9999999999", SHORTEST),
    ("empty", "", 900.0),
    ("word", "old", 900.0),
    ("negative", "-100", 900.0),
    ("fraction", "100.5", 900.0),
]


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(("age", "seconds"), [row[1:] for row in AGES], ids=[r[0] for r in AGES])
def test_age_shortens_the_lifetime(age: str, seconds: float) -> None:
    """An `Age` that is not a number of seconds is ignored."""
    assert lifetime("max-age=900", age) == seconds


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
def test_age_is_subtracted_before_the_bounds_are_applied() -> None:
    assert lifetime("max-age=100000", "50000") == 50_000.0


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize("cache_control", [None, "public", "s-maxage=900"])
def test_age_does_not_shorten_the_default_lifetime(cache_control: str | None) -> None:
    """The default is an interval between fetches, not a lifetime that the issuer gave."""
    assert lifetime(cache_control, "590") == DEFAULT


def test_expires_is_ignored() -> None:
    headers = {"expires": "Thu, 01 Jan 2026 00:15:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}

    assert FRESHNESS.lifetime(headers) == DEFAULT


def test_the_lifetime_is_always_a_float() -> None:
    lifetimes = [lifetime(cache_control) for _, cache_control, _ in LIFETIMES]

    assert {type(lifetime) for lifetime in lifetimes} == {float}


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize("digits", [11, 20, 5000])
def test_very_long_numbers_are_read(digits: int) -> None:
    """Python refuses to convert several thousand digits."""
    number = "9" * digits

    assert SHORTEST <= lifetime(f"max-age={number}") <= LONGEST
    assert SHORTEST <= lifetime("max-age=900", number) <= 900.0


PIECES = st.sampled_from(
    ["max-age", "no-store", "no-cache", "s-maxage", "=", ",", '"', " ", "\t", "-", "900", "9" * 40]
)
HEADERS = st.none() | st.text() | st.lists(PIECES).map("".join)


@given(cache_control=HEADERS, age=HEADERS)
def test_the_lifetime_is_within_the_bounds_for_any_headers(
    cache_control: str | None, age: str | None
) -> None:
    assert SHORTEST <= lifetime(cache_control, age) <= LONGEST


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@given(max_age=st.integers(0, 10**10 - 1), age=st.integers(0, 10**10 - 1))
def test_the_lifetime_is_max_age_minus_age(max_age: int, age: int) -> None:
    assert lifetime(f"max-age={max_age}", f"{age}") == min(max(max_age - age, SHORTEST), LONGEST)


@pytest.mark.parametrize("digits", [11, 20, 5000])
def test_a_huge_number_counts_as_the_largest_number(digits: int) -> None:
    """RFC 9111 §1.2.2: 2147483648, or the greatest number that a cache can represent."""
    freshness, number = Freshness(default=600, shortest=60, longest=86_400), "9" * digits

    assert freshness.lifetime({"cache-control": f"max-age={number}"}) == 86_400
    assert freshness.lifetime({"cache-control": "max-age=900", "age": number}) == 60


def test_the_first_of_several_ages_counts() -> None:
    """RFC 9111 §5.1."""
    freshness = Freshness(default=600, shortest=60, longest=86_400)

    assert freshness.lifetime({"cache-control": "max-age=900", "age": "100, 5"}) == 800
