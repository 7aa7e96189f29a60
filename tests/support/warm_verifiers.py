"""Verifiers that an application wrote, with and without a `warm` method."""

from asgi_bearer import Presented, Principal


class Verifier:
    """A verifier that an application wrote, without `warm`."""

    async def verify(self, presented: Presented) -> Principal:
        raise NotImplementedError


class WarmVerifier(Verifier):
    """A verifier with `warm` and `aclose`, which records their calls."""

    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def warm(self) -> None:
        self._calls.append("warm")

    async def aclose(self) -> None:
        self._calls.append("closed")
