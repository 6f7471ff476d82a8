"""Serve: show the site on this machine, and build it anew whenever what it is made from changes."""

import contextlib
import functools
import http.server
import sys
import threading
import time

from support import registry
from support.paths import NOTEBOOKS, RESULTS
from support.site import build, phrasebook

SOURCES = (
    NOTEBOOKS,
    RESULTS,
    registry.FILE,
    phrasebook.TASKS,
    build.HERE / "templates",
    build.HERE / "static",
)
PORT = 8000
LOOK = 1  # seconds between two looks at the sources


def serve(output):
    """Show the site in `output` until interrupted; returns the exit status."""
    server = make_server(output)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port} (Ctrl-C ends)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        watch(output)
    return 0


def watch(output):
    """Build anew after every change of a source; never returns."""
    seen = state()
    while True:
        time.sleep(LOOK)
        now = state()
        if now != seen:
            seen = now
            rebuild(output)


def rebuild(output):
    """Build anew; whatever is wrong with a source is told, and the old site stays."""
    try:
        build.build(output)
        print("built anew", flush=True)
    except Exception as error:
        print(f"not built: {error}", file=sys.stderr, flush=True)


def state():
    """What changes when one of the sources does."""
    found = {}
    for source in SOURCES:
        for path in source.rglob("*") if source.is_dir() else [source]:
            if path.is_file() and "__pycache__" not in path.parts:
                found[path] = path.stat().st_mtime_ns
    return found


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each."""

    def log_message(self, *_):
        pass


def make_server(output):
    """An HTTP server of the folder, for this machine alone."""
    handler = functools.partial(Quiet, directory=str(output))
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", PORT), handler)
    except OSError:  # the port is taken: any that is free
        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
