"""Items in django-ninja. Its documentation is at /ninja/docs."""

from asgi_bearer.django import GuardedRequest
from asgi_bearer.django.ninja import BearerAuth, BearerNinjaAPI

api = BearerNinjaAPI(title="Items", auth=BearerAuth())


@api.get("/items", auth=BearerAuth("read:items"))
async def items(request: GuardedRequest) -> dict[str, str | None]:
    return {"owner": request.principal.subject}


@api.post("/items", auth=BearerAuth("write:items"))
def add_item(request: GuardedRequest) -> dict[str, str | None]:
    return {"owner": request.principal.subject}
