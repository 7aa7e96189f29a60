"""Starts the process of a server, and checks that it refuses what it must refuse."""

import json
import select
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks import ROOT
from benchmarks.servers.issuer import Issuer

PATH: Final = "/contacts"

_TIMEOUT: Final = 30.0
"""Seconds; on a busy machine a process may take a few to start."""


class ServerFailed(RuntimeError):
    """A server did not start, or accepts what it must refuse."""


@contextmanager
def running_server(command: Sequence[str | Path], log: Path) -> Generator[str, None, None]:
    """Start a server and yield the URL of its guarded path; it ends when its input is closed.

    Raises:
        ServerFailed: it did not start; with the last line of its log.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    with process:
        try:
            if not (hello := _hello(process)):
                raise ServerFailed(f"the server did not start: {_last_line(log)}")
            yield f"http://127.0.0.1:{json.loads(hello)['port']}{PATH}"
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def _hello(process: subprocess.Popen[bytes]) -> bytes:
    """Return the first line that it writes, or nothing after a timeout."""
    out = process.stdout
    if out is None or not select.select([out], [], [], _TIMEOUT)[0]:
        return b""
    return out.readline()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "its log is empty"


def check(url: str, issuer: Issuer, *, guarded: bool) -> None:
    """Check that a server accepts a valid token, and refuses invalid ones only if it is guarded.

    Raises:
        ServerFailed: it does not.
    """
    _expect(url, "a valid token", issuer.token(), accepted=True)
    for name, token in issuer.invalid_tokens().items():
        _expect(url, name, token, accepted=not guarded)


def _expect(url: str, name: str, token: str | None, *, accepted: bool) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        status = httpx.get(url, headers=headers, timeout=_TIMEOUT, trust_env=False).status_code
    except httpx.HTTPError as err:
        raise ServerFailed(f"no response to {name}: {type(err).__name__}") from err
    if not (status == 200 if accepted else 400 <= status < 500):
        raise ServerFailed(f"the response to {name} has status {status}")
