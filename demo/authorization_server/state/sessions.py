"""The sign-ins of users, and which scopes each user has allowed a client."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from demo.authorization_server.state.file import StateFile, delete_oldest, digest
from demo.authorization_server.state.tables import consents, sessions

SESSION_LIFETIME = 12 * 3600
"""Seconds that a sign-in lasts: a working day."""

SESSIONS_PER_USER = 100
"""A further sign-in ends the user's oldest one. Other users' sign-ins are not affected."""


@dataclass(frozen=True, slots=True)
class Session:
    """A user's sign-in at this server.

    Arguments:
        auth_time: when the user entered the password, in seconds since the epoch.
        signed_in_for: digest of the authorization request that led to the sign-in; None after
            that request was answered.
    """

    username: str
    auth_time: int
    signed_in_for: str | None


class Sessions:
    """The part of the state about users: sessions and consents."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    async def open(self, username: str, *, signed_in_for: str) -> str:
        """Store that a user signed in just now, and return the secret of the session."""
        secret, now = self._file.new_secret(), self._file.now()
        async with self._file.transaction() as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            await connection.execute(
                insert(sessions).values(
                    digest=digest(secret),
                    username=username,
                    auth_time=now,
                    signed_in_for=signed_in_for,
                    expires_at=now + SESSION_LIFETIME,
                )
            )
            await connection.execute(
                delete_oldest(sessions, SESSIONS_PER_USER, sessions.c.username == username)
            )
        return secret

    async def find(self, secret: str) -> Session | None:
        """Return the session with this secret, or None if it is unknown or has expired."""
        row = await self._file.row(
            select(sessions.c.username, sessions.c.auth_time, sessions.c.signed_in_for).where(
                sessions.c.digest == digest(secret), sessions.c.expires_at > self._file.now()
            )
        )
        return None if row is None else Session(**row)

    async def mark_answered(self, secret: str) -> None:
        """Clear `signed_in_for`: a sign-in counts as a new one for a single request."""
        await self._file.write(
            update(sessions).where(sessions.c.digest == digest(secret)).values(signed_in_for=None)
        )

    async def close(self, secret: str) -> None:
        """Sign the user out."""
        await self._file.write(delete(sessions).where(sessions.c.digest == digest(secret)))

    async def consented_scopes(
        self, username: str, client_id: str, audience: str | None
    ) -> frozenset[str] | None:
        """Return the scopes that the user last allowed this client for this API.

        None if the user has never decided about it.
        """
        row = await self._file.row(
            select(consents.c.scopes).where(
                consents.c.username == username,
                consents.c.client_id == client_id,
                consents.c.audience == (audience or ""),
            )
        )
        return None if row is None else frozenset(row["scopes"].split())

    async def remember_consent(
        self, username: str, client_id: str, audience: str | None, scopes: AbstractSet[str]
    ) -> None:
        """Store the scopes that the user allows; they replace those allowed before."""
        statement = upsert(consents).values(
            username=username,
            client_id=client_id,
            audience=audience or "",
            scopes=" ".join(sorted(scopes)),
        )
        await self._file.write(
            statement.on_conflict_do_update(set_={"scopes": statement.excluded.scopes})
        )
