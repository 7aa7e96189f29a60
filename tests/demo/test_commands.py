"""The demo's commands: impossible arguments get a sentence that says what to do."""

import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from demo.__main__ import main
from demo.addresses import Addresses
from demo.authorization_server.keys.key_file import FILE, load_or_create
from demo.authorization_server.registrations.file import SHIPPED
from demo.instructions import instructions, python_command
from demo.required_registrations import AUDIENCE, COMMAND_LINE, WEB_APPLICATION
from tests.support.demo_process import free_ports


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def token(data: Path, *options: str) -> Result:
    return run("token", "--scope", "read:contacts", "--data", str(data), *options)


def demo(*options: str, ports: Sequence[int] = ()) -> Result:
    """Run `demo` on these ports, or on free ones, because the default ports may be in use."""
    api_port, issuer_port, web_port = map(str, ports or free_ports(3))
    on = ("--api-port", api_port, "--issuer-port", issuer_port, "--web-port", web_port)
    return run(*options, *on)


@contextmanager
def answering(status: int, body: bytes) -> Generator[str]:
    """Serve the same response to every POST request; the value is the server's address."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that a demo has created."""
    folder = tmp_path_factory.mktemp("data")
    load_or_create(folder, [COMMAND_LINE])
    return folder


@pytest.mark.parametrize("command", ["hash-password", "token"])
def test_help_lists_the_command(command: str) -> None:
    assert f"  {command} " in run("--help").output


@pytest.mark.parametrize("option", ["--host", "--bind", "--api-host"])
def test_the_demo_has_no_option_for_the_address_to_listen_on(option: str) -> None:
    result = run(option, "0.0.0.0")  # noqa: S104 - this is what is refused

    assert result.exit_code == 2
    assert "No such option" in result.output


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http"])
@pytest.mark.parametrize("option", ["--api-port", "--issuer-port", "--web-port"])
def test_an_impossible_port_is_refused(option: str, port: str) -> None:
    result = run(option, port)

    assert result.exit_code == 2
    assert option in result.output


def test_the_same_port_for_two_servers_is_refused() -> None:
    result = run("--api-port", "9000")

    assert result.exit_code == 2
    assert "--web-port, --api-port and --issuer-port must differ" in result.output


def test_a_data_folder_with_a_question_mark_is_refused(tmp_path: Path) -> None:
    result = run("--data", str(tmp_path / "why?"))

    assert result.exit_code == 2
    assert "--data" in result.output


def test_the_demo_does_not_start_with_a_damaged_key_file(tmp_path: Path) -> None:
    load_or_create(tmp_path, [COMMAND_LINE])
    (tmp_path / FILE).write_text("{")

    result = demo("--data", str(tmp_path))

    assert result.exit_code == 1
    assert f"The key file {tmp_path / FILE} is damaged" in result.output


def test_the_token_command_without_a_key_file_says_how_to_start_the_demo(tmp_path: Path) -> None:
    result = token(tmp_path)

    assert result.exit_code == 1
    assert str(tmp_path / FILE) in result.stderr
    assert "-m demo" in result.stderr
    assert result.stdout == ""


def test_the_token_command_without_a_running_server_says_how_to_start_the_demo(data: Path) -> None:
    result = token(data, "--issuer", f"http://127.0.0.1:{free_ports(1)[0]}/")

    assert result.exit_code == 1
    assert "No authorization server is running" in result.stderr
    assert "-m demo" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "issuer",
    [
        "https://127.0.0.1:9000/",
        "http://issuer.example:9000/",
        "http://127.0.0.1.issuer.example:9000/",
        "http://127.0.0.1@issuer.example:9000/",
        "http://127.0.0.1:9000/other",
        "http://127.0.0.1:9000/?a=b",
        "http://127.0.0.1:9000/#a",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:port/",
        "http://[::1/",
        "127.0.0.1:9000",
        "",
    ],
)
def test_the_token_command_refuses_an_issuer_on_another_machine(data: Path, issuer: str) -> None:
    result = token(data, "--issuer", issuer)

    assert result.exit_code == 2
    assert "expected http://, a loopback host and a port" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (
            400,
            b'{"error":"invalid_scope","error_description":"No."}',
            "refused the request (invalid_scope): No.",
        ),
        (400, b'{"error":"invalid_scope"}', "refused the request (invalid_scope)"),
        (401, b'{"error":"invalid_client"}', "was started with --data"),
        (200, b"{}", "is not the demo's authorization server"),
        (200, b"[]", "is not the demo's authorization server"),
        (200, b"<html>", "is not the demo's authorization server"),
        (200, b'{"access_token":7}', "is not the demo's authorization server"),
        (307, b'{"access_token":"x"}', "is not the demo's authorization server"),
        (500, b'{"access_token":"x"}', "is not the demo's authorization server"),
    ],
)
def test_the_token_command_reports_a_response_without_a_token(
    data: Path, status: int, body: bytes, sentence: str
) -> None:
    with answering(status, body) as issuer:
        result = token(data, "--issuer", issuer)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stdout == ""


def test_the_token_command_reports_a_connection_that_closes_without_a_response(data: Path) -> None:
    def hang_up() -> None:
        server.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up)
        thread.start()
        result = token(data, "--issuer", f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()

    assert result.exit_code == 1
    assert "did not answer" in result.stderr


@pytest.mark.parametrize("slash", ["", "/"], ids=["without", "with"])
def test_the_token_command_accepts_an_issuer_with_and_without_final_slash(
    data: Path, slash: str
) -> None:
    with answering(200, b'{"access_token":"a.b.c"}') as issuer:
        result = token(data, "--issuer", issuer.removesuffix("/") + slash)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.b.c\n", "")


def test_the_token_command_needs_a_scope(data: Path) -> None:
    result = run("token", "--data", str(data))

    assert result.exit_code == 2
    assert "--scope" in result.stderr


def test_the_printed_commands_omit_options_with_default_values() -> None:
    text = instructions(
        Addresses(
            "http://127.0.0.1:8000/",
            "http://127.0.0.1:9000/",
            "http://localhost:8080/",
            Path("data"),
        )
    )

    assert f"$({python_command()} -m demo token --scope read:contacts)" in text


def test_an_interpreter_below_the_current_folder_is_named_by_its_relative_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv" / "bin" / "python"))

    assert python_command() == ".venv/bin/python"


def test_an_interpreter_elsewhere_is_named_by_its_quoted_full_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", "/opt/my python/bin/python")

    assert python_command() == "'/opt/my python/bin/python'"


def test_the_token_command_says_when_the_registrations_file_sets_the_secret(tmp_path: Path) -> None:
    load_or_create(tmp_path, [])

    result = token(tmp_path)

    assert result.exit_code == 1
    assert "sets the secret of the client command-line" in result.stderr


def test_the_demo_does_not_start_with_faulty_registrations(tmp_path: Path) -> None:
    file = tmp_path / "registrations.toml"
    file.write_text("[[api]]\n[[clients]]\n")

    result = demo("--data", str(tmp_path / "data"), "--registrations", str(file))

    assert result.exit_code == 1
    assert "identifier is missing" in result.stderr
    assert "clients: is unknown" in result.stderr


def test_the_demo_does_not_start_without_the_registrations_that_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "registrations.toml"
    file.write_text("")

    result = demo("--data", str(tmp_path / "data"), "--registrations", str(file))

    assert result.exit_code == 1
    for needed in (AUDIENCE, WEB_APPLICATION, COMMAND_LINE, "a [[user]]"):
        assert needed in result.stderr


def test_the_demo_does_not_start_if_the_web_application_has_another_redirect_uri(
    tmp_path: Path,
) -> None:
    file = tmp_path / "registrations.toml"
    file.write_text(SHIPPED.read_text().replace("{web_application}callback", "https://a.example/"))

    result = demo("--data", str(tmp_path / "data"), "--registrations", str(file))

    assert result.exit_code == 1
    assert "among the redirect_uris" in result.stderr


def test_the_demo_does_not_start_if_an_api_has_the_identifier_of_userinfo(tmp_path: Path) -> None:
    ports = free_ports(3)
    userinfo = f"http://127.0.0.1:{ports[1]}/userinfo"
    file = tmp_path / "registrations.toml"
    file.write_text(SHIPPED.read_text().replace("https://api.example/calendar", userinfo))

    result = demo("--data", str(tmp_path / "data"), "--registrations", str(file), ports=ports)

    assert result.exit_code == 1
    assert f'no [[api]] with the identifier "{userinfo}"' in result.stderr
