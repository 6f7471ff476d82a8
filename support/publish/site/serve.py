"""Serve: show the site on this machine, and rebuild it whenever its sources change."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from support.basics.paths import NOTEBOOKS, RESULTS, ROOT
from support.publish.site import build
from support.publish.site.pages import HERE
from support.publish.site.server import make_server
from support.registry import reading

SOURCES = (NOTEBOOKS, RESULTS, *reading.roots(), HERE)
# -I: the caller's settings of Python are not for the build
BUILD = """
import sys
sys.path.insert(0, sys.argv[1])
from support.publish.site.serve import build_once
build_once(*sys.argv[2:])
"""
LOOK = 1  # seconds between two looks at the sources


def serve(output: Path, repository: str = "") -> int:
    """Show the site in `output` until interrupted; returns the exit status."""
    server = make_server(output)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port} (Ctrl-C ends)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        watch(output, repository)
    return 0


def watch(output: Path, repository: str = "") -> None:
    """Rebuild after every change of a source; never returns."""
    seen = state()
    while True:
        time.sleep(LOOK)
        now = state()
        if now != seen:
            seen = now
            rebuild(output, repository)


def rebuild(output: Path, repository: str = "") -> None:
    """Rebuild in a process of its own, which knows nothing of how the sources were before."""
    places = [str(ROOT), str(Path(output).resolve()), repository]
    try:
        subprocess.run([sys.executable, "-I", "-c", BUILD, *places])
    except OSError as error:
        print(f"not built: {error}", file=sys.stderr, flush=True)


def build_once(output: str, repository: str = "") -> None:
    """Build; what is wrong with a source is printed, and the old site stays."""
    try:
        build.build(output, repository)
        print("rebuilt", flush=True)
    except KeyboardInterrupt:  # as is the serving
        pass
    except Exception as error:
        print(f"not built: {error}", file=sys.stderr, flush=True)


def state() -> dict[str, int]:
    """What changes when one of the sources does. Files may vanish meanwhile."""
    found = {}
    for source in SOURCES:
        for folder, _, names in os.walk(source):
            for name in names if not folder.endswith("__pycache__") else ():
                with contextlib.suppress(OSError):
                    path = os.path.join(folder, name)
                    found[path] = os.stat(path).st_mtime_ns
    return found
