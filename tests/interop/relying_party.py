"""openid-client, a relying party by another author, as a process."""

import asyncio
import json
from typing import Any

from tests.interop.node import NodeProcess


class Refused(Exception):
    """The relying party refused a response.

    Arguments:
        code: openid-client's name for the kind of failure.
        error: the error of the authorization server (RFC 6749 §5.2), or empty.
    """

    def __init__(self, code: str, error: str, reason: str) -> None:
        super().__init__(f"{code} {error}: {reason}")
        self.code = code
        self.error = error


class RelyingParty(NodeProcess):
    """A relying party from `with` to the end of the block; `discover` chooses its client."""

    def __init__(self) -> None:
        super().__init__("relying_party.mjs")

    async def ask(self, command: str, **arguments: object) -> Any:
        """Run a command of `relying_party.mjs` and return its result.

        Raises:
            Refused: the relying party or the authorization server refused.
        """
        # In a thread, because this event loop runs the authorization server that is asked.
        line = await asyncio.to_thread(self._answer, json.dumps({"command": command, **arguments}))
        answer: dict[str, Any] = json.loads(line)
        if "refusal" in answer:
            raise Refused(**answer["refusal"])
        return answer.get("result")

    def _answer(self, question: str) -> bytes:
        self.write_line(question.encode())
        line = self.read_line()
        if not line:
            raise AssertionError(f"openid-client ended; the last command was {question}")
        return line
