"""Grants, and the authorization codes that belong to them."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, and_, delete, false, insert, select, update

from demo.authorization_server.state.file import StateFile, delete_oldest, digest
from demo.authorization_server.state.tables import codes, grants

CODE_LIFETIME = 60
"""Seconds. RFC 6749 §4.1.2 allows ten minutes; a redirect takes less than one."""

MIN_GRANT_LIFETIME = 86400
"""Seconds that a grant is stored at least, even without a token. Its code is stored as long, so
that a replay of the code is noticed."""

GRANTS_PER_OWNER = 10_000
"""For each client and user. A further grant deletes the oldest one and its tokens."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user, or the server itself, allows a client. All tokens of one authorization belong
    to one grant.

    Arguments:
        username: None if the client acts for itself (`client_credentials`).
        audience: identifier of the API; None if the tokens are for /userinfo only.
        scopes: the granted scopes, in the order of the request.
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
    """An authorization code as it is stored.

    Arguments:
        code_challenge: of the method S256 (RFC 7636 §4.2).
        expires_at: seconds since the epoch.
    """

    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: int
    used: bool


class Grants:
    """The part of the state about grants and codes."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    async def open(
        self,
        *,
        client_id: str,
        username: str | None,
        audience: str | None,
        scopes: tuple[str, ...],
        auth_time: int | None = None,
        nonce: str | None = None,
    ) -> Grant:
        """Store a new grant, to which codes and tokens can be added."""
        grant_id, now = self._file.new_secret(), self._file.now()
        grant = Grant(grant_id, client_id, username, audience, scopes, auth_time, nonce)
        async with self._file.transaction() as connection:
            await connection.execute(delete(grants).where(grants.c.kept_until <= now))
            await connection.execute(
                insert(grants).values(
                    {
                        **asdict(grant),
                        "scopes": " ".join(scopes),
                        "revoked": False,
                        "kept_until": now + MIN_GRANT_LIFETIME,
                    }
                )
            )
            owner = and_(grants.c.client_id == client_id, grants.c.username == username)
            await connection.execute(delete_oldest(grants, GRANTS_PER_OWNER, owner))
        return grant

    async def revoke(self, grant_id: str) -> None:
        """Revoke a grant and with it all its tokens, also those that are added later."""
        await self._file.write(
            update(grants).where(grants.c.grant_id == grant_id).values(revoked=True)
        )

    async def add_code(self, grant: Grant, *, redirect_uri: str, code_challenge: str | None) -> str:
        """Add an authorization code to a grant, and return it."""
        code = self._file.new_secret()
        await self._file.write(
            insert(codes).values(
                digest=digest(code),
                grant_id=grant.grant_id,
                redirect_uri=redirect_uri,
                code_challenge=code_challenge,
                expires_at=self._file.now() + CODE_LIFETIME,
                used=False,
            )
        )
        return code

    async def find_code(self, code: str) -> Code | None:
        """Return the stored code, or None if it is unknown.

        A code that is used or expired, or whose grant is revoked, is found as long as its grant
        is stored: token/grant_types notices a replay by that.
        """
        columns = (codes.c.redirect_uri, codes.c.code_challenge, codes.c.expires_at, codes.c.used)
        row = await self._file.row(
            select(*GRANT_COLUMNS, *columns)
            .join_from(codes, grants)
            .where(codes.c.digest == digest(code))
        )
        return None if row is None else Code(grant_from(row), *(row[name] for name in columns))

    async def use_code(self, code: str) -> bool:
        """Mark a code as used. Only one caller ever gets True.

        False if the code is unknown, used or expired, or its grant is revoked.
        """
        async with self._file.transaction() as connection:
            marked = await connection.execute(
                update(codes).where(*usable(codes, code, self._file.now())).values(used=True)
            )
            return marked.rowcount == 1


GRANT_COLUMNS = tuple(grants.c[field.name] for field in fields(Grant))


def grant_from(row: RowMapping) -> Grant:
    """Return the grant of a row that has all `GRANT_COLUMNS`."""
    values: dict[str, Any] = {column.name: row[column] for column in GRANT_COLUMNS}
    values["scopes"] = tuple(row["scopes"].split())
    return Grant(**values)


def usable(table: Table, secret: str, now: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a code or refresh token that may be used at this moment."""
    return (
        table.c.digest == digest(secret),
        table.c.used == false(),
        table.c.expires_at > now,
        table.c.grant_id.in_(select(grants.c.grant_id).where(grants.c.revoked == false())),
    )
