"""A consumer of Channels."""

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from asgi_bearer import principal
from asgi_bearer.django.channels import requires


@requires("read:items")
class Changes(AsyncJsonWebsocketConsumer):
    """Says whose changes it would send."""

    async def connect(self) -> None:
        caller = principal(self.scope)
        await self.accept()
        await self.send_json({"owner": caller and caller.subject})
