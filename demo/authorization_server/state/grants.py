"""The part of the state about grants, and the authorization codes that belong to them."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, Table, and_, delete, false, insert, select, update

from demo.authorization_server.state.file import StateFile, digest, oldest
from demo.authorization_server.state.tables import codes, grants

CODE_LIFETIME = 60
"""Seconds. RFC 6749 §4.1.2 allows ten minutes; a redirect takes less than one."""

GRANT_KEPT = 86400
"""Seconds that a grant is kept at least, also without a token, and its code with it: so long
the code's replay is noticed."""

GRANTS_PER_HOLDER = 10_000
"""For each client, and each of its users; the oldest go, with their tokens."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody has been granted; all tokens of one authorization belong to one grant.

    Arguments:
        username: None where the client acts for itself (client_credentials).
        audience: identifier of the API; None where only /userinfo was asked for.
        scopes: what was granted, in the order in which it was asked for.
        auth_time: when the user signed in, in seconds since the epoch.
    """

    grant_id: str
    client_id: str
    username: str | None
    audience: str | None
    scopes: tuple[str, ...]
    auth_time: int | None
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for, and what it is bound to.

    Arguments:
        code_challenge: of the method S256 (RFC 7636 §4.2).
        expires_at: seconds since the epoch.
    """

    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: int
    used: bool


class Grants(StateFile):
    """Grants and codes."""

    async def open_grant(
        self,
        *,
        client_id: str,
        username: str | None,
        audience: str | None,
        scopes: tuple[str, ...],
        auth_time: int | None = None,
        nonce: str | None = None,
    ) -> Grant:
        """Remember a new grant, to which codes and tokens can be added."""
        grant = Grant(self._token(), client_id, username, audience, scopes, auth_time, nonce)
        now = self._now()
        async with self._writing() as connection:
            await connection.execute(delete(grants).where(grants.c.kept_until <= now))
            await connection.execute(
                insert(grants).values(
                    grant_id=grant.grant_id,
                    client_id=client_id,
                    username=username,
                    audience=audience,
                    scopes=" ".join(scopes),
                    auth_time=auth_time,
                    nonce=nonce,
                    revoked=False,
                    kept_until=now + GRANT_KEPT,
                )
            )
            holder = and_(grants.c.client_id == client_id, grants.c.username == username)
            await connection.execute(oldest(grants, GRANTS_PER_HOLDER, holder))
        return grant

    async def revoke_grant(self, grant_id: str) -> None:
        """Take a grant back, with all its tokens: those that there are and those still coming."""
        await self._write(update(grants).where(grants.c.grant_id == grant_id).values(revoked=True))

    async def add_code(self, grant: Grant, *, redirect_uri: str, code_challenge: str | None) -> str:
        """Make an authorization code for a grant."""
        code = self._token()
        await self._write(
            insert(codes).values(
                digest=digest(code),
                grant_id=grant.grant_id,
                redirect_uri=redirect_uri,
                code_challenge=code_challenge,
                expires_at=self._now() + CODE_LIFETIME,
                used=False,
            )
        )
        return code

    async def code(self, code: str) -> Code | None:
        """Return what a code stands for, or None for an unknown one.

        One that is used or expired, or whose grant is revoked, is returned as well, as long as
        its grant is kept: its replay has to be noticed.
        """
        row = await self._row(
            select(
                *GRANT_COLUMNS,
                codes.c.redirect_uri,
                codes.c.code_challenge,
                codes.c.expires_at,
                codes.c.used,
            )
            .join_from(codes, grants)
            .where(codes.c.digest == digest(code))
        )
        if row is None:
            return None
        return Code(
            grant_in(row),
            row["redirect_uri"],
            row["code_challenge"],
            row["expires_at"],
            row["used"],
        )

    async def use_code(self, code: str) -> bool:
        """Mark a code as used: True for exactly one caller, ever.

        False for one that is unknown, used or expired, or whose grant is revoked.
        """
        async with self._writing() as connection:
            marked = await connection.execute(
                update(codes).where(*self._usable(codes, code)).values(used=True)
            )
            return marked.rowcount == 1

    def _usable(self, table: Table, secret: str) -> tuple[ColumnElement[bool], ...]:
        return (
            table.c.digest == digest(secret),
            table.c.used == false(),
            table.c.expires_at > self._now(),
            table.c.grant_id.in_(select(grants.c.grant_id).where(grants.c.revoked == false())),
        )


GRANT_COLUMNS = (
    grants.c.grant_id,
    grants.c.client_id,
    grants.c.username,
    grants.c.audience,
    grants.c.scopes,
    grants.c.auth_time,
    grants.c.nonce,
)


def grant_in(row: RowMapping) -> Grant:
    """Return the grant in a row with all of `GRANT_COLUMNS`."""
    return Grant(
        grant_id=row["grant_id"],
        client_id=row["client_id"],
        username=row["username"],
        audience=row["audience"],
        scopes=tuple(row["scopes"].split()),
        auth_time=row["auth_time"],
        nonce=row["nonce"],
    )
