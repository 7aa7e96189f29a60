"""Makes docs/conformance.md of tests/conformance.toml and of the tests that name its rules.

`python -m tests.support.conformance` writes the page; with `--check` it only says what is wrong.
"""

import argparse
import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
MARKER = "conforms"

_HEAD = """\
# Conformance

What a resource server must do, by the standards of the field, and the tests that hold it. Made by
`python -m tests.support.conformance`; do not edit.

| source | rule | tests |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule, and where it stands.

    Arguments:
        source: the section of a standard, or the subject.
        rule: one sentence; tests name the rule by it.
        without: why no test holds it; "" if tests do.
    """

    source: str
    rule: str
    without: str = ""


def requirements(text: str) -> list[Requirement]:
    """Return the requirements that a TOML text lists."""
    return [Requirement(**entry) for entry in tomllib.loads(text)["requirement"]]


def marked(source: str) -> Iterator[tuple[str, str]]:
    """Yield each rule that a test of a module names, and the name of the test."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                    f"mark.{MARKER}"
                ):
                    for argument in decorator.args:
                        yield str(ast.literal_eval(argument)), node.name


def faults(listed: Sequence[Requirement], tests: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what is wrong: rules without a test, and tests that name an unlisted rule.

    Arguments:
        tests: the tests that name a rule, by the rule.
    """
    known = {requirement.rule for requirement in listed}
    found = [
        f"{tests[rule][0]} names a rule that is not listed: {rule}" for rule in tests.keys() - known
    ]
    for requirement in listed:
        if requirement.without and requirement.rule in tests:
            found.append(f"a test holds what is listed as not held: {requirement.rule}")
        if not requirement.without and requirement.rule not in tests:
            found.append(f"no test holds: {requirement.rule}")
    return sorted(found)


def page(listed: Sequence[Requirement], tests: Mapping[str, Sequence[str]]) -> str:
    """Return the page as Markdown."""
    rows = [
        f"| {one.source} | {one.rule} | {one.without or '<br>'.join(tests[one.rule])} |"
        for one in listed
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _tests(folder: Path) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        where = path.relative_to(folder).as_posix()
        for rule, name in marked(path.read_text(encoding="utf-8")):
            found[rule].append(f"`{where}::{name}`")
    return dict(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every rule is held and the page is up to date."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.conformance")
    parser.add_argument("--check", action="store_true", help="write nothing")
    checks = parser.parse_args(arguments).check
    listed = requirements((CHECKOUT / "tests/conformance.toml").read_text(encoding="utf-8"))
    tests = _tests(CHECKOUT / "tests")
    wrong = faults(listed, tests)
    target = CHECKOUT / "docs/conformance.md"
    if not wrong and not checks:
        target.write_text(page(listed, tests), encoding="utf-8")
    elif not wrong and target.read_text(encoding="utf-8") != page(listed, tests):
        wrong = ["docs/conformance.md is out of date: run python -m tests.support.conformance"]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
