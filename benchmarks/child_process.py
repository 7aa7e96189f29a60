"""Child processes that execute commands: one JSON object a line in, one out for each.

The first half of this file runs in the parent, the second in the child.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from benchmarks import ROOT

Json = dict[str, Any]

_TIMEOUT = 30.0
"""Seconds; on a busy machine a process may take a few to start."""

_MAX_LINE_BYTES = 64 * 1024 * 1024


class ChildProcess:
    """A process of `python -m <module>`, from `start` to `end`.

    Arguments:
        hello: the first line that it wrote, when it was ready.
        log: the file of its standard error.
    """

    def __init__(self, process: asyncio.subprocess.Process, hello: Json, log: Path) -> None:
        self._process = process
        self.hello = hello
        self.log = log
        self._one_command = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        python: Path,
        module: str,
        *arguments: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start it and wait until it is ready.

        Arguments:
            environment: variables in addition to those of this process.
        """
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
            raise RuntimeError(f"{module} did not start:\n{_end_of(log)}") from None

    async def ask(self, **command: object) -> Any:
        """Send a command and return its result.

        Raises:
            RuntimeError: the command failed in the child.
        """
        async with self._one_command:
            if self._process.stdin is None:
                raise RuntimeError("the process was started without a pipe")
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
            answer = await _line(self._process)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def end(self) -> tuple[float, Json]:
        """Send SIGTERM; return the seconds until it ended, and the last line that it wrote."""
        began = time.monotonic()
        last_line: Json = {}
        if self._process.returncode is None:
            try:
                self._process.send_signal(signal.SIGTERM)
                last_line = await _line(self._process)
                await asyncio.wait_for(self._process.wait(), _TIMEOUT)
            except (TimeoutError, ValueError):
                await _kill(self._process)
        return time.monotonic() - began, last_line


async def _line(process: asyncio.subprocess.Process) -> Any:
    if process.stdout is None:
        raise RuntimeError("the process was started without a pipe")
    return json.loads(await asyncio.wait_for(process.stdout.readline(), _TIMEOUT))


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def line_writer() -> Callable[[object], None]:
    """Return a function that writes a line to the parent; all other output now goes to the log."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def write(message: object) -> None:
        out.write(json.dumps(message) + "\n")

    return write


async def answer_commands(
    execute: Callable[[Json], Awaitable[object]], write: Callable[[object], None]
) -> None:
    """Execute the parent's commands until it closes the pipe."""
    reader = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        try:
            answer = {"value": await execute(json.loads(line))}
        except Exception as err:
            # The parent waits for an answer and raises this error itself.
            answer = {"error": f"{type(err).__name__}: {err}"}
        write(answer)


def memory(field: str, process: int | str = "self") -> int:
    """Return the bytes of a field of /proc/<process>/status, for example `VmRSS`."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def own_memory(field: str) -> int:
    """Return `memory` of this process, or its peak where the system does not report the field."""
    # On Linux getrusage also counts the memory of the parent at the fork.
    with suppress(OSError):
        return memory(field)
    import resource  # Windows has no such module.

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
