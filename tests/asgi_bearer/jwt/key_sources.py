"""Key sources whose keys change, and which record how they are called."""

from collections.abc import Sequence

from asgi_bearer import KeysUnavailable
from asgi_bearer.keys import KeySet, Missed, StaticKeys
from asgi_bearer.testing.signing import Json


def jwks(*keys: Json) -> Json:
    """Return a key set document."""
    return {"keys": list(keys)}


class Rotation:
    """A key source that answers each miss with the next key set, and after the last one with an
    error."""

    def __init__(self, *documents: Json, error: KeysUnavailable | None = None) -> None:
        self.sets = [StaticKeys(document) for document in documents]
        self.error = error
        self.missed: list[Missed] = []
        self.asked = 0

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the first set; after a miss, the next one."""
        self.asked += 1
        if missed is not None:
            self.missed.append(missed)
            if len(self.sets) > 1:
                self.sets.pop(0)
            elif self.error is not None:
                raise self.error
        elif not self.sets and self.error is not None:
            raise self.error
        return await self.sets[0].key_set()


class Scripted:
    """A key source that answers each call with the next key set, and then always with the last.

    Arguments:
        copies: whether each answer is a new object.
    """

    def __init__(self, sets: Sequence[KeySet], *, copies: bool = False) -> None:
        self._sets = list(sets)
        self._copies = copies
        self.last = self._sets[0]
        self.missed = 0

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the next set."""
        self.missed += missed is not None
        self.last = self._sets.pop(0) if len(self._sets) > 1 else self._sets[0]
        return KeySet(self.last.keys) if self._copies else self.last
