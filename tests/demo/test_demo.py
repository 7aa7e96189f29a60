"""A real demo process: its printed commands work, and it starts and stops cleanly."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import jwt
import pytest

from demo.authorization_server.keys.key_file import load
from tests.support.demo_process import CHECKOUT, DemoProcess, free_ports

# Settings of another deployment in the environment; the demo must ignore them.
FOREIGN_SETTINGS = {
    "RESOURCE_API_HOST": "0.0.0.0",  # noqa: S104 - this is what must not be bound
    "RESOURCE_API_PORT": "1",
    "RESOURCE_API_ISSUER": "https://other.example/",
    "RESOURCE_API_AUDIENCE": "other",
    "RESOURCE_API_JWKS_URI": "https://other.example/jwks.json",
    "RESOURCE_API_ALGORITHMS": "ES256",
    "RESOURCE_API_DATABASE_URL": "nonsense",
    "HTTP_PROXY": "http://127.0.0.1:1",
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "demo", *arguments]


def started(folder: Path, *, ports: Sequence[int] = ()) -> DemoProcess:
    return DemoProcess(
        command("--data", str(folder / "the data")),
        folder,
        ports=ports,
        environment=FOREIGN_SETTINGS,
    )


def shell(text: str) -> str:
    done = subprocess.run(
        ["sh", "-c", text],
        cwd=CHECKOUT,
        env=None,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def printed_commands(demo: DemoProcess) -> dict[str, str]:
    """The printed commands, by the printed status."""
    found = re.findall(r"^(\d{3})  .*\n +(curl .*)$", demo.printed, re.MULTILINE)
    return dict(found)


def printed_token(demo: DemoProcess, status: str) -> str:
    """The token from the command inside a printed command."""
    match = re.search(r"\$\((.*)\)", printed_commands(demo)[status])
    assert match is not None
    return shell(match[1]).strip()


def token(demo: DemoProcess, folder: Path, *options: str) -> str:
    line = command("token", "--data", str(folder / "the data"), "--issuer", demo.issuer, *options)
    done = subprocess.run(line, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def foreign_token(demo: DemoProcess, folder: Path) -> str:
    """A valid token for another API."""
    calendar = "https://api.example/calendar"
    return token(demo, folder, "--scope", "read:calendar", "--audience", calendar)


def contacts(demo: DemoProcess, token: str | None = None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{demo.api}contacts", headers=headers, trust_env=False)


def names(answer: httpx.Response) -> list[str]:
    return [contact["name"] for contact in answer.json()["contacts"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[DemoProcess]:
    with started(folder) as running:
        yield running


def test_the_demo_prints_a_command_for_each_of_three_statuses(demo: DemoProcess) -> None:
    assert list(printed_commands(demo)) == ["401", "200", "403"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
@pytest.mark.parametrize("status", ["401", "200", "403"])
def test_a_printed_command_gets_the_printed_status(demo: DemoProcess, status: str) -> None:
    output = shell(printed_commands(demo)[status])

    assert output.startswith(f"HTTP/1.1 {status} ")


def test_a_request_without_a_token_gets_a_challenge_without_an_error(demo: DemoProcess) -> None:
    answer = contacts(demo)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="contacts"'


def test_a_request_with_the_printed_token_gets_the_contacts(demo: DemoProcess) -> None:
    answer = contacts(demo, printed_token(demo, "200"))

    assert answer.status_code == 200
    assert names(answer) == ["Bob Baker", "Carol Carter", "Dave Dyer"]


def test_a_token_without_the_scope_gets_a_challenge_that_names_it(demo: DemoProcess) -> None:
    answer = contacts(demo, printed_token(demo, "403"))

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="read:contacts"' in answer.headers["www-authenticate"]


def test_a_token_for_another_audience_is_refused(demo: DemoProcess, folder: Path) -> None:
    answer = contacts(demo, foreign_token(demo, folder))

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_expired_token_is_refused(demo: DemoProcess, folder: Path) -> None:
    answer = contacts(demo, token(demo, folder, "--scope", "read:contacts", "--expires-in", "-99"))

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_has_the_requested_lifetime(demo: DemoProcess, folder: Path) -> None:
    given = token(demo, folder, "--scope", "read:contacts", "--expires-in", "7")

    claims = jwt.decode(given, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 7


def test_the_api_is_ready_with_keys_from_the_issuer(demo: DemoProcess) -> None:
    assert httpx.get(f"{demo.api}readyz", trust_env=False).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of its own")
@pytest.mark.parametrize("server", [0, 1, 2], ids=["API", "issuer", "web application"])
def test_the_demo_listens_on_one_loopback_address_only(demo: DemoProcess, server: int) -> None:
    with socket.socket() as visitor:
        assert visitor.connect_ex(("127.0.0.1", demo.ports[server])) == 0
    with socket.socket() as visitor:
        assert visitor.connect_ex(("127.0.0.2", demo.ports[server])) != 0


def test_the_address_of_the_api_leads_to_the_web_application(demo: DemoProcess) -> None:
    answer = httpx.get(demo.api, trust_env=False)

    assert (answer.status_code, answer.headers["location"]) == (303, demo.web_application)


def test_the_numeric_address_of_the_web_application_leads_to_its_own_address(
    demo: DemoProcess,
) -> None:
    answer = httpx.get(f"http://127.0.0.1:{demo.ports[2]}/", trust_env=False)

    assert (answer.status_code, answer.headers["location"]) == (303, demo.web_application)


@pytest.mark.parametrize("server", ["issuer", "web_application"])
def test_the_address_of_a_server_with_pages_shows_a_page(demo: DemoProcess, server: str) -> None:
    answer = httpx.get(getattr(demo, server), trust_env=False)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_an_unknown_host_is_not_redirected(demo: DemoProcess) -> None:
    """Against DNS rebinding: pages of other sites get no answer that helps them."""
    for address in (demo.api, f"http://127.0.0.1:{demo.ports[2]}/"):
        answer = httpx.get(address, headers={"Host": "evil.example"}, trust_env=False)

        assert "location" not in answer.headers


def test_each_line_of_the_access_log_names_its_server(demo: DemoProcess) -> None:
    httpx.get(f"{demo.api}healthz", trust_env=False)
    httpx.get(f"{demo.issuer}.well-known/jwks.json", trust_env=False)
    httpx.get(f"{demo.web_application}static/style.css", trust_env=False)

    for line in (
        "resource_api.access: 127.0.0.1 GET /healthz 200",
        "demo.authorization_server.access: 127.0.0.1 GET /.well-known/jwks.json 200",
        "demo.web_application.access: 127.0.0.1 GET /static/style.css 200",
    ):
        assert demo.logs_within_a_second(line)


def test_a_line_of_the_library_names_the_server_that_caused_it(demo: DemoProcess) -> None:
    contacts(demo, "no token")
    userinfo = {"Authorization": "Bearer no token"}
    httpx.get(f"{demo.issuer}userinfo", headers=userinfo, trust_env=False)

    assert demo.logs_within_a_second("INFO resource_api: asgi_bearer: ")
    assert demo.logs_within_a_second("INFO demo.authorization_server: asgi_bearer: ")
    assert demo.logs_within_a_second("INFO resource_api: asgi_bearer.keys: keys fetched")
    assert " INFO asgi_bearer" not in demo.logged


def test_the_log_contains_no_token_and_no_secret(demo: DemoProcess, folder: Path) -> None:
    given = foreign_token(demo, folder)
    contacts(demo, given)
    secrets = load(folder / "the data").client_secrets.values()

    assert "GET /contacts 401" in demo.logged
    assert secrets
    for secret in (given.split(".")[2], *secrets):
        assert secret not in demo.logged + demo.printed


def test_after_a_restart_tokens_are_still_valid_and_contacts_are_not_duplicated(
    tmp_path: Path,
) -> None:
    with started(tmp_path) as first:
        given = token(first, tmp_path, "--scope", "read:contacts")
        before = contacts(first, given)
        first.stop()

    with started(tmp_path, ports=first.ports) as second:
        after = contacts(second, given)

    assert (before.status_code, after.status_code) == (200, 200)
    assert after.json() == before.json()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_stops_the_demo_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as demo:
        assert demo.stop(number) == 0

        assert "Traceback" not in demo.logged
        assert "ERROR" not in demo.logged


@pytest.mark.parametrize(
    ("taken", "options"),
    [
        ((0,), ["--api-port"]),
        ((1,), ["--issuer-port"]),
        ((2,), ["--web-port"]),
        ((0, 1, 2), ["--api-port", "--issuer-port", "--web-port"]),
    ],
    ids=["API", "issuer", "web application", "all"],
)
def test_ports_in_use_are_named_with_their_options_and_nothing_starts(
    tmp_path: Path, taken: tuple[int, ...], options: list[str]
) -> None:
    ports = free_ports(3)
    sockets = [socket.create_server(("127.0.0.1", ports[index])) for index in taken]

    demo = started(tmp_path, ports=ports)
    code = demo.exit_code()
    for listener in sockets:
        listener.close()

    assert code == 1
    assert re.findall(r"port (\d+)", demo.logged) == [str(ports[index]) for index in taken]
    assert re.findall(r"--\S+-port", demo.logged) == options
    assert "Traceback" not in demo.logged
    assert demo.printed == ""
    assert not (tmp_path / "the data").exists()
