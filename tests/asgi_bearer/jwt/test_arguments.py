"""The errors that an operator sees for a wrong verifier configuration."""

from typing import Any

import pytest

from asgi_bearer import ALGORITHMS, JWTVerifier, StaticKeys
from asgi_bearer.jwt.arguments import MAX_LEEWAY
from asgi_bearer.testing import AUDIENCE, ISSUER
from tests.refusals.rows import new_issuer

GOOD: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE}


@pytest.mark.conforms(
    "alg none is refused in any spelling",
    "an RSA public key never serves as an HMAC secret",
    "no symmetric algorithm can be configured",
)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"issuer": ""}, "issuer must be a URL", id="issuer empty"),
        pytest.param({"issuer": None}, "issuer must be a URL", id="issuer none"),
        pytest.param({"issuer": "issuer.example"}, "issuer must be an absolute", id="no scheme"),
        pytest.param({"issuer": "http://issuer.example/"}, "issuer must be https", id="http"),
        pytest.param({"issuer": "ftp://issuer.example/"}, "issuer must be https", id="ftp"),
        pytest.param({"issuer": "https:///x"}, "issuer must be an absolute", id="no host"),
        pytest.param(
            {"issuer": "https://a.example/?x"}, "issuer must not have a query", id="query"
        ),
        pytest.param({"issuer": "https://a.example/#x"}, "issuer must not have a fragment", id="#"),
        pytest.param({"issuer": "https://a.example/ "}, "issuer must be a URL without", id="space"),
        pytest.param({"issuer": "https://é.example/"}, "issuer must be a URL without", id="é"),
        pytest.param({"issuer": "https://a.example:x/"}, "issuer must be a URL with", id="port"),
        pytest.param(
            {"issuer": "https://me@a.example/"}, "issuer must not hold a user name", id="user name"
        ),
        pytest.param({"audience": ""}, "audience must be", id="audience empty"),
        pytest.param({"audience": []}, "audience must be", id="no audience"),
        pytest.param({"audience": None}, "audience must be", id="audience none"),
        pytest.param({"audience": ["a", ""]}, "audience must be", id="one audience empty"),
        pytest.param({"audience": [None]}, "audience must be", id="audience of none"),
        pytest.param({"audience": [7]}, "audience must be", id="audience a number"),
        pytest.param({"audience": b"api"}, "audience must be", id="audience bytes"),
        pytest.param({"jwks_uri": ""}, "jwks_uri must be a URL", id="jwks_uri empty"),
        pytest.param(
            {"jwks_uri": "http://a.example/"}, "jwks_uri must be https", id="jwks_uri http"
        ),
        pytest.param(
            {"jwks_uri": "https://a.example/", "keys": StaticKeys(new_issuer().jwks())},
            "jwks_uri cannot be combined with keys",
            id="two sources of keys",
        ),
        pytest.param(
            {"issuer": "a\nb", "keys": StaticKeys(new_issuer().jwks())},
            "issuer must not hold control characters",
            id="issuer with a newline",
        ),
        pytest.param(
            {"issuer": None, "keys": StaticKeys(new_issuer().jwks())},
            "issuer must be the string",
            id="issuer none, with keys",
        ),
        pytest.param({"audience_claim": ""}, "audience_claim must be", id="audience_claim empty"),
        pytest.param({"audience_claim": None}, "audience_claim must be", id="audience_claim none"),
        pytest.param(
            {"audience_claim": "client_id", "profile": "rfc9068"},
            "audience_claim must be aud in the profile rfc9068",
            id="audience_claim, strict profile",
        ),
        pytest.param({"scope_claims": ()}, "scope_claims must be", id="no scope_claims"),
        pytest.param({"scope_claims": ""}, "scope_claims must be", id="scope_claims empty"),
        pytest.param({"scope_claims": [()]}, "scope_claims must be", id="a path of no names"),
        pytest.param({"scope_claims": [("a", "")]}, "scope_claims must be", id="an empty name"),
        pytest.param({"scope_claims": [["a", "b"]]}, "scope_claims must be", id="a path as a list"),
        pytest.param({"scope_claims": [7]}, "scope_claims must be", id="scope_claims a number"),
        pytest.param(
            {"allow_http": ["a:99999"]},
            "allow_http: 'a:99999'",
            id="allow_http with a port that is too large",
        ),
        pytest.param({"allow_http": ["http://a"]}, "allow_http: 'http://a'", id="allow_http a URL"),
        pytest.param(
            {"allow_http": ["a"], "keys": StaticKeys(new_issuer().jwks())},
            "allow_http cannot be combined with keys",
            id="allow_http beside keys",
        ),
        *(
            # RFC 8725 §3.1: the setting must say which algorithm an RSA key without alg serves.
            pytest.param({"algorithms": names}, "algorithms must hold RS256", id=" or ".join(names))
            for names in (["RS384", "RS512"], ["PS256", "RS512", "ES256"], ["PS256", "PS384"])
        ),
        # RFC 8725 §3.2, RFC 8725 §3.1, RFC 7518 §3.2.
        pytest.param({"algorithms": ["none"]}, "algorithms must be some of", id="none"),
        pytest.param({"algorithms": ["HS256"]}, "algorithms must be some of", id="HS256"),
        pytest.param({"algorithms": ["RS256", "HS512"]}, "algorithms must be", id="HS512 as well"),
        pytest.param({"algorithms": ["rs256"]}, "algorithms must be some of", id="lower case"),
        pytest.param({"algorithms": []}, "algorithms must be some of", id="no algorithm"),
        pytest.param({"algorithms": None}, "algorithms must be some of", id="algorithms none"),
        pytest.param({"algorithms": "RS256"}, "algorithms must be some of", id="one string"),
        pytest.param({"profile": "strict"}, "profile must be one of jwt, rfc9068", id="profile"),
        pytest.param({"profile": ""}, "profile must be one of", id="profile empty"),
        pytest.param({"leeway": -1}, "leeway must be 0 to 300 seconds", id="leeway negative"),
        pytest.param({"leeway": 301}, "leeway must be 0 to 300 seconds", id="leeway too long"),
        pytest.param({"leeway": float("nan")}, "leeway must be", id="leeway NaN"),
        pytest.param({"leeway": float("inf")}, "leeway must be", id="leeway infinite"),
        pytest.param({"max_token_bytes": 0}, "max_token_bytes must be 1 to 65536", id="size 0"),
        pytest.param({"max_token_bytes": 65_537}, "max_token_bytes must be", id="size too large"),
        pytest.param(
            {"rules": {"tenant": True}}, "rules: 'tenant'", id="a rule that is not callable"
        ),
        pytest.param({"rules": {7: bool}}, "rules: 7", id="a rule without a name"),
        pytest.param({"rules": [bool]}, "rules must be", id="rules in a list"),
        pytest.param({"keys": {"keys": []}}, "keys must be a source", id="keys a document"),
        pytest.param({"keys": "-----BEGIN"}, "keys must be a source", id="keys a string"),
        pytest.param({"clock": 1.7e9}, "clock must be a function", id="clock a number"),
        pytest.param({"leeway": "30"}, "leeway must be 0 to 300", id="leeway a string"),
        pytest.param({"leeway": True}, "leeway must be 0 to 300", id="leeway true"),
        pytest.param({"max_token_bytes": "1"}, "max_token_bytes must be", id="size a string"),
        pytest.param({"max_token_bytes": 1.5}, "max_token_bytes must be", id="half a byte"),
        pytest.param({"audience": 7}, "audience must be", id="audience one number"),
        pytest.param({"audience": iter("a")}, "audience must be", id="audience an iterator"),
        pytest.param({"algorithms": 7}, "algorithms must be some of", id="algorithms a number"),
        pytest.param({"algorithms": [["RS256"]]}, "algorithms must be", id="algorithms nested"),
        pytest.param(
            {"algorithms": iter(["RS256"])}, "algorithms must be", id="algorithms an iterator"
        ),
        pytest.param({"profile": ["jwt"]}, "profile must be one of", id="profile a list"),
        pytest.param({"scope_claims": 7}, "scope_claims must be", id="scope_claims one number"),
        pytest.param(
            {"scope_claims": iter("a")}, "scope_claims must be", id="scope_claims an iterator"
        ),
        pytest.param({"allow_http": None}, "allow_http must be a collection", id="allow_http none"),
        pytest.param({"allow_http": [7]}, "allow_http: 'int' is not a host", id="allow_http [7]"),
    ],
)
def test_a_wrong_argument_is_named_when_the_verifier_is_made(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as error:
        JWTVerifier(**(GOOD | arguments))

    assert ";" not in str(error.value)


def test_all_wrong_arguments_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=";") as error:
        JWTVerifier(
            issuer="",
            audience="",
            jwks_uri="http://a.example/",
            algorithms=["none"],
            profile="x",
            leeway=-1,
            max_token_bytes=0,
        )

    names = [fault.split()[0] for fault in str(error.value).split("; ")]
    assert names == [
        "issuer",
        "jwks_uri",
        "audience",
        "profile",
        "algorithms",
        "leeway",
        "max_token_bytes",
    ]


@pytest.mark.conforms("no token appears in a log, a body or an exception")
@pytest.mark.parametrize("name", ["issuer", "jwks_uri"])
def test_a_password_in_a_url_is_not_shown_in_the_error(name: str) -> None:
    arguments: dict[str, Any] = GOOD | {name: "https://me:hunter2@issuer.example/keys"}

    with pytest.raises(ValueError, match=f"{name} must not hold a user name") as error:
        JWTVerifier(**arguments)

    assert "hunter2" not in str(error.value)
    assert "issuer.example/keys" in str(error.value)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="discovery"),
        pytest.param({"jwks_uri": "https://other.example/keys?x=y"}, id="jwks_uri elsewhere"),
        pytest.param({"issuer": "http://127.0.0.1:9000"}, id="http on loopback"),
        pytest.param({"issuer": "http://localhost:9000/"}, id="http on localhost"),
        pytest.param({"issuer": "http://[::1]:9000/"}, id="http on loopback, IPv6"),
        pytest.param({"audience": ("a", "b")}, id="two audiences"),
        pytest.param({"audience": "not a URL"}, id="an audience that is not a URL"),
        pytest.param({"algorithms": ALGORITHMS}, id="all algorithms"),
        pytest.param({"profile": "rfc9068"}, id="strict profile"),
        pytest.param({"leeway": 0}, id="no leeway"),
        pytest.param({"leeway": MAX_LEEWAY}, id="longest leeway"),
        pytest.param({"max_token_bytes": 65_536}, id="longest token"),
        pytest.param({"rules": {}}, id="no rules"),
        pytest.param({"algorithms": ["PS256", "ES256"]}, id="one RSA algorithm"),
        pytest.param({"algorithms": ["RS256", "PS256", "RS512"]}, id="RS256 among others"),
        pytest.param({"audience_claim": "client_id"}, id="Cognito"),
        pytest.param({"scope_claims": "permissions"}, id="one claim of scopes"),
        pytest.param({"scope_claims": [("realm_access", "roles")]}, id="a path to scopes"),
        pytest.param(
            {"issuer": "http://keycloak:8080/realms/x", "allow_http": {"keycloak:8080"}},
            id="http on an internal host",
        ),
        pytest.param(
            {"issuer": "kubernetes/serviceaccount", "keys": StaticKeys(new_issuer().jwks())},
            id="an issuer that is not a URL, with keys",
        ),
        pytest.param(
            {"issuer": "kubernetes/serviceaccount", "jwks_uri": "https://k8s.example/keys"},
            id="an issuer that is not a URL, with jwks_uri",
        ),
    ],
)
def test_a_valid_configuration_is_accepted_without_network_access(
    arguments: dict[str, Any],
) -> None:
    JWTVerifier(**(GOOD | arguments))
