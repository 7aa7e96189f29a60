"""Consent: requested the first time and when the scope changes; and what a denial means."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.conftest import started_demo
from tests.browser.person import EVERY_SCOPE, Person
from tests.support.demo_process import DemoProcess

FEW = ("openid", "read:contacts")
MORE = (*FEW, "profile")


def at_consent(person: Person, name: str = "alice") -> None:
    """Sign in from the start page."""
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")
    if person.page.get_by_label("User name").input_value() != name:
        person.press(name, to=f"{person.demo.issuer}authorize?")
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")


def allowed(person: Person, scopes: tuple[str, ...]) -> None:
    """Sign in and allow these scopes."""
    person.choose("code id_token", scopes=scopes)
    person.sign_in()


def test_the_first_consent_page_shows_each_permission_with_its_description(
    tmp_path: Path, arrival: Callable[..., Person]
) -> None:
    with started_demo(tmp_path) as demo:
        person = arrival(demo)
        person.choose("code id_token token")

        at_consent(person)

        shown = person.page.locator(".permissions li").all_inner_texts()
        assert person.heading == "Allow Contact book?"
        assert [words.split()[0] for words in shown] == list(EVERY_SCOPE)
        assert "Read your contacts" in person.text
        assert "Keep this access while you are away" in person.text


def test_an_allowed_scope_needs_no_second_consent(
    person: Person, arrival: Callable[..., Person], demo: DemoProcess
) -> None:
    allowed(person, FEW)
    again = arrival(demo)
    again.choose("code id_token", scopes=FEW)
    again.press("Sign in", to=f"{demo.issuer}authorize?")

    again.press("Sign in", to=f"{again.web}session")

    assert "Allow Contact book?" not in " ".join(again.headings)


def test_another_scope_needs_consent_again(person: Person) -> None:
    allowed(person, FEW)
    person.choose("code id_token", scopes=MORE)

    person.press("Sign in", to=f"{person.demo.issuer}authorize?")

    assert person.heading == "Allow Contact book?"


def test_a_denial_is_reported_and_signs_in_no_one(person: Person) -> None:
    allowed(person, FEW)
    person.press("Sign out", to=person.web)
    person.choose("code id_token token", scopes=MORE)
    at_consent(person)

    person.deny()

    assert person.answer().keys() == {"error", "error_description", "state", "iss"}
    assert person.answer()["error"] == "access_denied"
    person.open(f"{person.web}session")
    assert person.page.url == person.web


def test_a_denial_is_not_remembered(person: Person) -> None:
    allowed(person, FEW)
    person.choose("code id_token", scopes=MORE)
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")
    person.deny()
    person.choose("code id_token", scopes=MORE)

    person.press("Sign in", to=f"{person.demo.issuer}authorize?")

    assert person.heading == "Allow Contact book?"


def test_another_person_can_sign_in_instead(person: Person) -> None:
    allowed(person, FEW)
    person.choose("code id_token", scopes=MORE)
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")

    person.press("Not you?", to=f"{person.demo.issuer}authorize?")

    assert person.heading == "Sign in"
