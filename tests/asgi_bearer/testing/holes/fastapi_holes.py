"""Holes in FastAPI."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Security, WebSocket
from fastapi.security import HTTPBasic, SecurityScopes
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection

from asgi_bearer import BearerMiddleware
from asgi_bearer.errors import InsufficientScope
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.starlette import Refused, refused_response, requires
from tests.asgi_bearer.testing.holes.planted import Planted, guard, must_not_run, verifier

HANDLERS: dict[Any, Any] = {Refused: refused_response}


class Item(BaseModel):
    name: str


auth = BearerAuth(verifier())


async def takes_scopes_without_reading_them(connection: HTTPConnection) -> None:
    """Accept each token, whatever its scopes."""
    await auth(connection, SecurityScopes())


async def names_nothing(connection: HTTPConnection, scopes: SecurityScopes) -> None:
    try:
        await auth(connection, scopes)
    except Refused as err:
        if isinstance(err.refusal, InsufficientScope):
            raise HTTPException(403) from None
        raise


async def finds_item(item: int) -> int:
    raise HTTPException(404)


Read = Security(auth, scopes=["read:x"])


def page(*_args: Any) -> Any:
    async def endpoint(request: Request) -> None:
        must_not_run()

    return endpoint


def behind() -> FastAPI:
    api = FastAPI(exception_handlers=HANDLERS)
    api.add_middleware(
        BearerMiddleware,
        verifier=verifier(),
        public={"/healthz", "GET /docs", "/openapi.json", "/items", "/news"},
    )
    api.add_middleware(CORSMiddleware, allow_origins=["*"])

    @api.get("/healthz")
    async def healthz() -> None:
        must_not_run()

    @requires("read:x")
    @api.get("/wrong-order")
    async def wrong(request: Request) -> None:
        must_not_run()

    @api.get("/items")
    async def items() -> None:
        must_not_run()

    @api.post("/items")
    @requires("write:x")
    async def add(request: Request, item: Item) -> None:
        must_not_run()

    @api.delete("/items")
    def clear() -> None:
        must_not_run()

    @api.get("/right")
    @requires("read:x")
    async def right(request: Request) -> None:
        must_not_run()

    @api.post("/right")
    @requires("write:x")
    async def right_post(request: Request, item: Item, number: int) -> None:
        must_not_run()

    @api.get("/right/{number}")
    @requires("read:x")
    def right_number(request: Request, number: int) -> None:
        must_not_run()

    @api.websocket("/news")
    async def news(websocket: WebSocket) -> None:
        must_not_run()

    @api.websocket("/closed-news")
    async def closed_news(websocket: WebSocket) -> None:
        must_not_run()

    api.mount("/sub", FastAPI())
    return api


BEHIND = Planted(
    behind(),
    {
        "GET /wrong-order": "order of decorators",
        "GET /items": "too many public paths",
        "DELETE /items": "only some methods",
        "WEBSOCKET /news": "too many public paths",
        "GET, HEAD /docs": "debug route",
        "GET, HEAD /openapi.json": "debug route",
    },
    {
        *("GET /right", "POST /right", "GET /right/{number}", "POST /items", "GET /redoc"),
        *("WEBSOCKET /closed-news", "GET /sub/docs", "GET /sub/openapi.json", "GET /healthz"),
    },
    public=frozenset({"/healthz"}),
)


def by_dependency() -> FastAPI:
    api = FastAPI(exception_handlers=HANDLERS, docs_url="/help", redoc_url=None)
    router = APIRouter(prefix="/router", dependencies=[Read])
    nested = APIRouter(prefix="/nested")
    forgotten = APIRouter(prefix="/forgotten")
    partly = APIRouter()

    for path in ("/one", "/two/{number}", "/three/{rest:path}"):
        router.get(path)(page())
        nested.post(path)(page())
        forgotten.get(path)(page())
    forgotten.frontend("/pages", directory=Path(__file__).parent)
    api.frontend("/site", directory=Path(__file__).parent)
    router.include_router(nested)
    api.include_router(router)
    api.include_router(router, prefix="/v2")
    api.include_router(forgotten)
    api.include_router(forgotten, prefix="/closed", dependencies=[Security(auth)])

    @partly.get("/closed")
    async def closed(user: Annotated[None, Read]) -> None:
        must_not_run()

    @partly.get("/validated")
    async def validated(number: int) -> None:
        must_not_run()

    @partly.get("/validated-closed")
    async def validated_closed(number: int, user: Annotated[None, Read]) -> None:
        must_not_run()

    @partly.post("/body")
    async def body(item: Item) -> None:
        must_not_run()

    @partly.post("/body-closed", dependencies=[Read])
    async def body_closed(item: Item) -> None:
        must_not_run()

    @partly.get("/found/{item}", dependencies=[Depends(finds_item), Read])
    async def found_first(item: int) -> None:
        must_not_run()

    @partly.get("/found-after/{item}", dependencies=[Read, Depends(finds_item)])
    async def found_after(item: int) -> None:
        must_not_run()

    @partly.get("/never", dependencies=[Security(takes_scopes_without_reading_them, scopes=["a"])])
    async def never() -> None:
        must_not_run()

    @partly.get("/unnamed", dependencies=[Security(names_nothing, scopes=["a"])])
    async def unnamed() -> None:
        must_not_run()

    @partly.get("/optional", dependencies=[Security(auth.optional)])
    async def optional() -> None:
        must_not_run()

    @partly.get("/optional-closed", dependencies=[Security(auth.optional, scopes=["read:x"])])
    async def optional_closed() -> None:
        must_not_run()

    @partly.get("/any-of", dependencies=[Depends(auth.any_of("read:x", "read:y"))])
    async def any_of() -> None:
        must_not_run()

    @requires("read:y")
    @partly.get("/wrong-order", dependencies=[Read])
    async def wrong_order(request: Request) -> None:
        must_not_run()

    @partly.get("/basic", dependencies=[Depends(HTTPBasic())])
    async def basic() -> None:
        must_not_run()

    @partly.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        must_not_run()

    @partly.websocket("/socket-validated")
    async def socket_validated(websocket: WebSocket, number: int) -> None:
        must_not_run()

    @partly.websocket("/socket-closed", dependencies=[Read])
    async def socket_closed(websocket: WebSocket) -> None:
        must_not_run()

    api.include_router(partly, prefix="/partly")
    api.mount("/beside", page_application())
    api.mount("/guarded", guard(page_application()))
    return api


def page_application() -> FastAPI:
    inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    inner.get("/inner")(page())
    return inner


BY_DEPENDENCY = Planted(
    by_dependency(),
    {
        "GET, HEAD /help": "debug route",
        "GET, HEAD /openapi.json": "debug route",
        "GET, HEAD /docs/oauth2-redirect": "debug route",
        "GET /forgotten/one": "router without the dependency",
        "GET /forgotten/two/{number}": "router without the dependency",
        "GET /forgotten/three/{rest:path}": "router without the dependency",
        "GET, HEAD /forgotten/pages/*": "static files",
        "GET, HEAD /site/*": "static files",
        "GET /partly/validated": "validated before any guard",
        "POST /partly/body": "validated before any guard",
        "GET /partly/found/{item}": "dependency before the guard",
        "GET /partly/never": "scope is not enforced",
        "GET /partly/unnamed": "403 without the scope",
        "GET /partly/wrong-order": "order of decorators",
        "GET /partly/optional": "optional dependency",
        "GET /partly/basic": "another scheme",
        "WEBSOCKET /partly/socket": "WebSocket",
        "WEBSOCKET /partly/socket-validated": "WebSocket",
        "GET /beside/inner": "mount beside the guard",
    },
    {
        *("GET /router/one", "GET /router/two/{number}", "GET /router/three/{rest:path}"),
        *("POST /router/nested/one", "POST /router/nested/two/{number}"),
        *("GET /v2/router/one", "POST /v2/router/nested/one", "GET /v2/router/two/{number}"),
        *("POST /router/nested/three/{rest:path}", "POST /v2/router/nested/two/{number}"),
        *("GET /closed/forgotten/one", "GET /closed/forgotten/two/{number}"),
        *("GET /closed/forgotten/three/{rest:path}", "GET /partly/closed"),
        *("GET /partly/validated-closed", "POST /partly/body-closed"),
        *("GET /partly/found-after/{item}", "WEBSOCKET /partly/socket-closed"),
        *(
            "GET /closed/forgotten/pages/*",
            "GET /guarded/inner",
            "GET /partly/optional-closed",
            "GET /partly/any-of",
        ),
    },
    public=frozenset(),
)


def overridden() -> FastAPI:
    """An application in which overrides for tests were left."""
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    checked = BearerAuth(verifier())
    any_of = checked.any_of("read:x", "read:y")
    api.get("/open", dependencies=[Security(checked, scopes=["read:x"])])(page())
    api.get("/unchecked", dependencies=[Depends(any_of)])(page())
    api.get("/closed", dependencies=[Security(auth)])(page())
    one_of = auth.any_of("read:x", "read:y")
    api.get("/any-token", dependencies=[Depends(one_of)])(page())
    api.dependency_overrides[one_of] = auth
    api.dependency_overrides[checked] = api.dependency_overrides[any_of] = lambda: None
    return api


OVERRIDDEN = Planted(
    overridden(),
    {
        "GET /open": "dependency override",
        "GET /unchecked": "dependency override",
        "GET /any-token": "scope is not enforced",
    },
    {"GET /closed"},
)

PLANTED = [BEHIND, BY_DEPENDENCY, OVERRIDDEN]
