"""The process of a server, and the lines that it prints."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]

DEADLINE = 60.0
"""Seconds; only keeps a run from hanging."""

_LAST_LINES = 12


class NoSuchLine(AssertionError):
    """The process has ended, or a deadline has passed, without the expected line."""


class ServerProcess:
    """A running server."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        self.lines: list[str] = []

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip())
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()

    def count(self, *texts: str) -> int:
        """Return how many lines contain one of the texts."""
        return sum(any(text in line for text in texts) for line in self.lines)

    async def wait_for(self, *texts: str) -> None:
        """Wait until the process has printed a line that contains one of the texts.

        Raises:
            NoSuchLine: with the last lines.
        """

        def is_over() -> bool:
            return self.count(*texts) > 0 or self._reading.done()

        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE), self._changed:
                await self._changed.wait_for(is_over)
        if not self.count(*texts):
            raise NoSuchLine(f"the server did not print {' or '.join(texts)}\n{self.last_lines}")

    @property
    def last_lines(self) -> str:
        """The last lines, for a message."""
        return "\n".join(f"    {line}" for line in self.lines[-_LAST_LINES:])

    async def ended(self, seconds: float = DEADLINE) -> int:
        """Wait until it ends by itself; return its exit status.

        Raises:
            TimeoutError: it goes on.
        """
        async with asyncio.timeout(seconds):
            status = await self._process.wait()
            await self._reading
        return status

    async def end(self) -> None:
        """Ask it to end, and wait until it has.

        Raises:
            TimeoutError: it goes on.
        """
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        await self.ended()

    async def kill(self) -> None:
        """End it and all its workers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await self._reading


@asynccontextmanager
async def running(
    *command: str | Path, environment: dict[str, str]
) -> AsyncGenerator[ServerProcess]:
    """Run a server in a session of its own, so that no worker is left at the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "middleware"), str(ROOT)]),
            **environment,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    server = ServerProcess(process)
    try:
        yield server
    finally:
        await server.kill()
