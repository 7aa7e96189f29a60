"""The refresh tokens and access tokens of the grants."""

from dataclasses import dataclass

from sqlalchemy import Table, delete, false, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from demo.authorization_server.state.file import StateFile, delete_oldest, digest
from demo.authorization_server.state.grants import GRANT_COLUMNS, Grant, grant_from, usable
from demo.authorization_server.state.tables import access_tokens, grants, refresh_tokens

REFRESH_TOKEN_LIFETIME = 30 * 86400
"""Seconds, counted from the first refresh token of a grant: rotation does not extend it."""

TOKENS_PER_GRANT = 1000
"""Refresh tokens, including used ones, and as many access tokens. A further token deletes the
oldest one."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as it is stored; `expires_at` is in seconds since the epoch."""

    grant: Grant
    expires_at: int
    used: bool


class Tokens:
    """The part of the state about tokens."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    async def add_refresh_token(self, grant: Grant) -> str:
        """Add the first refresh token to a grant, and return it."""
        expires_at = self._file.now() + REFRESH_TOKEN_LIFETIME
        async with self._file.transaction() as connection:
            return await self._insert_refresh_token(connection, grant.grant_id, expires_at)

    async def find_refresh_token(self, token: str) -> RefreshToken | None:
        """Return the stored refresh token, also if it is used.

        None if it is unknown or expired, or its grant is revoked.
        """
        row = await self._file.row(
            select(*GRANT_COLUMNS, refresh_tokens.c.expires_at, refresh_tokens.c.used)
            .join_from(refresh_tokens, grants)
            .where(
                refresh_tokens.c.digest == digest(token),
                refresh_tokens.c.expires_at > self._file.now(),
                grants.c.revoked == false(),
            )
        )
        if row is None:
            return None
        return RefreshToken(grant_from(row), row["expires_at"], row["used"])

    async def rotate_refresh_token(self, token: str) -> str | None:
        """Mark a refresh token as used and return the next one, in one transaction.

        Only one caller ever gets the next token. None if the token is unknown, used or expired, or
        its grant is revoked.
        """
        async with self._file.transaction() as connection:
            marked = await connection.execute(
                update(refresh_tokens)
                .where(*usable(refresh_tokens, token, self._file.now()))
                .values(used=True)
                .returning(refresh_tokens.c.grant_id, refresh_tokens.c.expires_at)
            )
            row = marked.mappings().one_or_none()
            if row is None:
                return None
            return await self._insert_refresh_token(connection, row["grant_id"], row["expires_at"])

    async def record_access_token(self, jti: str, grant: Grant, *, expires_at: int) -> None:
        """Store the `jti` claim of an access token, so that the token can be revoked."""
        async with self._file.transaction() as connection:
            await self._insert_token(
                connection, access_tokens, grant.grant_id, expires_at, jti=jti, revoked=False
            )

    async def access_token_is_active(self, jti: str) -> bool:
        """Return whether the token is recorded, has not expired, and neither it nor its grant is
        revoked."""
        row = await self._file.row(
            select(access_tokens.c.jti)
            .join_from(access_tokens, grants)
            .where(
                access_tokens.c.jti == jti,
                access_tokens.c.expires_at > self._file.now(),
                access_tokens.c.revoked == false(),
                grants.c.revoked == false(),
            )
        )
        return row is not None

    async def revoke_access_token(self, jti: str) -> None:
        """Revoke this token; the other tokens of its grant stay valid."""
        await self._file.write(
            update(access_tokens).where(access_tokens.c.jti == jti).values(revoked=True)
        )

    async def _insert_refresh_token(
        self, connection: AsyncConnection, grant_id: str, expires_at: int
    ) -> str:
        token = self._file.new_secret()
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
        await connection.execute(delete(table).where(table.c.expires_at <= self._file.now()))
        await connection.execute(
            insert(table).values(grant_id=grant_id, expires_at=expires_at, **values)
        )
        owner = table.c.grant_id == grant_id
        await connection.execute(delete_oldest(table, TOKENS_PER_GRANT, owner))
        await connection.execute(
            update(grants)
            .where(grants.c.grant_id == grant_id, grants.c.kept_until < expires_at)
            .values(kept_until=expires_at)
        )
