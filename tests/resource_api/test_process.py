"""The API as a process: how it starts and ends, what it logs, and that it loses no contact."""

import signal
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from asgi_bearer.testing import FakeIssuer
from resource_api.server import GRACE_SECONDS
from tests.support.api_process import DEADLINE, ApiProcess, KeysServer
from tests.support.asgi import bearer

WRITERS = 8
ENOUGH = 40
"""The test kills the server after this many confirmed contacts."""


@pytest.fixture
def issuer() -> FakeIssuer:
    # The server reads the real time.
    return FakeIssuer(clock=time.time)


@pytest.fixture
def headers(issuer: FakeIssuer) -> dict[str, str]:
    return bearer(issuer.token(scope="read:contacts write:contacts"))


@pytest.fixture
def settings(issuer: FakeIssuer) -> Generator[dict[str, str]]:
    with KeysServer(issuer) as keys:
        yield {"ISSUER": issuer.issuer, "AUDIENCE": issuer.audience, "JWKS_URI": keys.url}


def names(url: str, headers: dict[str, str]) -> set[str]:
    """Return the names of all contacts, following the pages."""
    found: set[str] = set()
    address = f"{url}/contacts"
    while address:
        answer = httpx.get(address, headers=headers)
        found |= {contact["name"] for contact in answer.raise_for_status().json()["contacts"]}
        following = answer.links.get("next", {}).get("url")
        address = str(answer.url.join(following)) if following else ""
    return found


def test_every_confirmed_contact_survives_a_kill(
    tmp_path: Path, settings: dict[str, str], headers: dict[str, str]
) -> None:
    confirmed: set[str] = set()

    def write(server: ApiProcess, writer: int) -> None:
        with httpx.Client(base_url=server.url, headers=headers, timeout=DEADLINE) as client:
            for number in range(1000):
                name = f"{writer}-{number}"
                try:
                    answer = client.post("/contacts", json={"name": name})
                except httpx.TransportError:
                    return  # the server was killed during this request
                assert answer.status_code == 201
                confirmed.add(name)
                if len(confirmed) >= ENOUGH:
                    server.process.send_signal(signal.SIGKILL)

    with ApiProcess(tmp_path, **settings) as killed, ThreadPoolExecutor(WRITERS) as writers:
        for done in [writers.submit(write, killed, writer) for writer in range(WRITERS)]:
            done.result(DEADLINE)
        assert killed.process.wait(DEADLINE) == -signal.SIGKILL

    with ApiProcess(tmp_path, **settings) as restarted:
        found = names(restarted.url, headers)
    assert len(confirmed) >= ENOUGH
    assert confirmed <= found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_the_signal_to_end_a_running_request_gets_its_answer(
    tmp_path: Path, settings: dict[str, str], headers: dict[str, str], number: int
) -> None:
    body = b'{"name": "Bob"}'
    head = [
        "POST /contacts HTTP/1.1",
        "Host: localhost",
        f"Authorization: {headers['authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    ]
    with ApiProcess(tmp_path, **settings) as server:
        with socket.create_connection(server.address, DEADLINE) as connection:
            connection.sendall("\r\n".join([*head, "", ""]).encode())
            assert b" 100 " in connection.recv(1000)  # now the request is running
            server.process.send_signal(number)
            wait_for_log(server, "Shutting down")

            connection.sendall(body)
            answer = connection.makefile("rb").read()

        code = server.process.wait(DEADLINE)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert code == 0
    assert "Traceback" not in server.log


def wait_for_log(server: ApiProcess, text: str) -> None:
    """Wait until the server has logged `text`."""
    deadline = time.monotonic() + DEADLINE
    while text not in server.log:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.02)


def test_a_second_signal_ends_at_once(
    tmp_path: Path, settings: dict[str, str], headers: dict[str, str]
) -> None:
    with (
        ApiProcess(tmp_path, **settings) as server,
        socket.create_connection(server.address, DEADLINE) as connection,
    ):
        connection.sendall(b"POST /contacts HTTP/1.1\r\nContent-Length: 5\r\nHost: x\r\n")
        connection.sendall(f"Authorization: {headers['authorization']}\r\n".encode())
        connection.sendall(b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
        assert b" 100 " in connection.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        wait_for_log(server, "Shutting down")
        began = time.monotonic()

        server.end()

    assert time.monotonic() - began < GRACE_SECONDS


def test_a_port_in_use_is_reported_in_a_sentence_with_exit_code_1(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with ApiProcess(tmp_path, **settings, PORT=str(port)) as server:
            code = server.process.wait(DEADLINE)

    assert code == 1
    assert f"Cannot listen on 127.0.0.1 port {port}: the port is in use." in server.log
    assert "Traceback" not in server.log


def test_all_wrong_settings_are_reported_with_exit_code_2(tmp_path: Path) -> None:
    wrong = {"ISSUER": "http://x/", "PORT": "x", "DATABASE_URL": "mysql://u:hunter2@h/d"}

    with ApiProcess(tmp_path, **wrong) as server:
        code = server.process.wait(DEADLINE)

    assert code == 2
    for name in ("ISSUER is", "AUDIENCE is not set", "PORT is", "DATABASE_URL is"):
        assert f"RESOURCE_API_{name}" in server.log
    assert "hunter2" not in server.log
    assert "Traceback" not in server.log


def test_an_unusable_database_is_reported_in_a_sentence_with_exit_code_1(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    (tmp_path / "contacts.sqlite3").write_bytes(b"no database" * 1000)

    with ApiProcess(tmp_path, **settings) as server:
        code = server.process.wait(DEADLINE)

    assert code == 1
    assert "file is not a database" in server.log
    assert "Traceback" not in server.log


def test_no_query_string_and_no_token_is_logged(
    tmp_path: Path, settings: dict[str, str], headers: dict[str, str]
) -> None:
    forged = headers["authorization"][:-10] + "0123456789"
    with ApiProcess(tmp_path, **settings, LOG_LEVEL="debug") as server:
        client = httpx.Client(base_url=server.url)
        client.get("/contacts?access_token=hunter2", headers=headers)
        client.get("/contacts?limit=hunter2", headers=headers)
        client.get("/a%0Ab?hunter2", headers={"authorization": forged})
        client.post("/contacts", headers=headers, json={"name": "hunter2"})
        client.post("/contacts", headers=headers, json={"hunter2": "hunter2"})
        client.close()
        server.end()

    assert "GET /contacts 200" in server.log
    assert "GET /contacts 400" in server.log
    assert "GET /a%0Ab 401" in server.log
    assert "POST /contacts 422" in server.log
    assert "hunter2" not in server.log
    for part in headers["authorization"].removeprefix("Bearer ").split("."):
        assert part[:40] not in server.log


def test_responses_do_not_name_the_server(tmp_path: Path, settings: dict[str, str]) -> None:
    with ApiProcess(tmp_path, **settings) as server:
        answer = httpx.get(f"{server.url}/healthz")

    assert "server" not in answer.headers


def test_migrate_prepares_the_database(tmp_path: Path, settings: dict[str, str]) -> None:
    with ApiProcess(tmp_path, "migrate", **settings) as migrating:
        code = migrating.process.wait(DEADLINE)

    assert code == 0
    assert migrating.log == "The database now has the schema that this version needs.\n"
    assert (tmp_path / "contacts.sqlite3").exists()


def test_the_api_runs_without_uvloop(
    tmp_path: Path,
    settings: dict[str, str],
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with ApiProcess(tmp_path, **settings) as server:
        assert names(server.url, headers) == set()
        assert server.end() == 0
