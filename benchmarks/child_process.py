"""Processes that are told what to do: one JSON object a line goes in, one comes out for each."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

Json = dict[str, Any]

ROOT = Path(__file__).parent.parent

_PATIENCE = 30.0
"""Seconds; a busy machine may take a few to start a process."""

_MAX_LINE_BYTES = 64 * 1024 * 1024


class Child:
    """A process of `python -m benchmarks.<module>`, from `start` to `end`.

    Arguments:
        hello: the first line that it wrote: it is ready.
        log: where its standard error goes.
    """

    def __init__(self, process: asyncio.subprocess.Process, hello: Json, log: Path) -> None:
        self._process = process
        self.hello = hello
        self.log = log
        self._turn = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        python: Path,
        module: str,
        *arguments: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start it, with more in its environment, and wait until it is ready."""
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                str(python),
                *("-m", module, *arguments),
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_MAX_LINE_BYTES,
            )
        try:
            return cls(process, await _line(process), log)
        except (TimeoutError, ValueError):
            await _kill(process)
            raise RuntimeError(f"{module} did not start:\n{_read(log)[-2000:]}") from None

    async def ask(self, **command: object) -> Any:
        """Send a command and return the answer."""
        async with self._turn:
            if self._process.stdin is None:
                raise RuntimeError("the process was started without a pipe")
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
            answer = await _line(self._process)
        if "fault" in answer:
            raise RuntimeError(answer["fault"])
        return answer["value"]

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def end(self) -> tuple[float, Json]:
        """Ask it to end; return the seconds that took and its last words."""
        asked = time.monotonic()
        words: Json = {}
        if self._process.returncode is None:
            try:
                self._process.send_signal(signal.SIGTERM)
                words = await _line(self._process)
                await asyncio.wait_for(self._process.wait(), _PATIENCE)
            except (TimeoutError, ValueError):
                await _kill(self._process)
        return time.monotonic() - asked, words


async def _line(process: asyncio.subprocess.Process) -> Any:
    if process.stdout is None:
        raise RuntimeError("the process was started without a pipe")
    return json.loads(await asyncio.wait_for(process.stdout.readline(), _PATIENCE))


def _read(log: Path) -> str:
    return log.read_text(errors="replace")


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def mouth() -> Callable[[object], None]:
    """Return what writes a line to the parent; whatever else prints goes to the log from now on."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(words: object) -> None:
        out.write(json.dumps(words) + "\n")

    return say


async def commands(
    obey: Callable[[Json], Awaitable[object]], say: Callable[[object], None]
) -> None:
    """Obey what the parent sends until it hangs up."""
    reader = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        try:
            answer = {"value": await obey(json.loads(line))}
        except Exception as err:
            # Whatever it is, the parent waits for an answer.
            answer = {"fault": f"{type(err).__name__}: {err}"}
        say(answer)
