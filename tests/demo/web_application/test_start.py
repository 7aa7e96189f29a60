"""The start page: the selection, the authorization URL, and the picture of the three parties."""

from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from asgi_bearer.jose.encoding import base64url_decode
from demo.web_application.session.session import MAX_PENDING
from tests.demo.web_application.conftest import EVERY_SCOPE, WEB, Parties
from tests.support.fake_provider import AUDIENCE, CLIENT_ID, PROVIDER
from tests.support.lifespan import running
from tests.support.user_agent import Page


def sign_in_url(page: Page) -> str:
    (link,) = {link for link in page.links if "/authorize?" in link}
    return link


def sent(page: Page) -> dict[str, str]:
    parameters = parse_qs(urlsplit(sign_in_url(page)).query)
    assert all(len(values) == 1 for values in parameters.values())
    return {name: values[0] for name, values in parameters.items()}


async def test_the_first_visit_has_a_default_selection(parties: Parties) -> None:
    page = await parties.person.get(WEB)

    parameters = sent(page)
    assert parameters["response_type"] == "code id_token token"
    assert parameters["scope"] == "openid profile email read:contacts offline_access"


async def test_the_url_has_the_parameters_of_the_hybrid_flow_and_pkce(parties: Parties) -> None:
    page = await parties.start("code id_token", ("openid", "read:contacts"))

    parameters = sent(page)
    assert sign_in_url(page).startswith(f"{PROVIDER}authorize?audience={AUDIENCE}&scope=openid%20")
    assert parameters["audience"] == AUDIENCE
    assert parameters["scope"] == "openid read:contacts"
    assert parameters["response_type"] == "code id_token"
    assert parameters["client_id"] == CLIENT_ID
    assert parameters["redirect_uri"] == f"{WEB}callback"
    assert parameters["code_challenge_method"] == "S256"
    assert len(base64url_decode(parameters["code_challenge"])) == sha256().digest_size
    assert min(len(parameters["state"]), len(parameters["nonce"])) >= 43


async def test_the_page_shows_each_parameter_of_the_link(parties: Parties) -> None:
    page = await parties.start()

    shown = "".join(page.text.split())
    for parameter in urlsplit(sign_in_url(page)).query.split("&"):
        assert parameter in shown


async def test_the_page_pictures_the_three_parties_in_words(parties: Parties) -> None:
    page = await parties.start()

    figure = page.response.text.partition("<figure>")[2].partition("</figure>")[0]
    assert page.response.text.count("<figure>") == 1
    assert "<figcaption" in figure
    for party in ("Authorization server", "Web application", "API"):
        assert f"<strong>{party}</strong>" in figure


@pytest.mark.parametrize("response_type", ["code token", "code id_token token"])
async def test_every_page_has_its_own_random_values(parties: Parties, response_type: str) -> None:
    first, second = sent(await parties.start()), sent(await parties.start(response_type))

    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


async def pending(parties: Parties) -> list[str]:
    """Return the `state` of each pending request."""
    session = await parties.sessions.session(parties.cookie() or "")
    assert session is not None
    return [transaction.state for transaction in session.pending]


async def test_many_changes_of_the_selection_do_not_end_the_request_of_another_tab(
    parties: Parties,
) -> None:
    other_tab = await parties.start("code id_token")
    for number in range(MAX_PENDING - 1):
        await parties.start("code token", EVERY_SCOPE[: number % len(EVERY_SCOPE)])

    page = await parties.hand_over(await parties.person.get(sign_in_url(other_tab)))

    assert MAX_PENDING >= 20
    assert page.url == f"{WEB}session"


async def test_the_number_of_pending_requests_is_limited(parties: Parties) -> None:
    pages = [await parties.start() for _ in range(MAX_PENDING + 3)]

    assert await pending(parties) == [sent(page)["state"] for page in pages[3:]]


async def test_expired_requests_are_deleted(parties: Parties) -> None:
    await parties.start()
    parties.clock.advance(601)

    page = await parties.start()

    assert await pending(parties) == [sent(page)["state"]]


async def test_the_page_says_that_the_url_follows_the_choice(parties: Parties) -> None:
    page = await parties.start()

    assert page.text.index("The URL follows your choice") < page.text.index("Response type")


async def test_two_browsers_get_two_states(parties: Parties) -> None:
    first = sent(await parties.start())
    parties.person.client.cookies.clear()

    assert sent(await parties.start())["state"] != first["state"]


@pytest.mark.parametrize(
    ("query", "scope"),
    [
        ("response_type=code+token", "openid"),
        ("response_type=code+token&scope=email&scope=admin", "openid email"),
        ("response_type=token&scope=email", "openid profile email read:contacts offline_access"),
    ],
    ids=["nothing chosen", "not offered", "unknown response type"],
)
async def test_only_offered_scopes_are_requested(parties: Parties, query: str, scope: str) -> None:
    page = await parties.person.get(f"{WEB}?{query}")

    assert sent(page)["scope"] == scope
    assert sent(page)["response_type"] in {"code token", "code id_token token"}


async def test_the_form_shows_the_selection(parties: Parties) -> None:
    page = await parties.start("code token", ("openid", "email"))

    (form,) = page.forms
    assert form.method == "get"
    assert form.fields["response_type"] == "code token"
    assert form.fields["scope"] == "openid email"


async def test_the_cookie_is_protected_from_scripts_and_other_sites(parties: Parties) -> None:
    page = await parties.person.get(WEB)

    cookie = page.response.headers["set-cookie"].lower()
    assert cookie.startswith("web_application_session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


async def test_pages_have_strict_security_headers(parties: Parties) -> None:
    page = await parties.person.get(WEB)

    policy = page.response.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.response.headers["cache-control"] == "no-store"
    assert page.response.headers["referrer-policy"] == "same-origin"
    assert page.response.headers["x-content-type-options"] == "nosniff"


async def test_every_asset_comes_from_this_origin(parties: Parties) -> None:
    page = await parties.person.get(WEB)

    for address in ("/static/style.css", "/static/icon.svg", "/scripts/start.js"):
        assert address in page.response.text
        assert (await parties.person.get(WEB[:-1] + address)).status == 200


@pytest.mark.parametrize("path", ["", "callback", "session", "contacts", "nowhere"])
async def test_pages_have_no_inline_scripts_and_styles(parties: Parties, path: str) -> None:
    await parties.signed_in(scopes=("openid",))

    source = (await parties.person.get(f"{WEB}{path}")).response.text

    assert "<style" not in source
    assert " style=" not in source
    assert source.count("<script") == source.count("<script src=")


async def test_another_host_name_is_refused(parties: Parties) -> None:
    transport = httpx.ASGITransport(parties.app)
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get("http://attacker.example:8080/")

    assert answer.status_code == 400


async def test_a_provider_that_does_not_answer_gives_an_error_page(parties: Parties) -> None:
    parties.network.off.add(PROVIDER)

    page = await parties.person.get(WEB)

    assert page.status == 503
    assert "is not available" in page.text


async def test_an_unexpected_error_is_reported_without_details(parties: Parties) -> None:
    await parties.person.get(WEB)
    await parties.lose_database()
    transport = httpx.ASGITransport(parties.app, raise_app_exceptions=False)

    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get(WEB)

    assert answer.status_code == 500
    assert "Server error" in answer.text
    assert "sessions" not in answer.text


async def test_the_application_closes_its_resources_at_shutdown(parties: Parties) -> None:
    async with running(parties.app):
        page = await parties.person.get(WEB)

    assert page.status == 200


async def test_unknown_addresses_get_an_error_page(parties: Parties) -> None:
    page = await parties.person.get(f"{WEB}nowhere")

    assert page.status == 404
    assert "There is no page at this address." in page.text
    assert "content-security-policy" in page.response.headers
