"""The API as a process of its own, and a server for its issuer's key set, on free ports."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from asgi_bearer.testing import FakeIssuer

CHECKOUT = Path(__file__).parents[2]

DEADLINE = 120.0
"""Seconds. A start takes about one, but much longer on a busy machine."""


class KeysServer:
    """Serves an issuer's key set over HTTP on loopback while its `with` block runs."""

    def __init__(self, issuer: FakeIssuer) -> None:
        document = json.dumps(issuer.jwks()).encode()

        class Document(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(document)))
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Document)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ApiProcess:
    """`python -m resource_api`, with its database and its log in `folder`.

    The constructor only starts the process; `url` waits until it listens.
    """

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self._log_file = folder / "log"
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith("RESOURCE_API_")
        }
        environment |= {f"RESOURCE_API_{name}": value for name, value in settings.items()}
        environment.setdefault("RESOURCE_API_DATABASE_URL", f"sqlite:///{folder}/contacts.sqlite3")
        environment.setdefault("RESOURCE_API_PORT", "0")
        with self._log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "resource_api", *arguments],
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)

    @property
    def log(self) -> str:
        """What the process has logged so far."""
        return self._log_file.read_text()

    @property
    def url(self) -> str:
        """The URL of the API; waits until the process listens."""
        deadline = time.monotonic() + DEADLINE
        while not (found := re.search(r"listening on (\S+)", self.log)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server does not listen:\n{self.log}")
            time.sleep(0.02)
        return found[1]

    @property
    def address(self) -> tuple[str, int]:
        """The host and port of the API, for a socket."""
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)
