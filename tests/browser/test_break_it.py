"""Each attack of "Break it": one thing is changed, and the page names the party that refuses it."""

import pytest

from tests.browser.person import Person


@pytest.mark.parametrize(
    ("attack", "name", "refusals"),
    [
        ("Another state", "state", [("This web application", "400", "state")]),
        ("Another nonce", "nonce", [("This web application", "400", "nonce")]),
        (
            "Another signature",
            "signature",
            [
                ("This web application", "400", "ID token: signature"),
                ("The API", "401", "invalid_token"),
            ],
        ),
        ("Another audience", "audience", [("The API", "401", "invalid_token")]),
        ("An expired token", "expiry", [("The API", "401", "invalid_token")]),
        ("Another scope", "scope", [("The API", "403", "insufficient_scope")]),
        (
            "The code again",
            "code-replay",
            [
                ("The authorization server", "400", "invalid_grant"),
                ("The authorization server", "400", "invalid_grant"),
                ("The authorization server", "401", "invalid_token"),
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_the_right_party_refuses(
    person: Person, attack: str, name: str, refusals: list[tuple[str, str, str]]
) -> None:
    person.choose("code id_token token")
    person.sign_in()

    person.press(attack, to=f"{person.web}break/{name}")

    shown = [
        tuple(value.inner_text() for value in facts.locator("dd").all())
        for facts in person.page.locator("dl.facts").all()
    ]
    assert shown == refusals


def test_after_a_replay_of_the_code_the_refresh_token_is_gone(person: Person) -> None:
    person.choose("code id_token token")
    person.sign_in()
    person.press("The code again", to=f"{person.web}break/code-replay")

    person.press("Go to your session", to=f"{person.web}session")

    assert "It was revoked" in person.text
    assert person.page.get_by_role("button", name="Refresh").count() == 0


def test_every_attack_of_the_menu_is_tested(person: Person) -> None:
    person.choose("code id_token token")

    person.sign_in()

    menu = person.page.locator("#break-it button").all()
    assert len(menu) == 7
