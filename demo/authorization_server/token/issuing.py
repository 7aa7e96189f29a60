"""Issues tokens: decides on their content, signs them, and records the access tokens."""

import secrets
from dataclasses import dataclass, field

from demo.authorization_server.registrations.scopes import custom_claims, user_claims
from demo.authorization_server.server import Server
from demo.authorization_server.state.grants import Grant
from demo.authorization_server.token.access_token import signed_access_token
from demo.authorization_server.token.id_token import signed_id_token

FRONT_CHANNEL = "implicit"
"""The claim `gty` of an access token that passes through the browser."""

USERINFO_TOKEN_LIFETIME = 3600
"""Seconds, for an access token without an API."""


@dataclass(frozen=True, slots=True)
class IssuedAccessToken:
    """An access token; its `repr` does not show it. `expires_in` is in seconds."""

    value: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Issuing:
    """Issues the tokens of a grant.

    The caller must have checked that the API and the user of the grant, if any, are registered.
    """

    server: Server

    async def access_token(
        self, grant: Grant, *, gty: str, lifetime: int | None = None
    ) -> IssuedAccessToken:
        """Return a new access token.

        Arguments:
            gty: how the client gets it, in Auth0's words: `implicit` through the browser,
                otherwise `authorization_code`, `refresh_token` or `client-credentials`.
            lifetime: seconds; by default the API's. A negative one makes a token that expired so
                long ago.
        """
        api = None if grant.audience is None else self.server.registrations.apis[grant.audience]
        if api is None:
            default_lifetime = USERINFO_TOKEN_LIFETIME
        elif gty == FRONT_CHANNEL:
            default_lifetime = api.front_channel_token_lifetime
        else:
            default_lifetime = api.token_lifetime
        now = int(self.server.clock())
        expires_at = now + (default_lifetime if lifetime is None else lifetime)
        jti = secrets.token_urlsafe(16)
        value = signed_access_token(
            self.server.keys.current,
            profile="rfc9068" if api is None else api.token_profile,
            issuer=self.server.issuer,
            audience=self._audience(grant),
            grant=grant,
            gty=gty,
            issued_at=now if expires_at > now else expires_at - default_lifetime,
            expires_at=expires_at,
            jti=jti,
            custom=(
                {}
                if grant.username is None
                else custom_claims(self.server.registrations.users[grant.username], grant.scopes)
            ),
        )
        await self.server.state.tokens.record_access_token(jti, grant, expires_at=expires_at)
        return IssuedAccessToken(value, max(0, expires_at - now))

    def id_token(
        self, grant: Grant, *, code: str | None = None, access_token: str | None = None
    ) -> str:
        """Return a new ID token for the user of the grant.

        Arguments:
            code: the code sent with it, for `c_hash`.
            access_token: the access token sent with it, for `at_hash`.

        Raises:
            ValueError: the grant has no user.
        """
        if grant.username is None:
            raise ValueError("grant has no user to make an ID token for")
        user = self.server.registrations.users[grant.username]
        return signed_id_token(
            self.server.keys.current,
            issuer=self.server.issuer,
            grant=grant,
            issued_at=int(self.server.clock()),
            user=user_claims(user, grant.scopes),
            code=code,
            access_token=access_token,
        )

    def _audience(self, grant: Grant) -> tuple[str, ...]:
        userinfo = self.server.userinfo
        if grant.audience is None:
            return (userinfo,)
        return (grant.audience, userinfo) if "openid" in grant.scopes else (grant.audience,)
