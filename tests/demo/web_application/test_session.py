"""The session page: the person, the reasons of the checks, and the decoded tokens."""

import pytest

from demo.web_application.checks.responses import AUTHORIZATION_RESPONSE, TOKEN_RESPONSE
from demo.web_application.checks.results import REASONS
from tests.demo.web_application.conftest import EVERY_SCOPE, WEB, Parties
from tests.support.fake_provider import CLIENT_SECRET


async def test_without_a_sign_in_there_is_no_session_page(parties: Parties) -> None:
    page = await parties.person.get(f"{WEB}session")

    assert page.url == WEB


async def test_the_page_says_who_is_signed_in(parties: Parties) -> None:
    page = await parties.signed_in()

    assert "Hello, Alice Example" in page.text
    assert "says that you are alice" in page.text


async def test_the_page_says_why_each_check_is_made(parties: Parties) -> None:
    page = await parties.signed_in()

    for name in (*AUTHORIZATION_RESPONSE, *TOKEN_RESPONSE):
        assert REASONS[name] in page.text


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_the_reason_of_a_check_is_one_sentence_that_names_the_attack(reason: str) -> None:
    assert reason.startswith("Stops ")
    assert reason.endswith(".")
    assert ". " not in reason


async def test_the_name_from_the_provider_is_escaped_and_cut(parties: Parties) -> None:
    parties.provider.exchanged_id_token = {"name": "<b>" + "a" * 200}

    page = await parties.signed_in()

    assert "<b>a" not in page.response.text
    assert "a" * 101 not in page.response.text.partition("</h1>")[0]


@pytest.mark.parametrize(
    ("response_type", "front", "id_tokens"),
    [("code id_token", False, 2), ("code token", True, 1), ("code id_token token", True, 2)],
)
async def test_each_token_is_shown_once_with_its_origin(
    parties: Parties, response_type: str, front: bool, id_tokens: int
) -> None:
    page = await parties.signed_in(response_type)

    assert ("do not call APIs with it" in page.text) is front
    assert ("implicit" in page.text) is front
    assert page.text.count("call the API with this one") == 1
    assert page.response.text.count("&#34;c_hash&#34;") == id_tokens - 1


async def test_tokens_are_shown_decoded_and_without_signature(parties: Parties) -> None:
    callback = await parties.at_callback()
    page = await parties.hand_over(callback)

    assert "&#34;typ&#34;: &#34;at+jwt&#34;" in page.response.text
    for name in ("access_token", "id_token"):
        token = callback.fragment[name]
        assert token not in page.response.text
        assert token.rpartition(".")[2] not in page.response.text
    assert callback.fragment["code"] not in page.response.text


async def test_the_page_contains_no_secret(parties: Parties) -> None:
    page = await parties.signed_in()

    (request,) = parties.provider.exchanges()
    assert "refresh-token" not in page.response.text
    assert CLIENT_SECRET not in page.response.text
    assert request["code_verifier"] not in page.response.text
    assert (parties.cookie() or "?") not in page.response.text


async def test_the_page_says_that_an_access_token_is_opaque(parties: Parties) -> None:
    parties.provider.tokens = {"access_token": "opaque-" + "x" * 30}
    parties.provider.exchanged_id_token = {"at_hash": None}

    page = await parties.signed_in("code id_token")

    assert "only its issuer can read it" in page.text
    assert "opaque-xxx" not in page.text


async def test_the_page_says_that_there_is_a_refresh_token(parties: Parties) -> None:
    page = await parties.signed_in()

    assert "There is one. It stays on this server" in page.text
    assert page.form("/refresh").method == "post"


async def test_the_page_says_that_no_refresh_token_was_requested(parties: Parties) -> None:
    page = await parties.signed_in(scopes=("openid",))

    assert "offline_access was not requested" in page.text
    assert not [form for form in page.forms if "refresh" in form.action]


async def test_the_page_says_that_the_refresh_token_was_not_granted(parties: Parties) -> None:
    parties.provider.tokens = {"refresh_token": None, "scope": "openid read:contacts"}

    page = await parties.signed_in(scopes=EVERY_SCOPE)

    assert "the API does not allow it" in page.text


async def test_the_page_says_that_the_provider_issued_no_refresh_token(parties: Parties) -> None:
    parties.provider.tokens = {"refresh_token": None}

    page = await parties.signed_in()

    assert "The authorization server issued none." in page.text


async def test_the_page_says_that_a_token_has_expired(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(700)

    page = await parties.person.get(f"{WEB}session")

    assert "expired" in page.text


async def test_the_session_ends_after_twelve_hours(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(12 * 3600)

    page = await parties.person.get(f"{WEB}session")

    assert page.url == WEB


async def test_the_page_works_while_the_provider_is_away(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(700)
    parties.network.off.add("http://127.0.0.1:9000/")

    page = await parties.person.get(f"{WEB}session")

    assert page.status == 200


async def test_the_start_page_names_the_person_who_is_signed_in(parties: Parties) -> None:
    await parties.signed_in()

    page = await parties.person.get(WEB)

    assert "You are signed in as Alice Example" in page.text


async def test_a_second_sign_in_replaces_the_first(parties: Parties) -> None:
    await parties.signed_in("code id_token")

    page = await parties.signed_in("code token")

    assert "response_type=code token" in page.text


async def test_a_failed_sign_in_keeps_the_earlier_one(parties: Parties) -> None:
    await parties.signed_in()
    await parties.hand_over(await parties.at_callback(), {"state": "another"})

    page = await parties.person.get(f"{WEB}session")

    assert "Hello, Alice Example" in page.text


@pytest.mark.parametrize("path", ["refresh", "sign-out", "break/state"])
@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({"form_token": "another"}, {}),
        ({"form_token": None}, {}),
        ({}, {"Origin": "https://attacker.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
    ids=["wrong token", "no token", "foreign origin", "no origin", "foreign site"],
)
async def test_a_form_from_another_page_is_refused(
    parties: Parties, path: str, changes: dict[str, str | None], headers: dict[str, str]
) -> None:
    page = await parties.signed_in()
    asked = len(parties.provider.requests)
    fields: dict[str, str | None] = {**page.form("/sign-out").fields, **changes}
    sent = {name: value for name, value in fields.items() if value is not None}

    answer = await parties.person.client.post(
        f"{WEB}{path}", data=sent or {"nothing": ""}, headers=headers
    )

    assert answer.status_code == 403
    assert len(parties.provider.requests) == asked
    assert (await parties.person.get(f"{WEB}session")).url == f"{WEB}session"


@pytest.mark.parametrize("path", ["refresh", "sign-out", "break/state"])
async def test_a_form_without_a_sign_in_is_refused(parties: Parties, path: str) -> None:
    await parties.start()
    page = await parties.person.get(f"{WEB}callback")

    fields = {"form_token": page.form("/callback").fields["form_token"]}
    answer = await parties.person.client.post(f"{WEB}{path}", data=fields)

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["refresh", "sign-out", "break/state"])
async def test_the_addresses_of_forms_refuse_get(parties: Parties, path: str) -> None:
    await parties.signed_in()

    page = await parties.person.get(f"{WEB}{path}")

    assert page.status == 405
