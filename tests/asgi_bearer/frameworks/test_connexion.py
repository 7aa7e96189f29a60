"""What docs/frameworks/connexion.md says about the security of an OpenAPI document."""

from copy import deepcopy

import pytest
from connexion import AsyncApp  # pyright: ignore[reportMissingTypeStubs] - it has none

from asgi_bearer.testing import FakeIssuer
from examples.connexion.main import DOCUMENT
from tests.support.asgi import bearer, client

issuer = FakeIssuer()

NOT_CHECKED = [
    pytest.param("delete", 401, id="no function"),
    pytest.param("keep", 200, id="the function"),
]


@pytest.mark.parametrize(("function", "status"), NOT_CHECKED)
async def test_a_scheme_without_a_function_is_never_open(function: str, status: int) -> None:
    document = deepcopy(DOCUMENT)
    if function == "delete":
        del document["components"]["securitySchemes"]["token"]["x-tokenInfoFunc"]
    application = AsyncApp("examples.connexion.main")
    application.add_api(document)  # pyright: ignore[reportUnknownMemberType] - no annotations
    reader = bearer(issuer.token(scope="read:items"))

    response = await client(issuer.guard(application)).get("/items", headers=reader)

    assert response.status_code == status


async def test_an_operation_without_security_of_its_own_has_that_of_the_document() -> None:
    document = deepcopy(DOCUMENT)
    del document["paths"]["/items"]["get"]["security"]
    document["security"] = [{"token": ["admin:items"]}]
    application = AsyncApp("examples.connexion.main")
    application.add_api(document)  # pyright: ignore[reportUnknownMemberType] - no annotations
    reader = bearer(issuer.token(scope="read:items"))

    response = await client(issuer.guard(application)).get("/items", headers=reader)

    assert response.status_code == 403
