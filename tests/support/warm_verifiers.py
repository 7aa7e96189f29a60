"""Verifiers of somebody else's, with and without something to get ready."""

from asgi_bearer import Presented, Principal


class Verifier:
    """A verifier of somebody else's, with nothing to warm."""

    async def verify(self, presented: Presented) -> Principal:
        raise NotImplementedError


class WarmVerifier(Verifier):
    """One that gets ready, and notes it."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def warm(self) -> None:
        self._notes.append("warm")

    async def aclose(self) -> None:
        self._notes.append("closed")
