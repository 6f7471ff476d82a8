"""Server: the site's files over HTTP, to the browsers of this machine alone.

A page of any site may send requests here, under a name of its own that leads to this machine: so
the name that is asked for is checked, and no other site may use the answers. Clients that are
slow, or many, are cut off.
"""

import contextlib
import functools
import http.server
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

PORT = 8000
MOST = 32  # connections at a time, each a thread
IDLE = 10  # seconds without a byte
LONGEST = 60  # seconds of a connection
# The port may be another one where a tunnel leads here.
OURS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+", re.I)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each; no listings, and nothing outside the folder."""

    timeout = IDLE

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if not OURS.fullmatch(self.headers.get("Host", "")):
            self.send_error(403, "This is not the name of this server")
            return False
        return True

    def send_head(self) -> Any:
        if not self._is_there():
            self.send_error(404)
            return None
        return super().send_head()

    def _is_there(self) -> bool:
        """Whether the address is that of a file in the folder, or of a folder with an index."""
        try:
            path = self.translate_path(self.path)
            if os.path.isdir(path):
                path = os.path.join(path, "index.html")
            real = os.path.realpath(path)
        except ValueError:  # a null character
            return False
        return os.path.isfile(path) and Path(real).is_relative_to(self.directory)

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """Serves a limited number of connections at a time, each for a limited time."""

    request_queue_size = 128  # those that wait to be served or cut off

    def __init__(self, folder: Path, port: int) -> None:
        handler = functools.partial(Handler, directory=os.path.realpath(folder))
        super().__init__(("127.0.0.1", port), handler)
        self._since: dict[Any, float] = {}

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return len(self._since) < MOST

    def process_request(self, request: Any, client_address: Any) -> None:
        self._since[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._since.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called by the base class every half a second or oftener."""
        for request, since in list(self._since.items()):
            if time.monotonic() - since > LONGEST:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            print(f"not served: {error!r}", file=sys.stderr, flush=True)


def make_server(folder: Path) -> Server:
    """A server of the folder, on the usual port or, if that is taken, on any that is free."""
    try:
        return Server(folder, PORT)
    except OSError:
        return Server(folder, 0)
