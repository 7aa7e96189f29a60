"""The part of the state about people: who is signed in, and what each has allowed."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from demo.authorization_server.state.file import StateFile, digest, oldest
from demo.authorization_server.state.tables import consents, sessions

SESSION_LIFETIME = 12 * 3600
"""Seconds that a sign-in lasts: a working day."""

SESSIONS_PER_USER = 100
"""The oldest go, so that nobody can sign out anybody else by signing in often."""


@dataclass(frozen=True, slots=True)
class Session:
    """A user's sign-in at this server.

    Arguments:
        auth_time: when the password was given, in seconds since the epoch.
        signed_in_for: digest of the authorization request that the sign-in was made for, until
            that request has been answered.
    """

    username: str
    auth_time: int
    signed_in_for: str | None


class SignIns(StateFile):
    """Sessions and consents."""

    async def open_session(self, username: str, *, signed_in_for: str) -> str:
        """Remember that a user signed in just now, and return the session's secret."""
        secret, now = self._token(), self._now()
        async with self._writing() as connection:
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
                oldest(sessions, SESSIONS_PER_USER, sessions.c.username == username)
            )
        return secret

    async def session(self, secret: str) -> Session | None:
        """Return the sign-in with this secret, or None where there is none or it has ended."""
        row = await self._row(
            select(sessions.c.username, sessions.c.auth_time, sessions.c.signed_in_for).where(
                sessions.c.digest == digest(secret), sessions.c.expires_at > self._now()
            )
        )
        return None if row is None else Session(**row)

    async def request_answered(self, secret: str) -> None:
        """Forget which request the sign-in was made for: it counts for that one only once."""
        await self._write(
            update(sessions).where(sessions.c.digest == digest(secret)).values(signed_in_for=None)
        )

    async def close_session(self, secret: str) -> None:
        """Sign the user out."""
        await self._write(delete(sessions).where(sessions.c.digest == digest(secret)))

    async def consented_scopes(
        self, username: str, client_id: str, audience: str | None
    ) -> frozenset[str] | None:
        """Return what the user last allowed this client for this API; None for never asked."""
        row = await self._row(
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
        """Remember what the user allows, in place of what was remembered before."""
        statement = upsert(consents).values(
            username=username,
            client_id=client_id,
            audience=audience or "",
            scopes=" ".join(sorted(scopes)),
        )
        await self._write(
            statement.on_conflict_do_update(set_={"scopes": statement.excluded.scopes})
        )
