"""docs/conformance.md is made of the rules and of the tests that name them."""

import pytest

from tests.support.conformance import (
    CHECKOUT,
    Requirement,
    faults,
    main,
    marked,
    page,
    requirements,
)

LISTED = requirements(
    """
    [[requirement]]
    source = "RFC 6750 §3"
    rule = "every 401 carries a challenge"

    [[requirement]]
    source = "RFC 9449"
    rule = "DPoP proofs"
    without = "Not yet."
    """
)
TESTS = {"every 401 carries a challenge": ["`test_a.py::test_b`"]}


def test_the_page_in_the_checkout_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_a_marked_test_names_its_rules() -> None:
    source = '@pytest.mark.conforms("a", "b")\nasync def test_x(): ...\ndef test_y(): ...\n'

    assert list(marked(source)) == [("a", "test_x"), ("b", "test_x")]


def test_a_requirement_has_a_row_with_its_tests_or_with_the_reason_for_none() -> None:
    assert page(LISTED, TESTS).endswith(
        "| RFC 6750 §3 | every 401 carries a challenge | `test_a.py::test_b` |\n"
        "| RFC 9449 | DPoP proofs | Not yet. |\n"
    )
    assert faults(LISTED, TESTS) == []


@pytest.mark.parametrize(
    ("tests", "fault"),
    [
        ({}, "no test holds: every 401 carries a challenge"),
        ({**TESTS, "DPoP proofs": ["`t`"]}, "a test holds what is listed as not held: DPoP proofs"),
        ({**TESTS, "x": ["`t`"]}, "`t` names a rule that is not listed: x"),
    ],
)
def test_a_rule_without_a_test_and_a_test_without_a_rule_are_faults(
    tests: dict[str, list[str]], fault: str
) -> None:
    assert faults(LISTED, tests) == [fault]


def test_no_rule_is_listed_twice() -> None:
    rules = [one.rule for one in _listed()]

    assert len(rules) == len(set(rules))


def _listed() -> list[Requirement]:
    return requirements((CHECKOUT / "tests/conformance.toml").read_text(encoding="utf-8"))
