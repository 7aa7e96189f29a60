"""The Hybrid Flow in a browser, from the start page to the contacts and out again."""

import pytest

from tests.browser.person import Person

COMPONENTS = {
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token", "token_type", "expires_in"},
    "code id_token token": {"code", "id_token", "access_token", "token_type", "expires_in"},
}
"""The parameters of the response for each response type."""


@pytest.mark.parametrize("response_type", COMPONENTS)
def test_a_sign_in_leads_to_the_contacts(person: Person, response_type: str) -> None:
    person.choose(response_type)
    person.sign_in()

    person.press("Open my contacts", to=f"{person.web}contacts")

    assert "contacts" in person.heading
    assert person.page.locator("li.contact").count() > 0


@pytest.mark.parametrize("response_type", COMPONENTS)
def test_the_response_contains_exactly_what_was_requested(
    person: Person, response_type: str
) -> None:
    person.choose(response_type)

    person.sign_in()

    assert set(person.answer()) == COMPONENTS[response_type] | {"state", "iss"}


def test_the_response_is_in_neither_the_address_bar_nor_the_history(person: Person) -> None:
    person.choose("code id_token token")

    person.sign_in()

    history = person.history()
    assert history[-1] == person.page.url == f"{person.web}session"
    assert [url for url in history if "#" in url or "code=" in url] == []


def test_going_back_refuses_the_used_response_and_leaves_the_person_signed_in(
    person: Person,
) -> None:
    person.choose("code id_token token")
    person.sign_in()

    person.page.go_back()
    person.page.get_by_role("heading", name="The response was refused").wait_for()
    person.look()

    person.open(f"{person.web}session")
    assert person.heading == "Hello, Alice Archer"


def test_both_access_tokens_are_shown_apart(person: Person) -> None:
    person.choose("code id_token token")

    person.sign_in()

    assert "Two access tokens, kept apart" in person.text
    assert person.page.locator("article.token").count() == 2


def test_the_front_channel_token_works_and_the_page_advises_against_it(person: Person) -> None:
    person.choose("code token")
    person.sign_in()
    person.press("Open my contacts", to=f"{person.web}contacts")

    person.press("Use the token from the browser instead", to=f"{person.web}contacts?token=")

    assert person.page.locator("li.contact").count() > 0
    assert "Applications should not use it" in person.text


def test_a_refresh_brings_a_new_access_token(person: Person) -> None:
    person.choose("code id_token")
    person.sign_in()

    person.press("Refresh", to=f"{person.web}session")

    before, after, _ = person.page.locator("section", has_text="Refreshed").locator("dd").all()
    assert before.inner_text() != after.inner_text()


def test_signing_out_ends_both_sessions(person: Person) -> None:
    person.choose("code id_token")
    person.sign_in()

    person.press("Sign out", to=person.web)

    assert person.page.url == person.web
    person.press("Sign in", to=f"{person.demo.issuer}authorize")
    assert person.heading == "Sign in"


def test_a_person_sees_their_own_contacts_only(person: Person) -> None:
    person.choose("code id_token token")
    person.sign_in("bob")

    person.press("Open my contacts", to=f"{person.web}contacts")

    assert person.heading == "Bob Baker's contacts"
