"""The process of resource_api, with a database of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT
from benchmarks.child_process import memory


@dataclass(frozen=True, slots=True)
class ApiProcess:
    """A running `python -m resource_api`."""

    process: asyncio.subprocess.Process
    port: int

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        return memory("VmRSS", self.process.pid) / 1024 / 1024


@asynccontextmanager
async def running_api(folder: Path) -> AsyncGenerator[ApiProcess]:
    """Run the API with its database in `folder`; RESOURCE_API_CHECKOUT names another checkout."""
    settings = {
        # Nothing listens on port 1: /healthz needs no keys.
        "ISSUER": "http://127.0.0.1:1/",
        "JWKS_URI": "http://127.0.0.1:1/keys",
        "AUDIENCE": "https://api.example/contacts",
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/clients.sqlite3",
    }
    environment = {
        **os.environ,
        **{f"RESOURCE_API_{name}": text for name, text in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "resource_api"),
        cwd=os.environ.get("RESOURCE_API_CHECKOUT", str(ROOT)),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    if process.stderr is None:
        raise RuntimeError("the process was started without a pipe")
    reading: asyncio.Task[None] | None = None
    try:
        port = await asyncio.wait_for(_port(process.stderr), 30)
        reading = asyncio.create_task(_read_to_end(process.stderr))
        yield ApiProcess(process, port)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        if reading is not None:
            await reading


async def _port(log: asyncio.StreamReader) -> int:
    async for line in log:
        if b"listening on" in line:
            return int(line.rpartition(b":")[2])
    raise RuntimeError("resource_api ended before it listened")


async def _read_to_end(log: asyncio.StreamReader) -> None:
    """Read the log and drop it, so that the pipe never fills."""
    while await log.read(2**20):
        pass
