"""An OpenID Connect provider in memory that grants at once and can be made to misbehave."""

import hashlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from asgi_bearer.testing import SigningKey, signing_key
from asgi_bearer.testing.signing import b64, compact

PROVIDER = "http://127.0.0.1:9000/"
ANNEX = "http://127.0.0.1:9009/"
"""Another origin of the provider, for endpoints that can be switched off on their own."""

CLIENT_ID = "web-application"
CLIENT_SECRET = "a secret:with +%& in it"
AUDIENCE = "https://api.example/contacts"
OTHER_AUDIENCE = "https://api.example/calendar"

Json = dict[str, Any]

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def half_hash(alg: str, value: str) -> str:
    """Return `c_hash` or `at_hash`; an independent copy of OpenID Connect Core §3.3.2.11."""
    digest = _HASHES.get(alg[-3:], hashlib.sha512)(value.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


@dataclass
class FakeProvider:
    """The provider, and its faults.

    A change to None removes a member.
    """

    clock: Callable[[], float]
    key: SigningKey = field(default_factory=signing_key)
    signing_key: SigningKey | None = None
    """The key that signs ID tokens, if it is not the published one."""
    metadata: Json = field(default_factory=dict[str, Any])
    """Changes to the discovery document."""
    response: Json = field(default_factory=dict[str, Any])
    """Changes to the authorization response."""
    id_token: Json = field(default_factory=dict[str, Any])
    """Changes to the claims of ID tokens of the authorization endpoint."""
    id_token_header: Json = field(default_factory=dict[str, Any])
    exchanged_id_token: Json = field(default_factory=dict[str, Any])
    """Changes to the claims of ID tokens of the token endpoint."""
    tokens: Json = field(default_factory=dict[str, Any])
    """Changes to the token responses."""
    token_status: int = 200
    token_fault: tuple[int, Any] | None = None
    """Status and body of every response of the token endpoint, whatever the request."""
    lenient: bool = False
    """Whether it accepts used codes, used refresh tokens and revoked access tokens."""
    error: str | None = None
    """The error code of the authorization response, instead of a code."""
    lifetime: int = 600

    requests: list[Json] = field(default_factory=list[Json])
    """The token requests, as parameters."""
    authorization_headers: list[str | None] = field(default_factory=list[str | None])
    requested: list[Json] = field(default_factory=list[Json])
    """The authorization requests, as parameters."""
    signed_out: list[Json] = field(default_factory=list[Json])
    revocations: list[str] = field(default_factory=list[str])
    """The tokens that an authenticated client revoked."""
    _codes: dict[str, Json] = field(default_factory=dict[str, Json])
    _refresh_tokens: dict[str, Json] = field(default_factory=dict[str, Json])
    _revoked: set[str] = field(default_factory=set[str])
    _number: int = 0

    def app(self) -> Starlette:
        """Return the provider as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/end", self._end),
                Route("/revoke", self._revoke, methods=["POST"]),
            ]
        )

    def exchanges(self) -> list[Json]:
        """Return the token requests for a code."""
        return [sent for sent in self.requests if sent.get("grant_type") == "authorization_code"]

    def access_token(self, **changes: Any) -> str:
        """Return an access token for the API."""
        now = int(self.clock())
        claims = {
            "iss": PROVIDER,
            "sub": "alice",
            "aud": AUDIENCE,
            "client_id": CLIENT_ID,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": self._new("jti"),
            **changes,
        }
        header = {"alg": self.key.alg, "kid": self.key.kid, "typ": "at+jwt"}
        return compact(header, claims, self.key)

    def _new(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}-{'x' * 24}"

    def _signed_id_token(self, changes: Json, **claims: Any) -> str:
        now = int(self.clock())
        all_claims = {
            "iss": PROVIDER,
            "sub": "alice",
            "aud": CLIENT_ID,
            "name": "Alice Example",
            "iat": now,
            "exp": now + 3600,
            **claims,
            **changes,
        }
        key = self.signing_key or self.key
        header = {"alg": self.key.alg, "kid": self.key.kid, "typ": "JWT", **self.id_token_header}
        return compact(_without_none(header), _without_none(all_claims), key)

    async def _discovery(self, _request: Request) -> Response:
        document = {
            "issuer": PROVIDER,
            "authorization_endpoint": f"{PROVIDER}authorize",
            "token_endpoint": f"{PROVIDER}token",
            "jwks_uri": f"{PROVIDER}jwks",
            "userinfo_endpoint": f"{PROVIDER}userinfo",
            "end_session_endpoint": f"{PROVIDER}end",
            "revocation_endpoint": f"{PROVIDER}revoke",
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            **self.metadata,
        }
        return JSONResponse(_without_none(document))

    async def _jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.jwk()]})

    async def _authorize(self, request: Request) -> Response:
        sent = dict(request.query_params)
        self.requested.append(sent)
        answer: Json = {"state": sent["state"], "iss": PROVIDER}
        if self.error is not None:
            answer |= {"error": self.error, "error_description": "The user denied it."}
        else:
            answer |= self._granted(sent)
        changed = _without_none(answer | self.response)
        return RedirectResponse(f"{sent['redirect_uri']}#{urlencode(changed)}", 303)

    def _granted(self, sent: Json) -> Json:
        code, kinds = self._new("code"), sent["response_type"].split()
        self._codes[code] = {**sent, "used": False}
        answer: Json = {"code": code}
        hashes = {"c_hash": half_hash(self.key.alg, code)}
        if "token" in kinds:
            token = self.access_token(scope=sent["scope"], gty="implicit")
            answer |= {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}
            hashes["at_hash"] = half_hash(self.key.alg, token)
        if "id_token" in kinds:
            nonce = sent["nonce"]
            answer["id_token"] = self._signed_id_token(self.id_token, nonce=nonce, **hashes)
        return answer

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        self.requests.append(form)
        self.authorization_headers.append(request.headers.get("authorization"))
        if not self._authenticated(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        if self.token_fault is not None:
            status, body = self.token_fault
            return JSONResponse(body, status)
        answer = self._answer(form)
        if answer is None:
            return JSONResponse({"error": "invalid_grant", "error_description": "Used."}, 400)
        return JSONResponse(_without_none(answer | self.tokens), self.token_status)

    def _authenticated(self, request: Request, form: Json) -> bool:
        pair = (form.get("client_id"), form.get("client_secret"))
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            user, _, password = b64decode(encoded).decode().partition(":")
            pair = (unquote_plus(user), unquote_plus(password))
        return pair == (CLIENT_ID, CLIENT_SECRET)

    def _answer(self, form: Json) -> Json | None:
        if form["grant_type"] == "client_credentials":
            seconds = int(form.get("expires_in", "600"))
            now = int(self.clock())
            token = self.access_token(
                sub=f"{CLIENT_ID}@clients",
                aud=form.get("audience", form.get("resource")),
                scope=form.get("scope", ""),
                iat=now - abs(seconds),
                exp=now + seconds,
            )
            return {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
        if form["grant_type"] == "refresh_token":
            grant = self._refresh_tokens.get(form["refresh_token"])
            nonce = None
        else:
            grant = self._codes.get(form["code"])
            nonce = grant["nonce"] if grant else None
            if grant and not self._proves(form, grant):
                grant = None
        is_used = grant is None or grant["used"] or grant["state"] in self._revoked
        if grant is None or (is_used and not self.lenient):
            if grant is not None:
                self._revoked.add(grant["state"])
            return None
        grant["used"] = True
        return self._tokens(grant, nonce)

    def _proves(self, form: Json, grant: Json) -> bool:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        return (challenge, form["redirect_uri"]) == (grant["code_challenge"], grant["redirect_uri"])

    def _tokens(self, grant: Json, nonce: str | None) -> Json:
        token = self.access_token(scope=grant["scope"], gty="code", grant=grant["state"])
        at_hash = half_hash(self.key.alg, token)
        claims = {"nonce": nonce, "at_hash": at_hash}
        answer: Json = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "id_token": self._signed_id_token(self.exchanged_id_token, **claims),
        }
        if "offline_access" in grant["scope"].split():
            answer["refresh_token"] = self._new("refresh-token")
            self._refresh_tokens[answer["refresh_token"]] = {**grant, "used": False}
        return answer

    async def _userinfo(self, _request: Request) -> Response:
        if self._revoked and not self.lenient:
            challenge = 'Bearer error="invalid_token"'
            return JSONResponse(None, 401, headers={"WWW-Authenticate": challenge})
        return JSONResponse({"sub": "alice"})

    async def _revoke(self, request: Request) -> Response:
        form = await _form(request)
        if not self._authenticated(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        self.revocations.append(form["token"])
        self._revoked.add(self._refresh_tokens[form["token"]]["state"])
        return Response()

    async def _end(self, request: Request) -> Response:
        self.signed_out.append(dict(request.query_params))
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 303)


async def _form(request: Request) -> Json:
    sent = parse_qs((await request.body()).decode())
    return {name: values[0] for name, values in sent.items()}


def unsigned(claims: Json) -> str:
    """Return an ID token with `alg` none and a meaningless signature."""
    return f"{b64({'alg': 'none', 'typ': 'JWT'})}.{b64(claims)}.AAAA"


def _without_none(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}
