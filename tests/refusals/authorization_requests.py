"""Authorization requests that are refused, each with its error and where the error is sent."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from tests.support.authorization_server.front_channel import AUDIENCE, CALLBACK, CHALLENGE, query

PUBLIC_CALLBACK = "http://localhost:8081/callback"

SCRIPT_INJECTION = "\"><script>alert('x')</script>&error=none#code=x"


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A request that gets an error page and no redirect.

    Arguments:
        named: a text on the page, usually the parameter.
    """

    case: str
    query: str
    named: str


@dataclass(frozen=True, slots=True)
class ClientError:
    """A request whose error is sent to the client.

    Arguments:
        state: the state that is sent back.
    """

    case: str
    query: str
    error: str
    place: Literal["query", "fragment", "form_post"] = "fragment"
    state: str | None = "a state"
    redirect_uri: str = CALLBACK


def _public(**changes: str | None) -> str:
    return query(client_id="single-page", redirect_uri=PUBLIC_CALLBACK, **changes)


def _code(**changes: str | None) -> str:
    return query(response_type="code", **changes)


FOREIGN_REDIRECT_URIS: Sequence[str] = (
    # Other addresses that a careless comparison accepts.
    "https://evil.example/callback",
    "//evil.example/callback",
    "///evil.example/callback",
    "/\\evil.example/callback",
    "\\\\evil.example\\callback",
    "http:evil.example",
    "http:/evil.example",
    "http:///evil.example",
    "http://evil.example\\@localhost:8080/callback",
    "http://localhost:8080\\@evil.example/callback",
    "http://localhost:8080\\.evil.example/callback",
    "http://localhost:8080@evil.example/callback",
    "http://localhost:8080%40evil.example/callback",
    "http://localhost:8080.evil.example/callback",
    "http://localhost:8080%2eevil.example/callback",
    "http://evil.example/http://localhost:8080/callback",
    "http://evil.example?http://localhost:8080/callback",
    "http://evil.example#http://localhost:8080/callback",
    "http://evil.example;http://localhost:8080/callback",
    f"{CALLBACK},https://evil.example/",
    f"{CALLBACK} https://evil.example/",
    # Userinfo, port, scheme, host.
    "http://user@localhost:8080/callback",
    "http://user:password@localhost:8080/callback",
    "http://@localhost:8080/callback",
    "http://localhost:8081/callback",
    "http://localhost:08080/callback",
    "http://localhost:8080:80/callback",
    "http://localhost:/callback",
    "http://localhost/callback",
    "https://localhost:8080/callback",
    "ftp://localhost:8080/callback",
    "HTTP://localhost:8080/callback",
    "http://LOCALHOST:8080/callback",
    "http://localhost.:8080/callback",
    "http://www.localhost:8080/callback",
    "http://127.0.0.1:8080/callback",
    "http://2130706433:8080/callback",
    "http://[::1]:8080/callback",
    "http://*:8080/callback",
    "*",
    # Characters that look alike.
    "http://l\u03bfcalhost:8080/callback",
    "http://\u24dbocalhost:8080/callback",
    "http://localhost\uff1a8080/callback",
    "http://localhost:8080\uff0fcallback",
    "http://local\u00adhost:8080/callback",
    "http://localhost:8080/callback\u200b",
    "\ufeffhttp://localhost:8080/callback",
    "\u202ehttp://localhost:8080/callback",
    # Percent-encoding in addition to that of the query.
    "http%3A%2F%2Flocalhost%3A8080%2Fcallback",
    "http://localhost:8080%2fcallback",
    "http://localhost:8080/%63allback",
    "http://localhost:8080/callback%2f",
    "http://localhost:8080/callback%23code",
    "http://localhost:8080/callback%00",
    "http://localhost:8080/callback%0d%0aSet-Cookie:x=y",
    # Path.
    "http://localhost:8080/callback/",
    "http://localhost:8080/callback/more",
    "http://localhost:8080//callback",
    "http://localhost:8080/callback;x",
    "http://localhost:8080/Callback",
    "http://localhost:8080/callbac",
    "http://localhost:8080/callback2",
    "http://localhost:8080/callback/../callback",
    "http://localhost:8080/./callback",
    "http://localhost:8080/callback/..",
    "http://localhost:8080/callback/%2e%2e/evil",
    "http://localhost:8080/callback/..;/evil",
    "http://localhost:8080/callback\\..\\evil",
    # Query and fragment.
    f"{CALLBACK}?",
    f"{CALLBACK}?next=https://evil.example/",
    f"{CALLBACK}&next=https://evil.example/",
    f"{CALLBACK}#",
    f"{CALLBACK}#fragment",
    f"{CALLBACK}#access_token=x",
    f"{CALLBACK}?#",
    # URIs that are not web addresses.
    "javascript:alert(1)//http://localhost:8080/callback",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "about:blank",
    "urn:ietf:wg:oauth:2.0:oob",
    "callback",
    "/callback",
    "null",
    # Spaces, and length.
    f" {CALLBACK}",
    f"{CALLBACK} ",
    f"{CALLBACK}/{'a' * 8000}",
    # Registered for another purpose or another client.
    "http://localhost:8080/",
    PUBLIC_CALLBACK,
    "com.example.contacts:/callback",
)

CONTROL_CHARACTERS = {
    "NUL": "%00",
    "tab": "%09",
    "line feed": "%0a",
    "CRLF and a header": "%0d%0aLocation:%20https://evil.example/",
    "next line": "%c2%85",
    "DEL": "%7f",
}

_ENCODED_CALLBACK = quote(CALLBACK, safe="")
_WITHOUT_REDIRECT_URI = query(redirect_uri=None)
_WITHOUT_CLIENT = query(client_id=None)
_EVIL = quote("https://evil.example/", safe="")

ERROR_PAGES: Sequence[ErrorPage] = (
    *(
        ErrorPage(f"address {number}: {ascii(uri)[:60]}", query(redirect_uri=uri), "redirect_uri")
        for number, uri in enumerate(FOREIGN_REDIRECT_URIS)
    ),
    *(
        ErrorPage(
            f"address with {name}",
            f"{_WITHOUT_REDIRECT_URI}&redirect_uri={_ENCODED_CALLBACK}{encoded}",
            "redirect_uri",
        )
        for name, encoded in CONTROL_CHARACTERS.items()
    ),
    *(
        ErrorPage(
            f"client with {name}",
            f"{_WITHOUT_CLIENT}&client_id=web-application{encoded}",
            "client_id",
        )
        for name, encoded in CONTROL_CHARACTERS.items()
    ),
    *(
        ErrorPage(f"address: {case}", f"{_WITHOUT_REDIRECT_URI}&{encoded}", "redirect_uri")
        for case, encoded in {
            "missing": "",
            "empty": "redirect_uri=",
            "no value": "redirect_uri",
            "twice the same": f"redirect_uri={_ENCODED_CALLBACK}&redirect_uri={_ENCODED_CALLBACK}",
            "ours, then another": f"redirect_uri={_ENCODED_CALLBACK}&redirect_uri={_EVIL}",
            "another, then ours": f"redirect_uri={_EVIL}&redirect_uri={_ENCODED_CALLBACK}",
            "ours, then empty": f"redirect_uri={_ENCODED_CALLBACK}&redirect_uri=",
            "empty, then ours": f"redirect_uri=&redirect_uri={_ENCODED_CALLBACK}",
            "ours, then encoded name": f"redirect_uri={_ENCODED_CALLBACK}&redirect%5Furi={_EVIL}",
            "array": f"redirect_uri[]={_ENCODED_CALLBACK}",
            "encoded array": f"redirect_uri%5B%5D={_ENCODED_CALLBACK}",
            "numbered array": f"redirect_uri[0]={_ENCODED_CALLBACK}&redirect_uri[1]={_EVIL}",
            "name in capitals": f"Redirect_URI={_ENCODED_CALLBACK}",
            "name with a space": f"redirect_uri+={_ENCODED_CALLBACK}",
            "semicolon between": f"redirect_uri={_ENCODED_CALLBACK};redirect_uri={_EVIL}",
            "encoded twice": f"redirect_uri={quote(_ENCODED_CALLBACK, safe='')}",
            "half a percent sign": f"redirect_uri={_ENCODED_CALLBACK}%2",
            "broken percent sign": f"redirect_uri={_ENCODED_CALLBACK}%zz",
            "overlong slash": "redirect_uri=http:%c0%af%c0%aflocalhost:8080/callback",
            "not UTF-8": f"redirect_uri={_ENCODED_CALLBACK}%ff",
        }.items()
    ),
    *(
        ErrorPage(f"client: {case}", f"{_WITHOUT_CLIENT}&{encoded}", "client_id")
        for case, encoded in {
            "missing": "",
            "empty": "client_id=",
            "unknown": "client_id=somebody",
            "in capitals": "client_id=WEB-APPLICATION",
            "space behind": "client_id=web-application%20",
            "look-alike": "client_id=w%d0%b5b-application",
            "twice the same": "client_id=web-application&client_id=web-application",
            "two clients": "client_id=web-application&client_id=single-page",
            "array": "client_id[]=web-application",
            "HTML": f"client_id={quote(SCRIPT_INJECTION)}",
            "SQL": "client_id=web-application%27%20OR%201=1--",
            "template": "client_id={{7*7}}",
            "very long": f"client_id={'x' * 9000}",
            "not UTF-8": "client_id=%ff",
        }.items()
    ),
    ErrorPage("nothing at all", "", "client_id"),
    ErrorPage("no parameters, but signs", "&&&=&==&", "client_id"),
    ErrorPage("a client of machines only", query(client_id="command-line"), "redirect_uri"),
    ErrorPage("the address of another client", query(client_id="single-page"), "redirect_uri"),
    ErrorPage(
        "another address, told to be posted to",
        query(redirect_uri="https://evil.example/", response_mode="form_post"),
        "redirect_uri",
    ),
    ErrorPage(
        "another address, with no interaction",
        query(redirect_uri="https://evil.example/", prompt="none"),
        "redirect_uri",
    ),
    ErrorPage(
        "another address, and an unknown scope and type",
        query(redirect_uri="https://evil.example/", scope="x", response_type="x"),
        "redirect_uri",
    ),
    ErrorPage(
        "another address inside a request object",
        query(redirect_uri=None, request_uri="https://evil.example/request"),
        "redirect_uri",
    ),
    ErrorPage("too long", f"{query()}&more={'x' * 16_384}", "longer than"),
    ErrorPage("very many parameters", f"{query()}{'&a=b' * 5000}", "longer than"),
)


def _hint(header: str, signature: str = "eA") -> str:
    encoded = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    return f"{encoded}.e30.{signature}"


_STATELESS = query(state=None)
_PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

CLIENT_ERRORS: Sequence[ClientError] = (
    # Repeated and malformed parameters.
    *(
        ClientError(f"{name} twice", f"{query()}&{name}=x&{name}=x", "invalid_request")
        for name in ("audience", "nonce", "prompt", "max_age", "login_hint", "id_token_hint")
    ),
    ClientError(
        "scope twice, the same", f"{query()}&scope=openid%20read:contacts", "invalid_request"
    ),
    ClientError("response_type twice", f"{query()}&response_type=code", "invalid_request"),
    ClientError(
        "response_mode twice, form_post first",
        f"{query()}&response_mode=form_post&response_mode=query",
        "invalid_request",
    ),
    ClientError(
        "challenge twice", f"{query(**_PKCE)}&code_challenge={CHALLENGE}", "invalid_request"
    ),
    ClientError("nonce twice, once empty", f"{query()}&nonce=", "invalid_request"),
    ClientError("nonce twice, once encoded", f"{query()}&%6eonce=another", "invalid_request"),
    ClientError("two states", f"{query()}&state=another", "invalid_request", state=None),
    ClientError("one state twice", f"{query()}&state=a%20state", "invalid_request", state=None),
    ClientError("a name that is not UTF-8", f"{query()}&%ff=x", "invalid_request"),
    ClientError("an unknown parameter that is not UTF-8", f"{query()}&x=%ff", "invalid_request"),
    ClientError("a surrogate", f"{query()}&login_hint=%ed%a0%80", "invalid_request"),
    ClientError("no name", f"{query()}&=x", "invalid_request"),
    ClientError("a NUL in the scope", f"{query(scope=None)}&scope=openid%00", "invalid_request"),
    # State and nonce.
    ClientError("state with CRLF", f"{_STATELESS}&state=a%0d%0aX:y", "invalid_request", state=None),
    ClientError("state with NUL", f"{_STATELESS}&state=a%00", "invalid_request", state=None),
    ClientError("state too long", query(state="s" * 2049), "invalid_request", state=None),
    ClientError("state not UTF-8", f"{_STATELESS}&state=%ff", "invalid_request", state=None),
    ClientError(
        "state of HTML",
        query(state=SCRIPT_INJECTION, scope="x"),
        "invalid_scope",
        state=SCRIPT_INJECTION,
    ),
    ClientError(
        "state of HTML, posted",
        query(state=SCRIPT_INJECTION, scope="x", response_mode="form_post"),
        "invalid_scope",
        "form_post",
        state=SCRIPT_INJECTION,
    ),
    ClientError(
        "state that looks like an answer",
        query(state="x&code=y#code=z", scope="x"),
        "invalid_scope",
        state="x&code=y#code=z",
    ),
    ClientError("no state", query(state=None, scope="x"), "invalid_scope", state=None),
    ClientError("no nonce", query(nonce=None), "invalid_request"),
    ClientError(
        "no nonce, three", query(nonce=None, response_type="code id_token token"), "invalid_request"
    ),
    ClientError("empty nonce", query(nonce=""), "invalid_request"),
    ClientError("nonce too long", query(nonce="n" * 2049), "invalid_request"),
    ClientError("nonce with a line break", f"{query(nonce=None)}&nonce=a%0ab", "invalid_request"),
    # Response type and response mode.
    ClientError("no response type", query(response_type=None), "invalid_request"),
    *(
        ClientError(
            f"response type {kind!a}", query(response_type=kind), "unsupported_response_type"
        )
        for kind in (
            "token",
            "id_token",
            "id_token token",
            "none",
            "code none",
            "code code",
            "code id_token code",
            "CODE",
            "Code id_token",
            "code,id_token",
            "code+id_token",
            "code%20id_token",
            "code  id_token",
            " code",
            "code ",
            " ",
            "password",
            "code id_token token x",
            "cod\u0435",
        )
    ),
    ClientError(
        "response type with a tab",
        f"{query(response_type=None)}&response_type=code%09id_token",
        "invalid_request",
    ),
    ClientError(
        "response type as an array",
        query(response_type=None) + "&response_type[]=code",
        "invalid_request",
    ),
    ClientError("hybrid in the query", query(response_mode="query"), "invalid_request"),
    ClientError(
        "token in the query",
        query(response_type="code token", response_mode="query"),
        "invalid_request",
    ),
    ClientError(
        "an error of a hybrid that wants the query",
        query(scope="x", response_mode="query"),
        "invalid_request",
    ),
    *(
        ClientError(f"response mode {mode!a}", query(response_mode=mode), "invalid_request")
        for mode in ("web_message", "query.jwt", "fragment.jwt", "Fragment", "form_post ", "none")
    ),
    ClientError("code, unknown mode", _code(response_mode="x"), "invalid_request", "query"),
    ClientError("code, error in the query", _code(scope="x"), "invalid_scope", "query"),
    ClientError(
        "code, error in the fragment",
        _code(scope="x", response_mode="fragment"),
        "invalid_scope",
        "fragment",
    ),
    ClientError(
        "code, error posted",
        _code(scope="x", response_mode="form_post"),
        "invalid_scope",
        "form_post",
    ),
    ClientError(
        "hybrid, error posted",
        query(scope="x", response_mode="form_post"),
        "invalid_scope",
        "form_post",
    ),
    ClientError(
        "no type, told to be posted",
        query(response_type=None, response_mode="form_post"),
        "invalid_request",
        "form_post",
    ),
    # Parameters that contain a request.
    ClientError("request", query(request="e30.e30."), "request_not_supported"),
    ClientError(
        "request_uri", query(request_uri="https://evil.example/"), "request_uri_not_supported"
    ),
    ClientError(
        "request_uri of a pushed one", query(request_uri="urn:x"), "request_uri_not_supported"
    ),
    ClientError("registration", query(registration="{}"), "registration_not_supported"),
    # Scope and audience.
    *(
        ClientError(f"scope {scope!a}", query(scope=scope), "invalid_scope")
        for scope in (
            "",
            "read:tests",
            "read:tests read:nothing",
            "openid  read:contacts",
            " openid",
            "openid ",
            "openid,read:contacts",
            'openid"',
            "openid\\",
            "OPENID",
            "read:contact",
            "read:*",
            "*",
            "openid read:calendar",
            "\u043epenid",
            "https://contacts.example/salary",
            "x" * 9000,
        )
    ),
    ClientError("no scope", query(scope=None), "invalid_scope"),
    ClientError("scope of an API that is not named", query(audience=None), "invalid_scope"),
    ClientError("scope as an array", query(scope=None) + "&scope[]=openid", "invalid_scope"),
    ClientError(
        "nothing left of the scope",
        _code(audience=None, scope="offline_access"),
        "invalid_scope",
        "query",
    ),
    *(
        ClientError(f"audience {audience!a}", query(audience=audience), "invalid_target")
        for audience in (
            "https://api.example/",
            f"{AUDIENCE}/",
            f"{AUDIENCE} https://api.example/calendar",
            AUDIENCE.upper(),
            "http://api.example/contacts",
            "http://127.0.0.1:9000/userinfo",
            "web-application",
            "*",
        )
    ),
    # PKCE.
    ClientError("public, no challenge", _public(), "invalid_request", redirect_uri=PUBLIC_CALLBACK),
    ClientError(
        "public, empty challenge",
        _public(code_challenge="", code_challenge_method="S256"),
        "invalid_request",
        redirect_uri=PUBLIC_CALLBACK,
    ),
    ClientError(
        "public, plain",
        _public(code_challenge=CHALLENGE, code_challenge_method="plain"),
        "invalid_request",
        redirect_uri=PUBLIC_CALLBACK,
    ),
    ClientError(
        "public, no method",
        _public(code_challenge=CHALLENGE),
        "invalid_request",
        redirect_uri=PUBLIC_CALLBACK,
    ),
    *(
        ClientError(
            f"method {method!a}",
            query(code_challenge=CHALLENGE, code_challenge_method=method),
            "invalid_request",
        )
        for method in ("plain", "s256", "S512", "none", "S256 plain", "")
    ),
    ClientError("method alone", query(code_challenge_method="S256"), "invalid_request"),
    *(
        ClientError(
            f"challenge {challenge!a}"[:60],
            query(code_challenge=challenge, code_challenge_method="S256"),
            "invalid_request",
        )
        for challenge in (
            CHALLENGE[:-1],
            CHALLENGE + "A",
            CHALLENGE + "=",
            CHALLENGE.replace("-", "+"),
            "\uff21" * 43,
            "x",
            "x" * 9000,
        )
    ),
    # Prompt, max_age and id_token_hint.
    *(
        ClientError(f"prompt {prompt!a}", query(prompt=prompt), "invalid_request")
        for prompt in (
            "maybe",
            "none login",
            "consent none",
            "LOGIN",
            "login,consent",
            " ",
            "create",
        )
    ),
    *(
        ClientError(f"max_age {age!a}"[:60], query(max_age=age), "invalid_request")
        for age in (
            "-1",
            "1.5",
            "1e3",
            "NaN",
            "0x1",
            "1_0",
            "+1",
            " 1",
            "\u0661",
            "9" * 11,
            "9" * 9000,
        )
    ),
    *(
        ClientError(f"id_token_hint: {case}", query(id_token_hint=token), "invalid_request")
        for case, token in {
            "no token": "x",
            "dots": "..",
            "alg none": _hint('{"alg":"none"}', ""),
            "HMAC with an empty key": _hint('{"alg":"HS256"}'),
            "header that nests deep": _hint("[" * 8000),
            "header that is a number": _hint("9" * 5000),
            "header with NaN": _hint('{"alg":"RS256","kid":NaN}'),
            "header with a list for kid": _hint('{"alg":"RS256","kid":["x"]}'),
            "encrypted": "e30.e30.e30.e30.e30",
            "not ASCII": "\u00fc.\u00fc.\u00fc",
        }.items()
    ),
)

WITHOUT_A_SESSION: Sequence[ClientError] = (
    ClientError("no interaction", query(prompt="none"), "login_required"),
    ClientError("no interaction, code", _code(prompt="none"), "login_required", "query"),
    ClientError(
        "no interaction, posted",
        query(prompt="none", response_mode="form_post"),
        "login_required",
        "form_post",
    ),
    ClientError("a fault beside no interaction", query(prompt="none", scope="x"), "invalid_scope"),
)
"""The requests with prompt=none, for tests without a session."""
