"""The pages of the authorization server, and the start page, work without JavaScript."""

from collections.abc import Callable

import pytest

from tests.browser.person import Person
from tests.support.demo_process import DemoProcess


@pytest.fixture
def person(arrival: Callable[..., Person], demo: DemoProcess) -> Person:
    """A person whose browser has JavaScript switched off."""
    return arrival(demo, java_script_enabled=False)


def test_the_start_page_shows_the_url_of_a_new_selection(person: Person) -> None:
    person.open(person.web)
    person.page.get_by_role("radio", name="code token").check()

    person.press("Show the URL", to=person.web)

    assert "response_type=code%20token&" in (
        person.page.get_by_role("link", name="Sign in").get_attribute("href") or ""
    )


def test_signing_in_and_allowing_work(person: Person) -> None:
    person.choose("code id_token", scopes=("openid", "email"))
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")
    person.press("Allow", to=f"{person.web}callback")

    assert person.answer()["code"]
    assert "JavaScript is switched off" in person.text


def test_a_wrong_password_is_reported(person: Person) -> None:
    person.choose("code id_token")
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")
    person.page.get_by_label("Password").fill("wrong")

    person.press("Sign in", to=f"{person.demo.issuer}authorize/sign-in?")

    assert "is wrong" in person.page.get_by_role("alert").inner_text()
    assert person.page.get_by_label("Password").input_value() == ""


def test_a_form_post_response_is_sent_with_a_button(person: Person) -> None:
    person.choose("code id_token", scopes=("openid", "email", "profile"))
    link = person.page.get_by_role("link", name="Sign in").get_attribute("href")
    person.open(f"{link}&response_mode=form_post&prompt=consent")
    person.press("Sign in", to=f"{person.demo.issuer}authorize?")
    person.press("Allow", to=f"{person.demo.issuer}authorize")
    assert person.heading == "Going back to the application"

    person.press("Continue", to=f"{person.web}callback")
