"""Servers under measurement, each a process of its own that lives as long as its input is open."""

import json
import select
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks.child_process import ROOT
from benchmarks.servers.issuer import Issuer

PATH: Final = "/contacts"

_PATIENCE: Final = 30.0
"""Seconds; a busy machine may take a few to start a process."""


class NotServed(RuntimeError):
    """A server did not start, or lets pass what it must not."""


@contextmanager
def served(command: Sequence[str | Path], log: Path) -> Generator[str, None, None]:
    """Start a server and yield the address that it guards.

    Raises:
        NotServed: with the last line that it wrote to standard error.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    with process:
        try:
            if not (hello := _hello(process)):
                raise NotServed(f"it did not start: {_last_line(log)}")
            yield f"http://127.0.0.1:{json.loads(hello)['port']}{PATH}"
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _hello(process: subprocess.Popen[bytes]) -> bytes:
    """Return the first line that it writes, nothing if it does not write in time."""
    out = process.stdout
    if out is None or not select.select([out], [], [], _PATIENCE)[0]:
        return b""
    return out.readline()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it does not say why"


def check_open(url: str, issuer: Issuer) -> None:
    """Check that the unguarded twin answers, with a token and without.

    Raises:
        NotServed: it does not.
    """
    _expect(url, "no token", None, good=True)
    _expect(url, "a good token", issuer.token(issuer.claims()), good=True)


def check_guarded(url: str, issuer: Issuer) -> None:
    """Check that a good token passes and nothing else does.

    Raises:
        NotServed: it is not so.
    """
    _expect(url, "a good token", issuer.token(issuer.claims()), good=True)
    for name, token in issuer.refused().items():
        _expect(url, name, token, good=False)


def _expect(url: str, name: str, token: str | None, *, good: bool) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        status = httpx.get(url, headers=headers, timeout=_PATIENCE, trust_env=False).status_code
    except httpx.HTTPError as err:
        raise NotServed(f"{name} is not answered: {type(err).__name__}") from err
    if not (status == 200 if good else 400 <= status < 500):
        raise NotServed(f"{name} is answered with {status}")
