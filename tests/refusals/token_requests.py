"""Token requests that are refused: the change to a valid request, the status and the error."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.support.authorization_server.back_channel import CHALLENGE, VERIFIER, basic
from tests.support.authorization_server.example_registrations import (
    COMMAND_LINE,
    CONFIDENTIAL,
    CONTACTS_API,
    PUBLIC,
    REDIRECT_URI,
)
from tests.support.authorization_server.front_channel import AUDIENCE

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

CLIENT_ID = CONFIDENTIAL.client_id
SECRET = CONFIDENTIAL.client_secret or ""

Changes = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """A valid request with changes.

    Arguments:
        changes: to the form; None removes a parameter.
    """

    case: str
    changes: Changes
    error: str
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A valid request in another encoding.

    Arguments:
        body: makes the body from the valid form.
        address: the rest of the URL after the path.
    """

    case: str
    content_type: str
    body: Callable[[Mapping[str, str]], bytes]
    error: str = "invalid_request"
    status: int = 400
    address: str = ""


_OTHER_CREDENTIALS: Changes = {
    "client_id": COMMAND_LINE.client_id,
    "client_secret": COMMAND_LINE.client_secret,
}
_API_CREDENTIALS: Changes = {
    "client_id": CONTACTS_API.client_id,
    "client_secret": CONTACTS_API.client_secret,
}
_NO_CREDENTIALS: Changes = {"client_id": None, "client_secret": None}

_WRONG_CLIENTS: Mapping[str, Changes] = {
    "no client": _NO_CREDENTIALS,
    "no secret": {"client_secret": None},
    "empty secret": {"client_secret": ""},
    "wrong secret": {"client_secret": "guess"},
    "secret and more": {"client_secret": f"{SECRET}x"},
    "secret cut": {"client_secret": SECRET[:-1]},
    "secret with a space": {"client_secret": f" {SECRET}"},
    "secret in capitals": {"client_secret": SECRET.upper()},
    "secret of another": {"client_secret": COMMAND_LINE.client_secret},
    "secret as it is encoded": {"client_secret": "a+secret%3Awith+%2B%25%26+in+it"},
    "secret not ASCII": {"client_secret": "\u00fc\u2603"},
    "secret very long": {"client_secret": "x" * 12_000},
    "secret alone": {"client_id": None},
    "unknown client": {"client_id": "somebody"},
    "client in capitals": {"client_id": CLIENT_ID.upper()},
    "client of SQL": {"client_id": f"{CLIENT_ID}' OR '1'='1"},
    "client with a space": {"client_id": f"{CLIENT_ID} "},
    "a user as a client": {"client_id": "alice", "client_secret": "correct horse"},
    "public client with a secret": {"client_id": PUBLIC.client_id},
}

_BESIDE_A_HEADER: Mapping[str, Changes] = {
    "header and body": {},
    "header and secret": {"client_id": None},
    "header and a wrong secret": {"client_secret": "guess"},
    "header and another client": {"client_id": "single-page", "client_secret": None},
    "header and an unknown client": {"client_id": "somebody", "client_secret": None},
}

CLIENTS: Sequence[Refused] = (
    *(Refused(case, changes, "invalid_client", 401) for case, changes in _WRONG_CLIENTS.items()),
    *(
        Refused(f"header: {case}", _NO_CREDENTIALS, "invalid_client", 401, {"Authorization": value})
        for case, value in {
            "wrong secret": basic(CLIENT_ID, "guess")["Authorization"],
            "no secret": basic(CLIENT_ID, "")["Authorization"],
            "unknown client": basic("somebody", SECRET)["Authorization"],
            "public client": basic(PUBLIC.client_id, "")["Authorization"],
            "empty": "",
            "Basic alone": "Basic",
            "no scheme": "d2ViLWFwcGxpY2F0aW9uOng=",
            "Bearer": "Bearer x",
            "Digest": 'Digest username="web-application"',
            "no base64": "Basic \u00e4\u00f6",
            "base64url": "Basic _-__",
            "line break in base64": "Basic d2Vi LWFwcGxpY2F0aW9uOng=",
            "no colon": "Basic d2Vi",
            "not UTF-8": "Basic /zr/",
            "percent that is not UTF-8": "Basic JUZGOiVGRg==",
            "very long": f"Basic {'x' * 12_000}",
        }.items()
    ),
    *(
        Refused(case, changes, "invalid_request", 400, basic(CLIENT_ID, SECRET))
        for case, changes in _BESIDE_A_HEADER.items()
    ),
)
"""Requests without valid client credentials."""

CODES: Sequence[Refused] = (
    Refused("no grant type", {"grant_type": None}, "invalid_request"),
    Refused("empty grant type", {"grant_type": ""}, "invalid_request"),
    *(
        Refused(f"grant type {name!a}", {"grant_type": name}, "unsupported_grant_type")
        for name in (
            "password",
            "implicit",
            "code",
            "AUTHORIZATION_CODE",
            "authorization_code ",
            "authorization_code refresh_token",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "x" * 9000,
        )
    ),
    Refused("no code", {"code": None}, "invalid_request"),
    Refused("empty code", {"code": ""}, "invalid_request"),
    Refused("unknown code", {"code": "x"}, "invalid_grant"),
    Refused("code of SQL", {"code": "' OR '1'='1"}, "invalid_grant"),
    Refused("very long code", {"code": "x" * 12_000}, "invalid_grant"),
    Refused("code not ASCII", {"code": "\u00fc\u2603"}, "invalid_grant"),
    Refused("client of machines only", _OTHER_CREDENTIALS, "unauthorized_client"),
    Refused("client without grant types", _API_CREDENTIALS, "unauthorized_client"),
    Refused(
        "public client with the code of another",
        {"client_id": PUBLIC.client_id, "client_secret": None},
        "invalid_grant",
    ),
    Refused("no address", {"redirect_uri": None}, "invalid_request"),
    Refused("empty address", {"redirect_uri": ""}, "invalid_request"),
    *(
        Refused(f"address {uri!a}", {"redirect_uri": uri}, "invalid_grant")
        for uri in (
            "https://evil.example/callback",
            f"{REDIRECT_URI}/",
            f"{REDIRECT_URI}?",
            f"{REDIRECT_URI}#",
            "http://LOCALHOST:8080/callback",
            "http://localhost:8080/",
            "http%3A%2F%2Flocalhost%3A8080%2Fcallback",
            "http://localhost:8081/callback",
        )
    ),
    Refused("no verifier, though there was a challenge", {"code_verifier": None}, "invalid_grant"),
    Refused("empty verifier", {"code_verifier": ""}, "invalid_grant"),
    *(
        Refused(f"verifier: {case}", {"code_verifier": verifier}, "invalid_grant")
        for case, verifier in {
            "wrong": "another-code-verifier-of-at-least-forty-three",
            "the challenge itself": CHALLENGE,
            "too short": VERIFIER[:42],
            "too long": "v" * 129,
            "padded": f"{VERIFIER}=",
            "space behind": f"{VERIFIER} ",
            "in capitals": VERIFIER.upper(),
            "not ASCII": "\u00fc" * 43,
            "other digits": "\u0661" * 43,
        }.items()
    ),
)
"""Requests with a valid code that has a challenge."""

CODES_WITHOUT_CHALLENGE: Sequence[Refused] = (
    Refused("a verifier", {"code_verifier": VERIFIER}, "invalid_grant"),
    Refused("a verifier that is none", {"code_verifier": "x"}, "invalid_grant"),
)
"""Requests with a valid code without a challenge, because an attacker removed it."""

REFRESH_TOKENS: Sequence[Refused] = (
    Refused("no token", {"refresh_token": None}, "invalid_request"),
    Refused("empty token", {"refresh_token": ""}, "invalid_request"),
    Refused("unknown token", {"refresh_token": "x"}, "invalid_grant"),
    Refused("client of machines only", _OTHER_CREDENTIALS, "unauthorized_client"),
    Refused("client without grant types", _API_CREDENTIALS, "unauthorized_client"),
    Refused(
        "public client with the token of another",
        {"client_id": PUBLIC.client_id, "client_secret": None},
        "invalid_grant",
    ),
    Refused("no secret", {"client_secret": None}, "invalid_client", 401),
    *(
        Refused(f"scope {scope!a}", {"scope": scope}, "invalid_scope")
        for scope in (
            "openid profile",
            "read:contacts profile admin",
            "admin",
            "read:contacts  admin",
            "read:calendar",
            " ",
            "openid  read:contacts",
            "OPENID",
            "*",
            "x" * 9000,
        )
    ),
)
"""Requests with a valid refresh token."""

CLIENT_CREDENTIALS: Sequence[Refused] = (
    Refused(
        "public client",
        {"client_id": PUBLIC.client_id, "client_secret": None},
        "unauthorized_client",
    ),
    Refused("client that only introspects", _API_CREDENTIALS, "unauthorized_client"),
    Refused("no audience", {"audience": None}, "invalid_request"),
    *(
        Refused(f"audience {audience!a}", {"audience": audience}, "invalid_target")
        for audience in (
            "https://api.example/",
            f"{AUDIENCE}/",
            f"{AUDIENCE} https://api.example/calendar",
            "http://127.0.0.1:9000/userinfo",
        )
    ),
    Refused("no scope", {"scope": None}, "invalid_scope"),
    *(
        Refused(f"scope {scope!a}", {"scope": scope}, "invalid_scope")
        for scope in (
            "openid",
            "offline_access",
            "read:contacts openid",
            "read:contacts read:calendar",
            "read:calendar",
            "read:everything",
            "read:contacts  write:contacts",
            " read:contacts",
            "read:*",
        )
    ),
    *(
        Refused(f"expires_in {seconds!a}"[:40], {"expires_in": seconds}, "invalid_request")
        for seconds in ("0", "86401", "-86401", "1.5", "1e3", "NaN", "+1", "01", "\u0661", "9" * 99)
    ),
)
"""Requests with client_credentials."""


def _encoded(form: Mapping[str, str]) -> bytes:
    return urlencode(form).encode()


def _json(form: Mapping[str, object]) -> bytes:
    return json.dumps(form).encode()


def _twice(name: str, value: str | None = None) -> Callable[[Mapping[str, str]], bytes]:
    def body(form: Mapping[str, str]) -> bytes:
        return _encoded(form) + b"&" + _encoded({name: form[name] if value is None else value})

    return body


def _json_twice(name: str) -> Callable[[Mapping[str, str]], bytes]:
    return lambda form: _json(form)[:-1] + f', "{name}": "{form[name]}"}}'.encode()


def _json_with(name: str, value: object) -> Callable[[Mapping[str, str]], bytes]:
    return lambda form: _json({**form, name: value})


_NAMES = ("grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret")

AMBIGUOUS: Sequence[Ambiguous] = (
    # Repeated parameters.
    *(Ambiguous(f"{name} twice", FORM, _twice(name)) for name in _NAMES),
    *(Ambiguous(f"{name} twice, once other", FORM, _twice(name, "x")) for name in _NAMES),
    *(Ambiguous(f"{name} twice, once empty", FORM, _twice(name, "")) for name in _NAMES),
    *(Ambiguous(f"{name} twice in JSON", JSON, _json_twice(name)) for name in _NAMES),
    Ambiguous("code twice, once encoded", FORM, lambda form: _encoded(form) + b"&c%6fde=x"),
    Ambiguous("unknown parameter twice", FORM, lambda form: _encoded(form) + b"&x=1&x=1"),
    Ambiguous("audience twice", FORM, lambda form: _encoded(form) + b"&audience=x&audience=y"),
    Ambiguous(
        "code twice in JSON, once escaped",
        JSON,
        lambda form: _json(form)[:-1] + b', "c\\u006fde": "x"}',
    ),
    # Form and JSON mixed.
    Ambiguous("form that is called JSON", JSON, _encoded),
    Ambiguous("JSON that is called form", FORM, _json),
    Ambiguous("JSON, then form", JSON, lambda form: _json(form) + b"&" + _encoded(form)),
    Ambiguous("two JSON objects", JSON, lambda form: _json(form) * 2),
    Ambiguous("no type", "", _encoded),
    Ambiguous("plain text", "text/plain", _encoded),
    Ambiguous("JSON of another type", "application/jwt", _json),
    Ambiguous("JSON with a suffix", "application/x+json", _json),
    Ambiguous("multipart", "multipart/form-data; boundary=x", lambda form: b"--x--"),
    Ambiguous("two types in one", f"{FORM}, {JSON}", _encoded),
    Ambiguous("XML", "application/xml", lambda form: b"<code/>"),
    # JSON that is not a flat object of strings.
    Ambiguous("nothing", JSON, lambda form: b""),
    Ambiguous("null", JSON, lambda form: b"null"),
    Ambiguous("array", JSON, lambda form: b"[" + _json(form) + b"]"),
    Ambiguous("string", JSON, lambda form: json.dumps(_json(form).decode()).encode()),
    Ambiguous("nested", JSON, lambda form: _json({"request": form})),
    Ambiguous("code in a list", JSON, lambda form: _json({**form, "code": [form["code"]]})),
    Ambiguous("code in an object", JSON, lambda form: _json({**form, "code": {"a": form["code"]}})),
    Ambiguous("code is a number", JSON, _json_with("code", 7)),
    Ambiguous("code is true", JSON, _json_with("code", True)),
    Ambiguous("code is null", JSON, _json_with("code", None)),
    Ambiguous("secret is a number", JSON, _json_with("client_secret", 0)),
    Ambiguous("a number beside", JSON, _json_with("expires_in", 60)),
    Ambiguous("NaN", JSON, lambda form: _json(form)[:-1] + b', "x": NaN}'),
    Ambiguous("Infinity", JSON, lambda form: _json(form)[:-1] + b', "x": -Infinity}'),
    Ambiguous("1e999", JSON, lambda form: _json(form)[:-1] + b', "x": 1e999}'),
    Ambiguous("a number of many digits", JSON, lambda form: b'{"x": ' + b"9" * 9000 + b"}"),
    Ambiguous("deep", JSON, lambda form: b'{"x": ' + b"[" * 4000 + b"]" * 4000 + b"}"),
    Ambiguous("deep and open", JSON, lambda form: b"[" * 16_000),
    Ambiguous("comma at the end", JSON, lambda form: _json(form)[:-1] + b",}"),
    Ambiguous("comment", JSON, lambda form: b"/**/" + _json(form)),
    Ambiguous("single quotes", JSON, lambda form: str(dict(form)).encode()),
    Ambiguous("cut", JSON, lambda form: _json(form)[:-1]),
    Ambiguous("NUL behind", JSON, lambda form: _json(form) + b"\x00"),
    Ambiguous("lone surrogate", JSON, lambda form: _json(form)[:-1] + b', "x": "\\ud800"}'),
    Ambiguous(
        "secret of a lone surrogate",
        JSON,
        lambda form: b'{"client_id": "web-application", "client_secret": "\\udfff"}',
    ),
    # Other encodings.
    Ambiguous("JSON with BOM", JSON, lambda form: b"\xef\xbb\xbf" + _json(form)),
    Ambiguous("JSON in UTF-16", JSON, lambda form: _json(form).decode().encode("utf-16")),
    Ambiguous(
        "JSON in UTF-16, and called so",
        f"{JSON}; charset=utf-16",
        lambda form: _json(form).decode().encode("utf-16"),
    ),
    Ambiguous("JSON in UTF-32", JSON, lambda form: _json(form).decode().encode("utf-32-le")),
    Ambiguous("JSON not UTF-8", JSON, lambda form: _json(form)[:-1] + b', "x": "\xff"}'),
    Ambiguous("form not UTF-8", FORM, lambda form: _encoded(form) + b"&x=%ff"),
    Ambiguous("form of raw bytes", FORM, lambda form: _encoded(form) + b"&x=\xff"),
    Ambiguous("form with a broken percent", FORM, lambda form: _encoded(form) + b"&x=%4"),
    Ambiguous("form with NUL", FORM, lambda form: _encoded(form) + b"&x=%00"),
    Ambiguous("form with a line break", FORM, lambda form: _encoded(form) + b"\r\n"),
    Ambiguous("form with a nameless value", FORM, lambda form: _encoded(form) + b"&=x"),
    # Size.
    Ambiguous("form too long", FORM, lambda form: _encoded(form) + b"&x=" + b"y" * 16_384),
    Ambiguous("JSON too long", JSON, lambda form: _json({**form, "x": "y" * 16_384})),
    Ambiguous("spaces before JSON", JSON, lambda form: b" " * 16_384 + _json(form)),
    Ambiguous("very many parameters", FORM, lambda form: _encoded(form) + b"&a" * 9000),
    # Parameters in the URL.
    *(
        Ambiguous(f"in the address: {address[1:20]}", FORM, _encoded, address=address)
        for address in (
            "?x=y",
            "?code=x",
            "?grant_type=authorization_code",
            "?client_secret=x",
            "?=",
        )
    ),
    Ambiguous(
        "all in the address", FORM, lambda form: b"", address="?grant_type=authorization_code"
    ),
)
"""A valid code request in an ambiguous or unreadable encoding."""
