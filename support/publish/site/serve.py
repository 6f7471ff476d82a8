"""Serve: show the site on this machine, and build it anew whenever what it is made from changes."""

import contextlib
import functools
import http.server
import subprocess
import sys
import threading
import time
from pathlib import Path

from support.basics.paths import NOTEBOOKS, RESULTS, ROOT
from support.publish.site import build
from support.publish.site.pages import HERE
from support.registry import reading

SOURCES = (NOTEBOOKS, RESULTS, *reading.roots(), HERE)
PORT = 8000
LOOK = 1  # seconds between two looks at the sources


def serve(output: Path) -> int:
    """Show the site in `output` until interrupted; returns the exit status."""
    server = make_server(output)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port} (Ctrl-C ends)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        watch(output)
    return 0


def watch(output: Path) -> None:
    """Build anew after every change of a source; never returns."""
    seen = state()
    while True:
        time.sleep(LOOK)
        now = state()
        if now != seen:
            seen = now
            rebuild(output)


def rebuild(output: Path) -> None:
    """Build anew in a process of its own, which knows nothing of how the sources were before."""
    module = [sys.executable, "-m", "support.publish.site.serve"]
    subprocess.run([*module, str(Path(output).resolve())], cwd=ROOT)


def build_once(output: str) -> None:
    """Build; whatever is wrong with a source is told, and the old site stays."""
    try:
        build.build(output)
        print("built anew", flush=True)
    except Exception as error:
        print(f"not built: {error}", file=sys.stderr, flush=True)


def state() -> dict[Path, int]:
    """What changes when one of the sources does."""
    found = {}
    for source in SOURCES:
        for path in source.rglob("*") if source.is_dir() else [source]:
            if "__pycache__" not in path.parts:
                with contextlib.suppress(OSError):  # gone meanwhile
                    if path.is_file():
                        found[path] = path.stat().st_mtime_ns
    return found


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each."""

    def log_message(self, *_: object) -> None:
        pass


def make_server(output: Path) -> http.server.ThreadingHTTPServer:
    """An HTTP server of the folder, for this machine alone."""
    handler = functools.partial(Quiet, directory=str(output))
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", PORT), handler)
    except OSError:  # the port is taken: any that is free
        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)


if __name__ == "__main__":
    build_once(sys.argv[1])
