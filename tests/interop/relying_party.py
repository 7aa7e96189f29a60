"""The package openid-client as a process of its own: a relying party we did not write."""

import asyncio
import json
import subprocess
import threading
from types import TracebackType
from typing import Any, Self

from tests.interop.node import FOLDER, NODE

DEADLINE = 120.0
"""Seconds, for a busy machine; an answer takes some milliseconds."""


class Refused(Exception):
    """The relying party did not take what it was given.

    Arguments:
        code: openid-client's name for the kind of failure.
        error: what the authorization server called it (RFC 6749 §5.2); empty if it said nothing.
    """

    def __init__(self, code: str, error: str, reason: str) -> None:
        super().__init__(f"{code} {error}: {reason}")
        self.code = code
        self.error = error


class RelyingParty:
    """A relying party from `with` to the end of the block.

    It is the client that it was last told to be (`discover`).
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # It ends with its standard input, so also if this process dies.
            [NODE, FOLDER / "relying_party.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Popen's own end of a block closes the pipes and waits.
        with self._process:
            self._process.kill()

    async def ask(self, todo: str, **given: object) -> Any:
        """Have it do something of the list in `relying_party.mjs`, and return what came of it.

        Raises:
            Refused: it failed, for a reason of its own or the authorization server's.
        """
        # In a thread, because what it asks of our server is answered by this event loop.
        line = await asyncio.to_thread(self._answer, json.dumps({"todo": todo, **given}))
        answer: dict[str, Any] = json.loads(line)
        if "refusal" in answer:
            raise Refused(**answer["refusal"])
        return answer.get("result")

    def _answer(self, question: str) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(DEADLINE, self._process.kill)
        late.start()
        self._process.stdin.write(question.encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        late.cancel()
        if not line:
            raise AssertionError(f"openid-client has ended; it was asked {question}")
        return line
