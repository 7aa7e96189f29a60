"""The process of an application that trusts an issuer."""

import signal

from benchmarks.child_process import ChildProcess, Json


class ApplicationProcess:
    """Controls an `application_server`."""

    def __init__(self, child: ChildProcess) -> None:
        self._child = child
        self.ports: list[int] = child.hello["ports"]
        self.port = self.ports[0]

    async def advance(self, seconds: float) -> None:
        """Move its clocks forward."""
        await self._child.ask(do="advance", seconds=seconds)

    async def status(self) -> Json:
        """Return the status of its key source; empty if the library offers none."""
        status: Json | None = await self._child.ask(do="status")
        return status or {}

    async def peak_bytes(self) -> int:
        """Return its peak memory."""
        peak: int = await self._child.ask(do="peak_bytes")
        return peak

    async def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        used: float = await self._child.ask(do="cpu_seconds")
        return used

    def stop(self) -> None:
        """Stop it (SIGSTOP) until `resume`."""
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again (SIGCONT)."""
        self._child.signal(signal.SIGCONT)

    async def end(self) -> tuple[float, list[str], str]:
        """End it; return the seconds that took, the tasks that were left, and its log."""
        seconds, last_line = await self._child.end()
        log = self._child.log.read_text(errors="replace")
        return seconds, last_line.get("left", ["it did not report its tasks"]), log
