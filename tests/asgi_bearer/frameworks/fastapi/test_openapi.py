"""The OpenAPI document of FastAPI with `BearerAuth`: schemes, scopes and refusals."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.openapi.models import OpenAPI

from asgi_bearer import JWTVerifier, Presented, Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import client

Json = dict[str, Any]

READS, WRITES = ["read:contacts"], ["write:contacts"]
REFUSALS = {"400", "401", "403", "503"}

issuer = FakeIssuer()


def answer() -> str:
    return "contacts"


def document(auth: BearerAuth, *, added: bool = True) -> Json:
    """Return the document of an application with open, protected and optional operations."""
    app = FastAPI()
    if added:
        auth.add_to(app)

    def reader(user: Annotated[Principal, Security(auth, scopes=READS)]) -> Principal:
        return user

    app.get("/open")(answer)
    app.get("/any", dependencies=[Depends(auth)])(answer)
    app.get("/reader", dependencies=[Security(auth, scopes=READS)])(answer)
    app.post("/nested", dependencies=[Security(reader, scopes=WRITES)])(answer)
    app.get("/optional", dependencies=[Security(auth.optional)])(answer)
    app.get("/both", dependencies=[Security(auth), Security(auth.optional, scopes=READS)])(answer)
    router = APIRouter(dependencies=[Security(auth, scopes=READS)])
    router.get("/router")(answer)
    app.include_router(router)
    return app.openapi()


def security(made: Json, path: str) -> Any:
    (operation,) = made["paths"][path].values()
    return operation.get("security")


def responses(made: Json, path: str) -> set[str]:
    (operation,) = made["paths"][path].values()
    return set(operation["responses"])


def test_each_operation_names_its_scopes() -> None:
    made = document(BearerAuth(issuer.verifier()))

    assert security(made, "/open") is None
    assert security(made, "/any") == [{"bearer": []}]
    assert security(made, "/reader") == [{"bearer": READS}]
    assert security(made, "/router") == [{"bearer": READS}]
    assert security(made, "/nested") == [{"bearer": [*WRITES, *READS]}]


def test_an_optional_operation_has_the_empty_requirement() -> None:
    made = document(BearerAuth(issuer.verifier()))

    assert security(made, "/optional") == [{"bearer": []}, {}]
    assert security(made, "/both") == [{"bearer": READS}]
    assert set(made["components"]["securitySchemes"]) == {"bearer"}


def test_an_application_with_optional_operations_only_has_the_scheme() -> None:
    auth = BearerAuth(issuer.verifier())
    app = FastAPI()
    auth.add_to(app)
    app.get("/", dependencies=[Security(auth.optional)])(answer)

    assert app.openapi()["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }


def test_exactly_the_protected_operations_have_the_refusals() -> None:
    made = document(BearerAuth(issuer.verifier()))

    assert responses(made, "/open") == {"200"}
    for path in ("/any", "/reader", "/nested", "/optional", "/both", "/router"):
        assert responses(made, path) == {"200", *REFUSALS}


def test_each_refusal_has_its_headers_and_the_problem_body() -> None:
    made = document(BearerAuth(issuer.verifier()))
    schema = {"$ref": "#/components/schemas/AccessTokenProblem"}

    refusals: Json = made["components"]["responses"]

    assert set(refusals) == {f"AccessToken{status}" for status in REFUSALS}
    for status in REFUSALS:
        refusal = refusals[f"AccessToken{status}"]
        header = "Retry-After" if status == "503" else "WWW-Authenticate"
        assert set(refusal["headers"]) == {header, "Cache-Control"}
        assert refusal["content"] == {"application/problem+json": {"schema": schema}}


async def test_the_problem_body_is_what_the_schema_says() -> None:
    auth = BearerAuth(issuer.verifier())
    app = FastAPI()
    auth.add_to(app)
    app.get("/", dependencies=[Security(auth)])(answer)

    body = (await client(app).get("/", headers={"authorization": "Bearer a b"})).json()

    schema = app.openapi()["components"]["schemas"]["AccessTokenProblem"]
    assert set(schema["required"]) <= set(body) <= set(schema["properties"])


def test_the_responses_of_the_application_stay() -> None:
    auth = BearerAuth(issuer.verifier())
    app = FastAPI()
    auth.add_to(app)
    own: dict[int | str, Json] = {401: {"description": "Sign in first."}}
    app.get("/", dependencies=[Security(auth)], responses=own)(answer)

    operation = app.openapi()["paths"]["/"]["get"]

    assert operation["responses"]["401"] == {"description": "Sign in first."}
    assert set(operation["responses"]) == {"200", *REFUSALS}


def test_other_security_of_an_operation_stays() -> None:
    auth = BearerAuth(issuer.verifier())
    app = FastAPI()
    auth.add_to(app)
    extra: Json = {"security": [{"bearer": [], "key": []}]}
    app.get("/", dependencies=[Security(auth)], openapi_extra=extra)(answer)
    app.get("/key", openapi_extra={"security": [{"key": []}]})(answer)

    made = app.openapi()

    assert security(made, "/") == [{"bearer": []}, {"bearer": [], "key": []}]
    assert security(made, "/key") == [{"key": []}]
    assert responses(made, "/key") == {"200"}


def test_the_addresses_of_the_issuer_become_an_oauth2_scheme_with_all_scopes() -> None:
    auth = BearerAuth(
        issuer.verifier(),
        authorization_url="https://issuer.example/authorize",
        token_url="https://issuer.example/token",
    )

    made = document(auth)

    assert made["components"]["securitySchemes"]["bearer_sign_in"] == {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "https://issuer.example/authorize",
                "tokenUrl": "https://issuer.example/token",
                "scopes": {"read:contacts": "", "write:contacts": ""},
            }
        },
    }
    assert security(made, "/reader") == [{"bearer": READS}, {"bearer_sign_in": READS}]
    assert security(made, "/optional") == [{"bearer": []}, {"bearer_sign_in": []}, {}]


def test_the_scopes_that_a_client_may_request_can_be_named() -> None:
    scopes = {"api://contacts/read": "Read contacts"}
    auth = BearerAuth(
        issuer.verifier(),
        authorization_url="https://issuer.example/authorize",
        token_url="https://issuer.example/token",
        scopes=scopes,
    )

    made = document(auth)

    scheme = made["components"]["securitySchemes"]["bearer_sign_in"]
    assert scheme["flows"]["authorizationCode"]["scopes"] == scopes
    assert security(made, "/reader") == [{"bearer": READS}, {"bearer_sign_in": READS}]


@pytest.mark.parametrize(
    ("url", "metadata"),
    [
        ("https://issuer.example/", "https://issuer.example/.well-known/openid-configuration"),
        ("https://issuer.example", "https://issuer.example/.well-known/openid-configuration"),
        (
            "https://issuer.example/realms/main",
            "https://issuer.example/realms/main/.well-known/openid-configuration",
        ),
    ],
)
def test_an_issuer_whose_keys_are_discovered_becomes_an_openid_connect_scheme(
    url: str, metadata: str
) -> None:
    made = document(BearerAuth(JWTVerifier(issuer=url, audience="contacts")))

    assert made["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "bearer_sign_in": {"type": "openIdConnect", "openIdConnectUrl": metadata},
    }
    assert security(made, "/reader") == [{"bearer": READS}, {"bearer_sign_in": READS}]


class ApplicationVerifier:
    """A verifier that an application wrote."""

    async def verify(self, presented: Presented) -> Principal:
        raise NotImplementedError


@pytest.mark.parametrize(
    "verifier",
    [
        pytest.param(issuer.verifier(), id="keys"),
        pytest.param(
            JWTVerifier(
                issuer="https://issuer.example/", audience="contacts", jwks_uri="https://a.example/"
            ),
            id="jwks_uri",
        ),
        pytest.param(ApplicationVerifier(), id="verifier of the application"),
    ],
)
def test_without_discovery_only_the_bearer_scheme_is_shown(verifier: Any) -> None:
    made = document(BearerAuth(verifier))

    assert set(made["components"]["securitySchemes"]) == {"bearer"}


def test_without_add_to_the_document_has_scheme_and_scopes() -> None:
    made = document(BearerAuth(issuer.verifier()), added=False)

    assert made["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert security(made, "/reader") == [{"bearer": READS}]


def test_two_dependencies_of_one_application_are_two_schemes() -> None:
    ours = BearerAuth(issuer.verifier())
    theirs = BearerAuth(issuer.verifier(audience="theirs"), scheme_name="theirs")
    app = FastAPI()
    ours.add_to(app)
    theirs.add_to(app)
    app.get("/ours", dependencies=[Security(ours)])(answer)
    app.get("/theirs", dependencies=[Security(theirs)])(answer)

    made = app.openapi()

    assert set(made["components"]["securitySchemes"]) == {"bearer", "theirs"}
    assert security(made, "/ours") == [{"bearer": []}]
    assert security(made, "/theirs") == [{"theirs": []}]
    assert responses(made, "/ours") == responses(made, "/theirs") == {"200", *REFUSALS}


def test_the_document_is_the_same_each_time() -> None:
    auth = BearerAuth(JWTVerifier(issuer="https://issuer.example/", audience="contacts"))
    app = FastAPI()
    auth.add_to(app)
    auth.add_to(app)
    app.get("/", dependencies=[Security(auth.optional)])(answer)

    first = repr(app.openapi())

    assert repr(app.openapi()) == first


def test_an_application_without_protected_operations_has_no_components() -> None:
    app = FastAPI()
    BearerAuth(issuer.verifier()).add_to(app)
    app.get("/")(answer)

    assert "components" not in app.openapi()


def test_the_document_follows_the_openapi_specification() -> None:
    auth = BearerAuth(
        issuer.verifier(),
        authorization_url="https://issuer.example/authorize",
        token_url="https://issuer.example/token",
    )

    OpenAPI.model_validate(document(auth))
