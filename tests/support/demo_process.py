"""A real demo in a process of its own, on free ports."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

CHECKOUT = Path(__file__).parents[2]

READY = "Ctrl-C ends the demo."
"""The last line that a demo prints when all its servers answer."""

START_DEADLINE = 120.0
STOP_DEADLINE = 60.0
"""Seconds; generous, for a busy machine. The demo itself needs about two."""


_PORTS = range(20_000, 32_768)
"""Below the ports of outgoing connections, so that no connection takes one of them between
`free_ports` and the start of the server."""

# Not `random`: pytest-randomly seeds it, so that all test processes would choose the same ports.
_chance = secrets.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Return different ports that were free a moment ago."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            port = _chance.choice(_PORTS)
            held = stack.enter_context(socket.socket())
            with suppress(OSError):
                held.bind(("127.0.0.1", port))
                found.append(port)
    return found


class DemoProcess:
    """A demo that serves until the end of the `with` block, or until it is stopped."""

    def __init__(
        self,
        command: Sequence[str],
        logs: Path,
        *,
        cwd: Path = CHECKOUT,
        environment: dict[str, str] | None = None,
        ports: Sequence[int] = (),
    ) -> None:
        api_port, issuer_port, web_port = ports or free_ports(3)
        self.ports = (api_port, issuer_port, web_port)
        self.api = f"http://127.0.0.1:{api_port}/"
        self.issuer = f"http://127.0.0.1:{issuer_port}/"
        self.web_application = f"http://localhost:{web_port}/"
        options = ["--api-port", str(api_port), "--issuer-port", str(issuer_port)]
        options += ["--web-port", str(web_port)]
        logs.mkdir(exist_ok=True)
        self._stdout, self._stderr = logs / "stdout", logs / "stderr"
        # Files and not pipes: a full pipe would stop the demo.
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*command, *options],
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + START_DEADLINE
        while READY not in self.printed:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise AssertionError(f"the demo does not serve:\n{self.printed}\n{self.logged}")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def printed(self) -> str:
        """What the demo wrote to its standard output so far."""
        return self._stdout.read_text(encoding="utf-8")

    @property
    def logged(self) -> str:
        """What the demo wrote to its standard error so far."""
        return self._stderr.read_text(encoding="utf-8")

    def logs_within_a_second(self, text: str) -> bool:
        """Return whether the text is in the log; a server may log after its response was sent."""
        deadline = time.monotonic() + 1.0
        while text not in self.logged and time.monotonic() < deadline:
            time.sleep(0.02)
        return text in self.logged

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self._process.send_signal(number)
        return self._process.wait(STOP_DEADLINE)

    def exit_code(self) -> int:
        """Return the exit code of a demo that ends by itself."""
        return self._process.wait(START_DEADLINE)
