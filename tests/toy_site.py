"""A site for tests: that of this checkout, with a toy machine and a hostile framework."""

import json
import shutil
import subprocess
import sys
import threading

import nbformat
import pytest
from toy_record import RECORD as RUN

from support.basics.paths import ROOT
from support.publish.site.server import make_server

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

EVIL = """
<script>window.hacked = "script"</script>
<img src="x" onerror="window.hacked = 'onerror'">
<img src="https://example.org/spy.png">
<a id="trap" href="javascript:window.hacked='link'">a link</a>
<a href="data:text/html,<script>window.hacked=1</script>">another</a>
<svg onload="window.hacked = 'onload'"><script>window.hacked = "svg"</script></svg>
<iframe srcdoc="<script>parent.hacked = 'frame'</script>"></iframe>
<style>body { display: none }</style>
<form action="https://example.org"><button>Send</button></form>
<p style="position: fixed; inset: 0" onclick="window.hacked = 'click'">Still here</p>
"""
HOSTILE = """
label = "Hostile <script>window.hacked='label'</script>"
language = "Python"
environment = "torch"
gru = "reset_after"
precisions = ["fp32"]
state = "living"
release = "1"
upstream = "https://example.org"
"""
RECORD = {
    **RUN,
    "versions": {"PyTorch": "2.13.0", "Python": "3.11"},
    "hardware": {**RUN["hardware"], "gpus": [{"name": "Toy GPU", "driver": "1"}]},
    "date": "2026-01-02T03:04:05+00:00",
}
TOYS = {
    "PyTorch_CNN_run-1": {},
    "PyTorch_CNN_run-2": {
        "repeat": 2,
        "accuracy": 0.765,
        "date": "2026-01-03T03:04:05+00:00",
    },
    "JAX_CNN_run-1": {"framework": "JAX", "seconds": 123.4, "accuracy": 0.78},
    "CNTK_CNN_run-1.failed": {"framework": "CNTK", "status": "failed", "reason": EVIL},
    "Hostile_CNN_run-1": {"framework": "Hostile", "seconds": 61.0},
    "Gone_CNN_run-1": {"framework": "Gone", "seconds": 70.0},
    "Keras_CNN_run-1": {
        "framework": "Keras",
        "seconds": 99.0,
        "digests": {"notebook": "of an earlier version"},
    },
}
PARITY = """# Parity on a toy

| framework | largest difference |
|---|---|
| C | 1,000.0 |
| B | 2.5e-5 |
| A | 1.0e-7 |

[its notebook](../../../notebooks/JAX_CNN.ipynb), [its run](../notebooks/PyTorch_CNN_run-1.ipynb),
[nowhere](../../../support/cli/main.py) <script>window.hacked = "markdown"</script>
"""


def hostile_notebook(outputs=()):
    """Evil in the title, the prose, the code and, if there are any, the outputs."""
    title = nbformat.v4.new_markdown_cell(f"# Title {EVIL}", id="title")
    title.metadata["tags"] = ["title"]
    prose = nbformat.v4.new_markdown_cell(f"## Train\nProse {EVIL}", id="train-prose")
    source = 'print("</script><script>window.hacked = 1</script>")'
    code = nbformat.v4.new_code_cell(source, id="train", outputs=list(outputs))
    code.metadata["tags"] = ["train"]
    return nbformat.v4.new_notebook(cells=[title, prose, code])


def hostile_outputs():
    made = nbformat.v4.new_output
    yield made("stream", text=EVIL)
    for kind in ("text/html", "text/markdown", "image/svg+xml", "text/plain"):
        yield made("display_data", data={kind: EVIL})
    script = {"application/javascript": "window.hacked = 1", "text/plain": "a script"}
    yield made("display_data", data=script)
    yield made("error", ename="E", evalue="e", traceback=["\x1b[31m" + EVIL])


def add_toys(root):
    """To a checkout, a machine with known figures, a hostile framework and a generated page."""
    entries = root / "support" / "registry" / "frameworks"
    (entries / "Hostile.toml").write_text(HOSTILE)
    nbformat.write(hostile_notebook(), root / "notebooks" / "Hostile_CNN.ipynb")
    for folder, data in (("toy", "real"), ("toy/quick", "quick")):
        machine = root / "results" / folder
        for name in ("records", "notebooks", "parity"):
            (machine / name).mkdir(parents=True, exist_ok=True)
        for stem, change in TOYS.items():
            executed = f"notebooks/{stem}.ipynb"
            record = {**RECORD, "data": data, **change, "executed": executed}
            (machine / "records" / f"{stem}.json").write_text(json.dumps(record))
            nbformat.write(hostile_notebook(hostile_outputs()), machine / executed)
        (machine / "records" / "damaged.json").write_text("{")
        (machine / "notebooks" / "Gone_CNN_run-1.ipynb").write_text("damaged")
    (root / "results" / "toy" / "parity" / "README.md").write_text(PARITY)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site of this checkout and the toys."""
    root = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("__pycache__", "quick", ".*")
    for name in ("support", "common", "notebooks", "results", "docs"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    for name in ("LICENSE", "CITATION.cff"):
        shutil.copy(ROOT / name, root)
    add_toys(root)
    build_it = "from support.publish.site.build import build; build('site')"
    subprocess.run([sys.executable, "-c", build_it], cwd=root, check=True)
    return root / "site"


@pytest.fixture
def view(browser, site):
    """Open a page of the site as a file; in the end nothing may have complained or left the site."""
    complaints, contexts = [], []

    def open_page(address, viewport=DESKTOP, served="", **settings):
        base = served or site.as_uri()
        context = browser.new_context(viewport=viewport, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: check(request.url))
        page.goto(f"{base}/{address}")
        if address.startswith("compare") and settings.get("java_script_enabled", True):
            page.locator("#rows section").first.wait_for()
        return page

    def check(url):
        own = (f"{site.as_uri()}/", "http://127.0.0.1:", "blob:http://127.0.0.1:")
        if not url.startswith((*own, "data:image/")):
            complaints.append(f"asked for {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture(scope="session")
def served(site):
    """The address of the site, served as `run_all.py site --serve` does."""
    server = make_server(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


LABELS = """() => [...document.querySelectorAll("#heads select")]
    .map((one) => one.selectedOptions[0].textContent).join(" | ")"""


def shown(page, columns):
    """Wait until the comparison has these columns: cells arrive by scripts that are loaded on demand."""
    page.wait_for_function(f"(wanted) => ({LABELS})() === wanted", arg=columns)


def tops(page, tag, part):
    """Where the part of each column's cell begins and ends."""
    boxes = page.locator(f"#row-{tag} article {part}").all()
    found = [box.bounding_box() for box in boxes]
    return [(round(box["y"]), round(box["y"] + box["height"])) for box in found]
