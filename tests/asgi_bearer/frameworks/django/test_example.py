"""The example of Django: its own tests, and under real servers, over ASGI and over WSGI."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from asgi_bearer.testing import FakeIssuer
from tests.support.demo_process import free_ports

CHECKOUT = Path(__file__).parents[4]
AUDIENCE = "https://api.example/items"
DEADLINE = 60.0

ITEMS = ["/items", "/rest/items", "/ninja/items"]


def environment(**changes: str) -> dict[str, str]:
    paths = os.pathsep.join((str(CHECKOUT / "middleware"), str(CHECKOUT)))
    return {**os.environ, "PYTHONPATH": paths, **changes}


def test_the_tests_of_the_example_pass() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "test", "examples.django.test_items"],
        cwd=CHECKOUT,
        env=environment(DJANGO_SETTINGS_MODULE="examples.django.settings"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "Ran 7 tests" in run.stderr


@contextmanager
def served(issuer: FakeIssuer, *command: str) -> Generator[httpx.Client]:
    """Run a server with the example; yield a client for it."""
    (port,) = free_ports(1)
    with issuer.serve() as url:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(port=port) for part in command)],
            cwd=CHECKOUT,
            env=environment(ISSUER=url, AUDIENCE=AUDIENCE),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=address, trust_env=False, timeout=DEADLINE) as client:
                _wait_until_it_answers(client, process)
                yield client
        finally:
            process.terminate()
            process.wait(DEADLINE)


def _wait_until_it_answers(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            client.get("/healthz").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(audience=AUDIENCE, clock=time.time)


UVICORN = ("uvicorn", "examples.django.asgi:app", "--port", "{port}")
GUNICORN = (
    "gunicorn",
    "examples.django.wsgi:app",
    "--bind=127.0.0.1:{port}",
    "--preload",
    "--workers=2",
    "--threads=4",
)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("command", [UVICORN, GUNICORN], ids=["uvicorn", "gunicorn"])
def test_the_example_under_a_server(issuer: FakeIssuer, command: tuple[str, ...]) -> None:
    with served(issuer, *command) as client:
        good, other = issuer.token(scope="read:items", sub="bob"), issuer.token(scope="openid")
        twice = [("Authorization", f"Bearer {good}")] * 2
        for address in ITEMS:
            assert client.get(address).status_code == 401
            assert client.get(address, headers=bearer(other)).status_code == 403
            assert client.get(address, headers=twice).status_code == 400
            for _ in range(8):
                assert client.get(address, headers=bearer(good)).json() == {"owner": "bob"}
        assert client.get("/admin/login/").status_code == 200
        assert client.get("/ninja/docs").status_code == 200

    # Each process of a server fetches once: the metadata and the keys.
    fetches = [path for path in issuer.requested if path.endswith("jwks")]
    assert 1 <= len(fetches) <= 2


async def test_a_websocket_under_a_server(issuer: FakeIssuer) -> None:
    with served(issuer, *UVICORN) as client:
        address = f"ws://127.0.0.1:{client.base_url.port}/items/changes"
        good, other = issuer.token(scope="read:items", sub="bob"), issuer.token(scope="openid")
        offered = [Subprotocol("bearer"), Subprotocol(good)]
        async with connect(address, subprotocols=offered, proxy=None) as socket:
            assert await socket.recv() == '{"owner": "bob"}'
            assert socket.subprotocol == "bearer"
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, additional_headers=bearer(other), proxy=None)

    assert refused.value.response.status_code == 403
