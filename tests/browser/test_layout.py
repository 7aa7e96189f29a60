"""Every page, on a phone and on a wide screen, in light and dark colours, and by keyboard.

`faults.py` names the faults of a page. The tests collect them at each page and fail at the end.
"""

from collections.abc import Callable
from typing import Literal

import pytest

from tests.browser.person import Person
from tests.support.demo_process import DemoProcess

BREAKAGES = ("Another state", "Another signature", "The code again")
"""One attack for each party; the pages of the other attacks have the same parts."""

HEADINGS = {
    "Authorization server",
    "Something is wrong",
    "Page not found",
    "There is no response here",
    "The Hybrid Flow, step by step",
    "Sign in",
    "Allow Contact book?",
    "You denied access",
    "Hello, Alice Archer",
    "Alice Archer's contacts",
    *BREAKAGES,
    "Sign out?",
    "You are signed out",
}


def tour(person: Person) -> None:
    """Look at every page."""
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
    person.choose("code id_token", scopes=("openid", "profile"))
    person.sign_in()
    person.press("Open my contacts", to=f"{web}contacts")
    person.choose("code id_token token")
    person.sign_in()
    person.page.locator("details > summary").evaluate_all(
        "summaries => summaries.forEach((summary) => summary.click())"
    )
    person.look()
    person.press("Refresh", to=f"{web}session")
    person.press("Open my contacts", to=f"{web}contacts")
    person.press("Use the token from the browser instead", to=f"{web}contacts?")
    for entry in BREAKAGES:
        person.page.goto(f"{web}session")
        person.press(entry, to=f"{web}break/")
    person.page.goto(f"{web}session")
    person.press("Sign out", to=web)
    person.open(f"{issuer}oidc/logout")


@pytest.mark.parametrize("width", [320, 1440])
def test_every_page_fits_and_breaks_no_url(
    arrival: Callable[..., Person], demo: DemoProcess, width: int
) -> None:
    person = arrival(demo, thorough=True, viewport={"width": width, "height": 800})

    tour(person)

    assert set(person.headings) == HEADINGS


@pytest.mark.parametrize("place", ["web", "issuer"])
def test_dark_colours_are_darker_than_light_ones(
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


def test_a_keyboard_reaches_all_controls_and_the_focus_is_visible(person: Person) -> None:
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


@pytest.mark.parametrize("signed_in", [False, True], ids=["new", "signed in"])
def test_sign_in_is_in_the_first_screen_of_a_phone(
    arrival: Callable[..., Person], demo: DemoProcess, signed_in: bool
) -> None:
    person = arrival(demo, viewport={"width": 390, "height": 844})
    if signed_in:
        person.choose("code id_token")
        person.sign_in()
    person.open(person.web)

    button = person.page.get_by_role("link", name="Sign in", exact=True).bounding_box()

    assert button is not None
    assert button["y"] + button["height"] <= 844


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_each_parameter_of_the_url_stands_on_one_line(
    arrival: Callable[..., Person], demo: DemoProcess, width: int
) -> None:
    person = arrival(demo, viewport={"width": width, "height": 844})
    person.choose("code id_token token")

    heights = person.page.locator(".url .code").evaluate_all(
        """(parameters) => parameters.map((parameter) => {
          const range = document.createRange();
          range.selectNodeContents(parameter);
          const tops = [...range.getClientRects()].map(({ top }) => Math.round(top / 4));
          return new Set(tops).size;
        })"""
    )

    assert set(heights) == {1}


def test_the_page_of_a_403_leads_to_a_sign_in_with_the_missing_scope(person: Person) -> None:
    person.choose("code id_token", scopes=("openid",))
    person.sign_in()
    person.press("Open my contacts", to=f"{person.web}contacts")
    assert "Missing scope: read:contacts" in person.text

    person.sign_in(link="Sign in again with it")
    person.press("Open my contacts", to=f"{person.web}contacts")

    assert person.page.locator("li.contact").count() > 0


def test_a_choice_on_the_start_page_changes_the_url_at_once(person: Person) -> None:
    person.open(person.web)

    with person.page.expect_navigation():
        person.page.get_by_role("radio", name="code token").click()

    link = person.page.get_by_role("link", name="Sign in").get_attribute("href") or ""
    assert "response_type=code%20token&" in link
    assert person.page.locator(":focus").get_attribute("value") == "code token"
