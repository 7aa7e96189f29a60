"""The demo's promises: three clicks and one form to the contacts, and restarts keep sessions."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.conftest import started_demo
from tests.browser.person import Person


def test_three_clicks_and_one_form_reach_the_contacts(
    tmp_path: Path, arrival: Callable[..., Person]
) -> None:
    with started_demo(tmp_path) as demo:
        person = arrival(demo)
        person.open(demo.web_application)

        person.press("Sign in", to=f"{demo.issuer}authorize?")
        # The form is filled in already: this test types nothing.
        person.press("Sign in", to=f"{demo.issuer}authorize?")
        person.press("Allow", to=f"{demo.web_application}session")
        person.press("Open my contacts", to=f"{demo.web_application}contacts")

        assert person.page.locator("li.contact").count() > 0
        assert person.clicks == 3 + 1


def test_a_person_stays_signed_in_after_a_restart(
    tmp_path: Path, arrival: Callable[..., Person]
) -> None:
    with started_demo(tmp_path) as first:
        person = arrival(first)
        person.choose("code id_token token")
        person.sign_in()
        first.stop()

    with started_demo(tmp_path, ports=first.ports):
        person.open(f"{person.web}session")
        person.press("Refresh", to=f"{person.web}session")
        person.press("Open my contacts", to=f"{person.web}contacts")
        shown = person.page.locator("li.contact").count()
        # Neither the sign-in form nor the consent page appears again.
        person.choose("code id_token token")
        person.press("Sign in", to=f"{person.web}session")

        assert shown > 0
