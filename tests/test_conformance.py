"""The page of conformance is complete, and what it names exists."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS / "asgi_bearer/conformance.md").read_text(encoding="utf-8")


def rows() -> list[int]:
    found: list[int] = []
    for first, last in re.findall(r"^\| (\d+)(?:-(\d+))? \|", PAGE, re.MULTILINE):
        found += range(int(first), int(last or first) + 1)
    return found


def test_every_requirement_stands_on_the_page_once() -> None:
    assert rows() == list(range(1, 122))


def test_every_row_up_to_92_has_a_test_or_a_reason() -> None:
    table = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    without = {int(row) for row, _, held_by in table if held_by == "-"}
    reasons = {int(row) for row, rule, _ in table if re.search("not yet|not applicable", rule)}

    assert {row for row in without if row <= 92} <= reasons


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`([\w./]+)::(test_\w+)`", PAGE)
    missing = [
        f"{module}::{test}"
        for module, test in named
        if not re.search(
            rf"^(async )?def {test}\(",
            (TESTS / "asgi_bearer" / f"{module}.py").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]

    assert len(named) > 100
    assert missing == []
