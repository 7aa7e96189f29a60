"""Serves an issuer's documents on a loopback socket, from a thread.

The standard library's server is enough for a few small documents. It starts in a millisecond, needs
no package, and works beside any event loop or none.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asgi_bearer.testing.documents import Documents


class _Server(ThreadingHTTPServer):
    # A request whose answer is held back must not keep the block of a test from ending.
    daemon_threads = True
    block_on_close = False


@contextmanager
def serving(documents: Documents) -> Generator[str]:
    """Answer requests for `documents` on a free loopback port; the value is the origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, media_type = documents.answer_in_thread(self.path)
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: a test reads `requested`."""

    server = _Server(("127.0.0.1", 0), Handler)
    # The default interval between two looks for the end would make each test half a second longer.
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
