"""Measures the import in a fresh process, and reports when the HTTP client is imported."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from benchmarks import ROOT
from benchmarks.report.page import versions
from benchmarks.report.result import Goal, Line, Result
from benchmarks.report.rounds import interleaved, ratios

_OURS: Final = "import asgi_bearer"
_PAIR: Final = "import starlette.applications, jwt"
_NOTHING: Final = "a process that imports nothing"

_PROGRAMS: Final = {
    _OURS: "import asgi_bearer",
    _PAIR: "import starlette.applications, jwt",
    _NOTHING: "pass",
}

_HTTPX: Final = """
import asyncio, contextlib, sys
import asgi_bearer
loaded = ["httpx" in sys.modules]
keys = asgi_bearer.remote_keys(jwks_uri="http://127.0.0.1:1/", observer=lambda *_: None)
loaded.append("httpx" in sys.modules)
with contextlib.suppress(asgi_bearer.KeysUnavailable):
    asyncio.run(keys.key_set())
loaded.append("httpx" in sys.modules)
print(*loaded)
"""
"""Nothing listens on port 1, so the fetch fails after httpx was imported."""


def run(*, short: bool) -> Result:
    """Measure and return the result."""
    rounds = 3 if short else 25
    subjects = {name: _process(program) for name, program in _PROGRAMS.items()}
    for first in subjects.values():
        # The first import writes the bytecode.
        first()
    times = interleaved(subjects, rounds=rounds)
    return Result(
        name="imports",
        title="The import",
        how=(
            f"Wall time of fresh processes, interleaved in {rounds} rounds; the bytecode exists. "
            "An application that verifies tokens by a recipe imports `starlette.applications` and "
            "`jwt`, which is PyJWT with cryptography (`import starlette` alone loads only its "
            "version). Both sides of a ratio include the start of Python; the last two lines show "
            "how much that is. "
            f"{versions('starlette', 'pyjwt', 'cryptography')}."
        ),
        lines=(
            Line(_OURS, _PAIR, ratios(times[_OURS], times[_PAIR]), Goal(at_most=1.0), _httpx()),
            Line(_OURS, _NOTHING, ratios(times[_OURS], times[_NOTHING])),
            Line(_PAIR, _NOTHING, ratios(times[_PAIR], times[_NOTHING])),
        ),
    )


def _process(program: str) -> Callable[[], float]:
    environment = dict(os.environ)
    # Without bytecode the compiler would be measured.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def timed() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, env=environment)
        return time.perf_counter() - began

    return timed


def _httpx() -> str:
    process = subprocess.run(
        [sys.executable, "-c", _HTTPX], cwd=ROOT, check=True, capture_output=True, text=True
    )
    moments = ("import", "building a remote key source", "its first fetch")
    loaded = (word == "True" for word in process.stdout.split())
    states = zip(moments, loaded, strict=True)
    return "httpx is loaded: " + ", ".join(
        f"{'yes' if yes else 'no'} after {moment}" for moment, yes in states
    )
