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


def test_every_row_up_to_94_has_a_test_or_a_reason() -> None:
    table = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    without = {int(row) for row, _, held_by in table if held_by == "-"}
    reasons = {int(row) for row, rule, _ in table if re.search("not yet|not applicable", rule)}

    assert {row for row in without if row <= 94} <= reasons


def numbers(text: str) -> set[int]:
    """Return the rows that a text names, as in `Row 7.`, `rows 6 to 9`, `rows 13, 14 and 16`."""
    found: set[int] = set()
    for named in re.findall(r"[Rr]ows? (\d+(?:(?:,| to| and|-) ?(?:and )?\d+)*)", text):
        for first, last in re.findall(r"(\d+)(?:(?: to |-)(\d+))?", named):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_every_row_is_named_where_its_tests_are() -> None:
    """In the module of the tests, or in the tables of refusals that it runs."""
    tables = "".join(
        path.read_text(encoding="utf-8")
        for pattern in ("refused*.py", "forged*.py")
        for path in (TESTS / "asgi_bearer").glob(pattern)
    )
    for row, held_by in re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", PAGE, re.MULTILINE):
        modules = set(re.findall(r"`([\w./]+)::test_", held_by))
        text = "".join(
            (TESTS / "asgi_bearer" / f"{module}.py").read_text(encoding="utf-8")
            for module in modules
        )
        assert not modules or int(row) in numbers(text + tables), f"row {row}"


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
