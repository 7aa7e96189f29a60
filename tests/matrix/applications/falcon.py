"""The application of the matrix in Falcon."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from falcon.asgi import App, Request, Response, SSEvent, WebSocket

from tests.matrix import behaviour

Event = Mapping[str, object]


class Lifespan:
    async def process_startup(self, scope: Event, event: Event) -> None:
        behaviour.start()

    async def process_shutdown(self, scope: Event, event: Event) -> None:
        behaviour.stop()


class Text:
    async def on_get(self, request: Request, response: Response) -> None:
        response.text = request.path


class Fault:
    async def on_get(self, _request: Request, _response: Response) -> None:
        behaviour.fault()


class Stream:
    async def on_get(self, _request: Request, response: Response) -> None:
        response.stream = behaviour.two_parts()


class Release:
    async def on_get(self, _request: Request, _response: Response) -> None:
        behaviour.released.set()


class Endless:
    async def on_get(self, _request: Request, response: Response) -> None:
        # Falcon notices a disconnect only while it sends server-sent events.
        response.sse = self._events()

    async def _events(self) -> AsyncGenerator[SSEvent]:
        async with aclosing(behaviour.endless()) as parts:
            async for part in parts:
                yield SSEvent(data=part)


class Echo:
    async def on_websocket(self, _request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()


app = App(middleware=[Lifespan()])
app.add_route("/items", Text())
app.add_route("/public", Text())
app.add_route("/fault", Fault())
app.add_route("/stream", Stream())
app.add_route("/release", Release())
app.add_route("/endless", Endless())
app.add_route("/echo", Echo())
