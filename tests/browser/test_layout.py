"""Every page, on a telephone and on a wide screen, by day and by night, and by keyboard.

What is wrong with a page on its own (`faults.py`) is noted at each, and fails the test at its end.
"""

from collections.abc import Callable
from typing import Literal

import pytest

from tests.browser.person import Person
from tests.support.demo_process import DemoProcess

BREAKAGES = ("Another state", "Another signature", "The code again")
"""One for each party that refuses; the other pages are like these."""

HEADINGS = {
    "Authorization server",
    "Something is wrong",
    "Nothing here",
    "There is no answer here",
    "The Hybrid Flow, step by step",
    "Sign in",
    "Allow Contact book?",
    "You said no",
    "Hello, Alice Archer",
    "Alice Archer's contacts",
    *BREAKAGES,
    "Sign out?",
    "You are signed out",
}


def tour(person: Person) -> None:
    """See every page there is."""
    issuer, web = person.demo.issuer, person.web
    person.open(issuer)
    person.open(f"{issuer}authorize")
    person.open(f"{web}nothing-here")
    person.open(f"{web}callback")
    person.open(web)
    person.press("Sign in", to=f"{issuer}authorize?")
    person.page.get_by_label("Password").fill("wrong")
    person.press("Sign in", to=f"{issuer}authorize/sign-in?")
    person.choose("code id_token token")
    person.sign_in()
    person.open(f"{issuer}oidc/logout")
    person.choose("code id_token", scopes=("openid",))
    link = person.page.get_by_role("link", name="Sign in", exact=True).get_attribute("href")
    person.open(f"{link}&prompt=consent")
    person.deny()
    person.open(f"{web}session")
    person.page.locator("details > summary").evaluate_all(
        "summaries => summaries.forEach((summary) => summary.click())"
    )
    person.look()
    person.press("Refresh", to=f"{web}session")
    person.press("Open my contacts", to=f"{web}contacts")
    person.press("With the token from the browser instead", to=f"{web}contacts?")
    for entry in BREAKAGES:
        person.page.goto(f"{web}session")
        person.press(entry, to=f"{web}break/")
    person.page.goto(f"{web}session")
    person.press("Sign out", to=web)
    person.open(f"{issuer}oidc/logout")


@pytest.mark.parametrize("width", [320, 1440])
def test_every_page_fits(arrival: Callable[..., Person], demo: DemoProcess, width: int) -> None:
    person = arrival(demo, thorough=True, viewport={"width": width, "height": 800})

    tour(person)

    assert set(person.headings) == HEADINGS


@pytest.mark.parametrize("place", ["web", "issuer"])
def test_night_is_darker_than_day(
    arrival: Callable[..., Person], demo: DemoProcess, place: Literal["web", "issuer"]
) -> None:
    brightness: dict[str, int] = {}
    for scheme in ("light", "dark"):
        person = arrival(demo, color_scheme=scheme)
        person.open(demo.web_application if place == "web" else demo.issuer)
        colours = person.page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness[scheme] = sum(map(int, colours.removeprefix("rgb(").rstrip(")").split(",")))

    assert brightness["dark"] < 3 * 80
    assert brightness["light"] > 3 * 200


def test_the_keyboard_reaches_everything_and_shows_where_it_is(person: Person) -> None:
    person.choose("code id_token token")
    person.sign_in()
    focusable = person.page.locator("a[href], button, summary").count()
    reached: list[str] = []
    for _ in range(focusable):
        person.page.keyboard.press("Tab")
        reached.append(
            person.page.evaluate(
                """() => {
                  const { outlineStyle, outlineWidth, boxShadow } =
                    getComputedStyle(document.activeElement);
                  const seen = outlineStyle !== 'none' && outlineWidth !== '0px';
                  const words = document.activeElement.textContent.trim().slice(0, 40);
                  return (seen || boxShadow !== 'none' ? '' : 'UNSEEN ') + words;
                }"""
            )
        )

    assert [words for words in reached if words.startswith("UNSEEN")] == []
    assert len(reached) == focusable
    assert any(words.startswith("Sign out") for words in reached)


def test_a_choice_on_the_start_page_changes_the_url_at_once(person: Person) -> None:
    person.open(person.web)

    with person.page.expect_navigation():
        person.page.get_by_role("radio", name="code token").click()

    link = person.page.get_by_role("link", name="Sign in").get_attribute("href") or ""
    assert "response_type=code%20token&" in link
    assert person.page.locator(":focus").get_attribute("value") == "code token"
