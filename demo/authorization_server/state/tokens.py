"""The part of the state about tokens: the refresh tokens and access tokens of each grant."""

from dataclasses import dataclass

from sqlalchemy import Table, delete, false, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from demo.authorization_server.state.file import digest, oldest
from demo.authorization_server.state.grants import GRANT_COLUMNS, Grant, Grants, grant_in
from demo.authorization_server.state.tables import (
    access_tokens,
    grants,
    refresh_tokens,
)

REFRESH_TOKEN_LIFETIME = 30 * 86400
"""Seconds, from the first refresh token of a grant on: rotation does not prolong it."""

TOKENS_PER_GRANT = 1000
"""Refresh tokens (the used ones count), and as many access tokens; the oldest go."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token stands for; `expires_at` is in seconds since the epoch."""

    grant: Grant
    expires_at: int
    used: bool


class GrantedTokens(Grants):
    """Refresh tokens and access tokens, with the grants that they belong to."""

    async def add_refresh_token(self, grant: Grant) -> str:
        """Make the first refresh token of a grant."""
        expires_at = self._now() + REFRESH_TOKEN_LIFETIME
        async with self._writing() as connection:
            return await self._insert_refresh_token(connection, grant.grant_id, expires_at)

    async def refresh_token(self, token: str) -> RefreshToken | None:
        """Return what a refresh token stands for, also for a used one.

        None for one that is unknown or expired, or whose grant is revoked.
        """
        row = await self._row(
            select(*GRANT_COLUMNS, refresh_tokens.c.expires_at, refresh_tokens.c.used)
            .join_from(refresh_tokens, grants)
            .where(
                refresh_tokens.c.digest == digest(token),
                refresh_tokens.c.expires_at > self._now(),
                grants.c.revoked == false(),
            )
        )
        return None if row is None else RefreshToken(grant_in(row), row["expires_at"], row["used"])

    async def rotate_refresh_token(self, token: str) -> str | None:
        """Mark a refresh token as used, and return the next one: to exactly one caller, ever.

        None for one that is unknown, used or expired, or whose grant is revoked.
        """
        async with self._writing() as connection:
            marked = await connection.execute(
                update(refresh_tokens)
                .where(*self._usable(refresh_tokens, token))
                .values(used=True)
                .returning(refresh_tokens.c.grant_id, refresh_tokens.c.expires_at)
            )
            row = marked.mappings().one_or_none()
            if row is None:
                return None
            return await self._insert_refresh_token(connection, row["grant_id"], row["expires_at"])

    async def record_access_token(self, jti: str, grant: Grant, *, expires_at: int) -> None:
        """Remember an access token by its `jti` claim, so that it can be revoked."""
        async with self._writing() as connection:
            await self._insert_token(
                connection, access_tokens, grant.grant_id, expires_at, jti=jti, revoked=False
            )

    async def access_token_is_active(self, jti: str) -> bool:
        """Whether the token is recorded and neither it nor its grant has ended or is revoked."""
        row = await self._row(
            select(access_tokens.c.jti)
            .join_from(access_tokens, grants)
            .where(
                access_tokens.c.jti == jti,
                access_tokens.c.expires_at > self._now(),
                access_tokens.c.revoked == false(),
                grants.c.revoked == false(),
            )
        )
        return row is not None

    async def revoke_access_token(self, jti: str) -> None:
        """Take this one token back; the others of its grant stay."""
        await self._write(
            update(access_tokens).where(access_tokens.c.jti == jti).values(revoked=True)
        )

    async def _insert_refresh_token(
        self, connection: AsyncConnection, grant_id: str, expires_at: int
    ) -> str:
        token = self._token()
        await self._insert_token(
            connection, refresh_tokens, grant_id, expires_at, digest=digest(token), used=False
        )
        return token

    async def _insert_token(
        self,
        connection: AsyncConnection,
        table: Table,
        grant_id: str,
        expires_at: int,
        **values: object,
    ) -> None:
        await connection.execute(delete(table).where(table.c.expires_at <= self._now()))
        await connection.execute(
            insert(table).values(grant_id=grant_id, expires_at=expires_at, **values)
        )
        await connection.execute(oldest(table, TOKENS_PER_GRANT, table.c.grant_id == grant_id))
        await connection.execute(
            update(grants)
            .where(grants.c.grant_id == grant_id, grants.c.kept_until < expires_at)
            .values(kept_until=expires_at)
        )
