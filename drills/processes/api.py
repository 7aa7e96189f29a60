"""The process of resource_api, with a database of its own."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
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
    log = folder / "api.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "resource_api"),
            cwd=os.environ.get("RESOURCE_API_CHECKOUT", str(ROOT)),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        async with asyncio.timeout(30):
            while (listening := re.search(r"listening on .*:(\d+)\n", log.read_text())) is None:
                if process.returncode is not None:
                    raise RuntimeError("resource_api ended before it listened")
                await asyncio.sleep(0.05)
        yield ApiProcess(process, int(listening[1]))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
