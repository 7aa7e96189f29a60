"""The guard as a client sees it: accepted requests, refused requests, and the refusals."""

import json
import logging
import re
from typing import Any

import pytest

from asgi_bearer import (
    BearerMiddleware,
    InsufficientScope,
    InvalidTokenError,
    KeysUnavailable,
    Presented,
    Principal,
)
from asgi_bearer.caller import ANONYMOUS
from asgi_bearer.errors import AccessTokenError, ClaimRuleFailed
from asgi_bearer.testing import FakeIssuer, signing_key
from asgi_bearer.testing.signing import compact
from tests.support.asgi import (
    RecordingApplication,
    bearer,
    bearer_fields,
    challenge_parameters,
    client,
    converse,
    http_scope,
)

issuer = FakeIssuer()
guarded = issuer.guard


class FixedVerifier:
    """A verifier that always raises, or returns, the same."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    async def verify(self, presented: Presented) -> Principal:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        principal: Principal = self.outcome
        return principal


def never(principal: Principal) -> bool:
    return False


def parameters(challenge: str) -> dict[str, str]:
    """Return the parameters of one Bearer challenge; fail if one is repeated."""
    found = challenge_parameters(challenge)
    assert len(dict(found)) == len(found)
    return dict(found)


REFUSALS = [
    pytest.param({}, 401, None, id="no credentials"),
    pytest.param({"authorization": "Basic dTpw"}, 401, None, id="another scheme"),
    pytest.param({"authorization": "Bearer"}, 400, "invalid_request", id="no token"),
    pytest.param({"authorization": "Bearer a b"}, 400, "invalid_request", id="grammar"),
    pytest.param(bearer("x"), 401, "invalid_token", id="garbage"),
    pytest.param(bearer("A" * 65_536), 401, "invalid_token", id="oversized"),
    pytest.param(bearer(issuer.token(exp=1)), 401, "invalid_token", id="expired"),
    pytest.param(
        bearer(issuer.token(scope="openid")), 403, "insufficient_scope", id="too little scope"
    ),
]


@pytest.mark.conforms(
    "every 401 carries a WWW-Authenticate challenge",
    "a challenge has at least one parameter",
    "no parameter of a challenge appears twice",
    "without credentials the challenge carries no error code",
    "a malformed request is 400 invalid_request",
    "a token that does not verify is 401 invalid_token",
    "a token with too little scope is 403 insufficient_scope",
    "every refusal has an application/problem+json body of fixed text",
    "no shared cache stores an answer to an authorized request",
)
@pytest.mark.parametrize(("headers", "status", "error"), REFUSALS)
async def test_a_refusal_has_a_status_a_challenge_and_a_problem_body(
    headers: dict[str, str], status: int, error: str | None
) -> None:
    app = guarded(scopes="read:contacts", realm="contacts")

    response = await client(app).get("/contacts", headers=headers)

    assert response.status_code == status
    challenge = parameters(response.headers["www-authenticate"])
    assert challenge["realm"] == "contacts"
    assert challenge.get("error") == error
    assert ("error_description" in challenge) == (error is not None)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem = response.json()
    assert problem["status"] == status
    assert problem.get("error") == error
    assert set(problem) - {"error"} == {"type", "title", "status", "detail"}


@pytest.mark.conforms("the client sends the token in the Authorization header, scheme Bearer")
async def test_the_principal_of_a_valid_token_reaches_the_application_as_user_and_auth() -> None:
    app = RecordingApplication()

    response = await client(guarded(app=app, scopes={"read:contacts"})).get(
        "/contacts", headers=bearer(issuer.token())
    )

    assert response.text == "contacts"
    (scope,) = app.scopes
    assert scope["user"] is scope["auth"]
    assert scope["user"].subject == "alice"


@pytest.mark.conforms("the scheme name is compared without case")
@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
async def test_the_scheme_is_compared_without_case(scheme: str) -> None:
    response = await client(guarded()).get(
        "/", headers={"authorization": f"{scheme} {issuer.token()}"}
    )

    assert response.status_code == 200


@pytest.mark.conforms("two Authorization headers are 400")
async def test_two_authorization_headers_are_refused_even_if_one_is_valid() -> None:
    fields = [("authorization", f"Bearer {issuer.token()}"), ("authorization", "Basic dTpw")]

    response = await client(guarded()).get("/", headers=fields)

    assert response.status_code == 400


@pytest.mark.conforms(
    "a token in the query beside the header is ignored",
    "a token in the query alone counts as no credentials",
    "a token in the query is never read, and no setting changes that",
    "a token in a form body is never read, and no setting changes that",
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_token_in_the_query_or_a_form_is_never_read(method: str) -> None:
    """The request counts as one without credentials."""
    token = issuer.token()
    form = {"access_token": token} if method == "POST" else None

    response = await client(guarded()).request(method, f"/?access_token={token}", data=form)

    assert response.status_code == 401
    assert "error" not in parameters(response.headers["www-authenticate"])


@pytest.mark.conforms("a token in the query beside the header is ignored")
async def test_a_token_in_the_query_beside_one_in_the_header_is_ignored() -> None:
    """RFC 6750 §2 asks for 400; this library never reads the query."""
    response = await client(guarded()).get("/?access_token=x", headers=bearer(issuer.token()))

    assert response.status_code == 200


@pytest.mark.conforms("each request needs its own token; a connection carries none over")
async def test_a_second_request_on_a_connection_needs_its_own_token() -> None:
    async with client(guarded()) as connection:
        first = await connection.get("/", headers=bearer(issuer.token()))
        second = await connection.get("/")

    assert (first.status_code, second.status_code) == (200, 401)


@pytest.mark.conforms(
    "a token with too little scope is 403 insufficient_scope",
    "a 403 names every scope that the endpoint needs",
)
async def test_insufficient_scope_names_every_scope_that_the_endpoint_needs() -> None:
    """The scope that the token has is named as well."""
    app = guarded(scopes=["write:contacts", "read:contacts"])

    response = await client(app).get("/", headers=bearer(issuer.token()))

    assert response.status_code == 403
    assert parameters(response.headers["www-authenticate"])["scope"] == (
        "write:contacts read:contacts"
    )


@pytest.mark.conforms("a verified token is cached until it or its key ends, as a digest, bounded")
async def test_a_cached_token_is_checked_like_a_new_one_in_all_other_respects() -> None:
    """Scopes, rules and the grammar of the header are checked for each request."""
    allowed = True

    def is_allowed(_: Principal) -> bool:
        return allowed

    verifier = issuer.verifier(rules={"allowed": is_allowed})
    reader = guarded(verifier=verifier, scopes="read:contacts")
    writer = guarded(verifier=verifier, scopes="write:contacts")
    headers = bearer(issuer.token())

    assert (await client(reader).get("/", headers=headers)).status_code == 200
    assert (await client(writer).get("/", headers=headers)).status_code == 403
    twice = [*headers.items(), *headers.items()]
    assert (await client(reader).get("/", headers=twice)).status_code == 400
    allowed = False
    assert (await client(reader).get("/", headers=headers)).status_code == 403


@pytest.mark.conforms("a claim rule that fails is 403 with a challenge")
async def test_a_failed_claim_rule_is_403_with_a_challenge_without_scope() -> None:
    """RFC 6750 §3: each response to a token that does not enable access has the header."""
    verifier = issuer.verifier(rules={"tenant": never})

    response = await client(guarded(verifier=verifier)).get("/", headers=bearer(issuer.token()))

    assert response.status_code == 403
    assert response.headers["www-authenticate"] == (
        'Bearer realm="api", error="insufficient_scope",'
        ' error_description="The access token does not permit this request."'
    )
    assert response.json()["error"] == "insufficient_scope"


@pytest.mark.conforms(
    "without keys the answer is 503 with Retry-After and no challenge",
    "a nonsense answer instead of keys is 503",
)
async def test_a_token_that_cannot_be_verified_now_is_503_with_retry_after_and_no_challenge() -> (
    None
):
    app = guarded(verifier=FixedVerifier(KeysUnavailable("issuer down", retry_after=3.2)))

    response = await client(app).get("/", headers=bearer("x"))

    assert response.status_code == 503
    assert response.headers["retry-after"] == "4"
    assert response.headers["access-control-expose-headers"] == "Retry-After"
    assert "www-authenticate" not in response.headers
    assert "error" not in response.json()


async def test_a_verifier_that_fails_is_503_and_its_message_is_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    app = guarded(verifier=FixedVerifier(RuntimeError("token was s3cret")))

    response = await client(app).get("/", headers=bearer("s3cret"))

    assert response.status_code == 503
    assert "s3cret" not in response.text + caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.conforms("forged tokens get the same answer, whatever is wrong with them")
async def test_responses_to_forged_tokens_are_the_same_for_every_fault() -> None:
    """Signature, key id, audience and issuer."""
    other = signing_key(number=7)
    forged = [
        compact(issuer.header(), issuer.claims(), other),
        issuer.token_with_header(kid="unknown"),
        issuer.token(aud="https://other.example"),
        issuer.token(iss="https://evil.example/"),
    ]

    responses = [await client(guarded()).get("/", headers=bearer(token)) for token in forged]

    seen = {(r.status_code, tuple(r.headers.items()), r.content) for r in responses}
    assert len(seen) == 1


@pytest.mark.conforms("HEAD is checked like GET and answered without a body")
async def test_a_refusal_of_head_is_like_that_of_get_but_without_a_body() -> None:
    # httpx is not used here: it drops the body of a response to HEAD.
    get = await converse(guarded(), http_scope())
    head = await converse(guarded(), http_scope(method="HEAD"))

    assert head[0] == get[0]
    assert (get[1]["body"] != b"", head[1]["body"]) == (True, b"")


@pytest.mark.conforms("no shared cache stores an answer to an authorized request")
@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param([], "private", id="none set"),
        pytest.param([(b"Cache-Control", b"no-cache")], "no-cache", id="set by the application"),
    ],
)
async def test_a_response_is_private_unless_the_application_sets_cache_control(
    own: list[tuple[bytes, bytes]], expected: str
) -> None:
    response = await client(guarded(app=RecordingApplication(own))).get(
        "/", headers=bearer(issuer.token())
    )

    assert response.headers.get_list("cache-control") == [expected]


@pytest.mark.conforms("where requests may be anonymous, the answer varies by Authorization")
async def test_with_optional_authentication_the_response_varies_by_authorization() -> None:
    """In addition to the headers that the application varies by."""
    app = guarded(app=RecordingApplication([(b"vary", b"Accept")]), optional=True)

    response = await client(app).get("/")

    assert response.status_code == 200
    assert response.headers["vary"] == "Accept, Authorization"


@pytest.mark.conforms("with optional authentication a bad token is still 401")
async def test_with_optional_authentication_a_request_without_credentials_is_anonymous() -> None:
    app = RecordingApplication()

    await client(guarded(app=app, optional=True)).get("/")

    (scope,) = app.scopes
    assert not scope["user"].is_authenticated
    assert scope["auth"].scopes == frozenset()


@pytest.mark.conforms("with optional authentication a bad token is still 401")
@pytest.mark.parametrize(("credentials", "status"), [("Bearer x", 401), ("Bearer", 400)])
async def test_with_optional_authentication_bad_credentials_are_refused(
    credentials: str, status: int
) -> None:
    response = await client(guarded(optional=True)).get("/", headers={"authorization": credentials})

    assert response.status_code == status


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
@pytest.mark.parametrize(
    "kind",
    [
        *("", "whatever", "HTTP", "http2", "http ", "http\n", "websocket ", "WebSocket"),
        *("webtransport", "Lifespan", "lifespan.startup", b"http", None, 7, ["http"]),
    ],
    ids=repr,
)
async def test_an_unknown_scope_type_is_not_served(kind: object) -> None:
    """Only the lifespan passes without a token."""
    app = RecordingApplication()

    with pytest.raises(RuntimeError, match=r"the ASGI scope type .* is not supported"):
        await converse(guarded(app=app), {**http_scope(), "type": kind})

    assert app.scopes == []


async def test_a_scope_without_a_type_is_not_served() -> None:
    scope = http_scope(headers=bearer_fields(issuer.token()))
    del scope["type"]
    app = RecordingApplication()

    with pytest.raises(RuntimeError, match="the ASGI scope type None is not supported"):
        await converse(guarded(app=app), scope)

    assert app.scopes == []


@pytest.mark.conforms("quoted strings in a challenge are escaped")
async def test_a_realm_with_quotes_and_backslashes_is_escaped() -> None:
    response = await client(guarded(realm='a"b\\c')).get("/")

    assert parameters(response.headers["www-authenticate"])["realm"] == 'a"b\\c'


@pytest.mark.conforms("no token appears in a log, a body or an exception")
@pytest.mark.parametrize(("headers", "status", "error"), REFUSALS)
async def test_a_refusal_is_logged_in_one_line_with_its_code_and_without_the_token(
    headers: dict[str, str], status: int, error: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="asgi_bearer")

    response = await client(guarded(scopes="read:contacts")).get("/", headers=headers)

    # The key source logs on its own that it fetched keys.
    (record,) = [record for record in caplog.records if record.name == "asgi_bearer"]
    assert re.match(r"refused GET /: [a-z_]+: ", record.getMessage())
    for secret in headers.get("authorization", "").split(" ")[-1].split("."):
        if len(secret) > 8:
            output = caplog.text + response.text + json.dumps(dict(response.headers))
            assert secret not in output


@pytest.mark.parametrize("refusal", [KeysUnavailable("x"), ClaimRuleFailed("x")])
async def test_an_applications_own_verifier_raises_the_same_refusals(
    refusal: AccessTokenError,
) -> None:
    response = await client(guarded(verifier=FixedVerifier(refusal))).get("/", headers=bearer("x"))

    assert response.status_code == refusal.status
    assert response.json()["detail"] == refusal.sentence


@pytest.mark.parametrize("answer", [None, True, "alice", ANONYMOUS], ids=repr)
async def test_a_verifier_that_returns_no_principal_is_503(answer: object) -> None:
    response = await client(guarded(verifier=FixedVerifier(answer))).get("/", headers=bearer("x"))

    assert response.status_code == 503


@pytest.mark.parametrize("entry", [(b"x", b"y", b"z"), (b"x",), None], ids=repr)
async def test_an_invalid_header_entry_is_503(entry: object) -> None:
    """An unknown failure refuses the request."""
    app = RecordingApplication()
    scope = http_scope(headers=bearer(issuer.token()))
    scope["headers"] = [entry, *scope["headers"]]

    sent = await converse(guarded(app=app), scope)

    assert sent[0]["status"] == 503
    assert app.scopes == []


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e9])
async def test_an_invalid_retry_after_becomes_one_second(seconds: float) -> None:
    app = guarded(verifier=FixedVerifier(KeysUnavailable("x", retry_after=seconds)))

    response = await client(app).get("/", headers=bearer("x"))

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("scopes", "named"),
    [(("a", "\r\nx: y", 'b"', "é", "c"), "a c"), (("é",), None), ((), None)],
    ids=["some", "none good", "none"],
)
async def test_only_valid_scope_names_of_an_applications_refusal_reach_the_challenge(
    scopes: tuple[str, ...], named: str | None
) -> None:
    app = guarded(verifier=FixedVerifier(InsufficientScope(scopes)))

    response = await client(app).get("/", headers=bearer("x"))

    assert parameters(response.headers["www-authenticate"]).get("scope") == named


async def test_headers_in_an_iterator_reach_the_application_as_a_list() -> None:
    """ASGI promises an iterable, not a list."""
    app = RecordingApplication()
    fields = [*bearer_fields(issuer.token()), (b"x-request", b"1")]

    sent = await converse(guarded(app=app), http_scope(method="OPTIONS", headers=iter(fields)))

    assert sent[0]["status"] == 200
    assert app.scopes[0]["headers"] == fields


async def test_the_inner_one_of_two_guards_decides() -> None:
    app = RecordingApplication()
    inner = BearerMiddleware(app, verifier=issuer.verifier(), realm="inner")
    outer = BearerMiddleware(inner, verifier=issuer.verifier(), realm="outer", public="/")

    refused = await client(outer).get("/")
    await client(outer).get("/", headers=bearer(issuer.token()))

    assert parameters(refused.headers["www-authenticate"])["realm"] == "inner"
    assert app.scopes[0]["asgi_bearer.realm"] == "inner"
    assert app.scopes[0]["user"].subject == "alice"


@pytest.mark.parametrize("name", [b"Authorization", b"AUTHORIZATION", b"authorizatioN"], ids=repr)
@pytest.mark.parametrize("optional", [False, True])
async def test_an_authorization_header_that_is_not_in_lower_case_is_refused(
    name: bytes, optional: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """ASGI requires lower case, and an application would not find the header."""
    caplog.set_level(logging.INFO, logger="asgi_bearer")
    app = RecordingApplication()
    hidden = (name, f"Bearer {issuer.token()}".encode())

    for headers in ([hidden], [(b"authorization", b"Basic dTpw"), hidden]):
        sent = await converse(guarded(app=app, optional=optional), http_scope(headers=headers))

        assert (sent[0]["status"], app.scopes) == (401, [])
    assert caplog.text.count("lower case") == 2


@pytest.mark.parametrize("headers", [None, 7, "authorization", [(b"origin",)]], ids=repr)
@pytest.mark.parametrize("arguments", [{}, {"optional": True}, {"preflight": True}], ids=repr)
async def test_headers_that_are_not_a_list_of_pairs_are_503(
    headers: object, arguments: dict[str, bool]
) -> None:
    app = RecordingApplication()
    scope = http_scope(method="OPTIONS", headers=headers)

    sent = await converse(guarded(app=app, **arguments), scope)

    assert (sent[0]["status"], app.scopes) == (503, [])


async def test_a_scope_without_headers_is_503() -> None:
    app, scope = RecordingApplication(), http_scope()
    del scope["headers"]

    sent = await converse(guarded(app=app, optional=True), scope)

    assert (sent[0]["status"], app.scopes) == (503, [])


async def test_only_the_response_start_is_changed_if_the_application_sends_trailers() -> None:
    messages = [
        {"type": "http.response.start", "status": 200, "headers": (), "trailers": True},
        {"type": "http.response.body", "body": b"", "more_body": False},
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": False},
    ]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    scope = http_scope(headers=bearer_fields(issuer.token()))

    sent = await converse(guarded(app=app), scope)

    assert sent == [{**messages[0], "headers": [(b"cache-control", b"private")]}, *messages[1:]]


@pytest.mark.parametrize("reason", ["line\nrefused GET /x: good", "\x1b[2J", "caf\u00e9 \u2028"])
async def test_the_reason_of_an_applications_verifier_is_logged_in_one_line(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason may quote what the client sent."""
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await client(guarded(verifier=FixedVerifier(InvalidTokenError(reason)))).get(
        "/", headers=bearer("x")
    )

    (message,) = caplog.messages
    assert message.startswith("refused GET /: invalid_token: ")
    assert message.isascii()
    assert message.isprintable()
