"""docs/migrating: each application is rewritten in at most ten lines, and works afterwards."""

import difflib
import re
from pathlib import Path
from typing import Any

import pytest

from asgi_bearer.testing import FakeIssuer, signing_key
from tests.support.asgi import bearer, client
from tests.support.demo_process import CHECKOUT

MOST_CHANGED_LINES = 10

FOLDER = CHECKOUT / "docs" / "migrating"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.stem != "README")

_APPLICATION = re.compile(
    r"^## (?P<name>Before|After)\n+```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def applications(page: Path) -> dict[str, str]:
    """Return the two applications of a page, as `Before` and `After`."""
    found = _APPLICATION.finditer(page.read_text(encoding="utf-8"))
    return {match["name"]: match["text"] for match in found}


def changed_lines(before: str, after: str) -> list[str]:
    """Return the lines of `after` that replace others or are new; blank ones do not count."""
    lines = [[line for line in text.splitlines() if line] for text in (before, after)]
    compared = difflib.unified_diff(lines[0], lines[1], n=0)
    return [line for line in compared if line[0] == "+" and not line.startswith("+++")]


def run(text: str) -> dict[str, Any]:
    """Return the names that an application defines."""
    names: dict[str, Any] = {}
    exec(compile(text, "main.py", "exec"), names)  # noqa: S102 - a page of this repository
    return names


def by_name(page: Path) -> str:
    return page.stem


def test_the_first_page_names_each_page() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert {f"{page.name}" for page in PAGES} == set(re.findall(r"\(([\w-]+\.md)\)", text))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_few_lines_change(page: Path) -> None:
    both = applications(page)

    changed = changed_lines(both["Before"], both["After"])

    assert 0 < len(changed) <= MOST_CHANGED_LINES, "\n".join(changed)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_application_of_before_is_python(page: Path) -> None:
    compile(applications(page)["Before"], "before.py", "exec")


SCOPES = {
    "auth0-fastapi-api": "read:items",
    "fastapi-azure-auth": "user_impersonation",
    "pyjwt": "read:items",
}
"""What a token needs to read the items."""


@pytest.mark.parametrize("name", SCOPES)
async def test_the_application_of_after_works(name: str) -> None:
    names = run(applications(FOLDER / f"{name}.md")["After"])
    app = names["app"]
    with FakeIssuer.instead_of(names["verifier"]) as issuer:
        reader = bearer(issuer.token(scope=SCOPES[name], sub="bob"))
        other = bearer(issuer.token(scope="openid", sub="bob"))

        assert (await client(app).get("/me")).status_code == 401
        assert (await client(app).get("/me", headers=other)).json() == {"subject": "bob"}
        assert (await client(app).get("/items", headers=other)).status_code == 403
        assert (await client(app).get("/items", headers=reader)).status_code == 200


async def test_the_recipe_with_pyjwt_gives_the_same_answers_to_good_tokens() -> None:
    issuer = FakeIssuer(audience="https://api.example/items", key=signing_key("RS256"))
    with issuer.serve() as url:
        before = applications(FOLDER / "pyjwt.md")["Before"]
        names = run(
            before.replace('"https://tenant.example/"', repr(url)).replace("}jwks", "}/jwks")
        )
        reader = bearer(issuer.token(scope="read:items", sub="bob"))
        other = bearer(issuer.token(scope="openid", sub="bob"))
        app = names["app"]

        assert (await client(app).get("/me", headers=other)).json() == {"subject": "bob"}
        assert (await client(app).get("/items", headers=other)).status_code == 403
        assert (await client(app).get("/items", headers=reader)).json() == {"owner": "bob"}


def test_a_rewritten_application_of_more_lines_is_found() -> None:
    before, after = "one\ntwo\n", "one\nthree\nfour\n\n"

    assert changed_lines(before, after) == ["+three", "+four"]
