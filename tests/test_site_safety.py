"""Whatever a contribution, a damaged file or another process brings: tables and site are made, nothing
in them acts, and no file of the user is lost or shown."""

import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from dataclasses import replace
from html import unescape
from pathlib import Path

import mistune
import nbformat
import pytest
from rich.console import Console
from toy_record import RECORD

from support import registry
from support.basics.errors import UsageError
from support.basics.paths import ROOT
from support.publish import charts, markdown, output, sources, tables, terminal
from support.publish.site import build, documents, pages, safe, serve, server
from support.publish.site.origin import Origin
from support.publish.systems import Machine
from support.publish.table import FAILED, Cell, Table, is_address
from support.publish.views import frameworks

pytestmark = pytest.mark.slow

SECRET = "a file of somebody's home"
TURNED = "\u202e\u2066\u200f"
EVIL = (
    f"Evil <script>window.hacked=1</script> <img src=x onerror=window.hacked=1> | `x` "
    f"[l](javascript:alert) **b**{TURNED}\x1b[2J\x07\n# head\n- <!-- c -->"
)
ENTRY = """
label = {label}
language = "Python"
environment = "torch"
gru = "reset_after"
precisions = ["fp32"]
state = "living"
release = "1"
upstream = {upstream}
models = ["CNN"]
{more}
"""


def notebook(text="fine", **metadata):
    """A notebook with this text in its prose, code and output."""
    title = nbformat.v4.new_markdown_cell(f"# Title\n{text}", id="title")
    title.metadata["tags"] = ["title"]
    shown = nbformat.v4.new_output("stream", text=text)
    code = nbformat.v4.new_code_cell(f"x = 1  # {text}", id="train", outputs=[shown])
    code.metadata.update(tags=["train"], **metadata)
    return nbformat.v4.new_notebook(cells=[title, code])


def add_entry(root, key, label=None, upstream="https://example.org", more=""):
    label, upstream = (json.dumps(text) for text in (label or key, upstream))
    entry = ENTRY.format(label=label, upstream=upstream, more=more)
    folder = root / "support" / "registry" / "frameworks"
    (folder / f"{key}.toml").write_text(entry)


def add_machine(folder, stem="Good_CNN_run-1", **changes):
    """A results folder with one run and its executed notebook."""
    for name in ("records", "notebooks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    executed = f"notebooks/{stem}.ipynb"
    record = {**RECORD, "framework": "Good", "executed": executed, **changes}
    (folder / "records" / f"{stem}.json").write_text(json.dumps(record))
    nbformat.write(notebook(), folder / executed)


STRANGE = (
    "two words",
    '"onclick="x',
    "<b>",
    "-dash",
    "new\nline",
    "page.html",
    "x" * 130,
)
BROKEN = {
    "NotJson": "{",
    "NoCells": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    "Cells": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}',
    "List": "[]",
    "Deep": "[" * 100_000,
    "Bytes": b"\xff\xfe",
}


def add_notebooks(root, outside):
    """Good ones, and one of each kind that cannot be published."""
    folder = root / "notebooks"
    for key in ("Good", "Other"):
        add_entry(root, key)
        nbformat.write(notebook(), folder / f"{key}_CNN.ipynb")
    for key, content in BROKEN.items():
        add_entry(root, key)
        content = content if isinstance(content, bytes) else content.encode()
        (folder / f"{key}_CNN.ipynb").write_bytes(content)
    for key in ("Fifo", "Folder", "Link"):
        add_entry(root, key)
    os.mkfifo(folder / "Fifo_CNN.ipynb")
    (folder / "Folder_CNN.ipynb").mkdir()
    nbformat.write(notebook(SECRET), outside / "Outside_CNN.ipynb")
    (folder / "Link_CNN.ipynb").symlink_to(outside / "Outside_CNN.ipynb")
    add_entry(root, "Upwards", more=f'notebooks = "../../{outside.name}/Outside"')
    add_entry(root, "Script", upstream="javascript:window.hacked=1")
    nbformat.write(
        notebook(phrases={"nonsense": ["x"], "adam": ["y"], "loss": [3], "gru": {}}),
        folder / "Script_CNN.ipynb",
    )


def add_results(root, outside):
    """Machines with strange names, damaged parts and links, and documents of the same kind."""
    results = root / "results"
    for name in ("good", *STRANGE):
        add_machine(results / name)
    for stem in ("odd name", "index", "parity"):
        add_machine(results / "good", stem)
    add_machine(results / "damaged", device="Toy of damaged")
    (results / "damaged" / "machine.json").write_text('{"device": ["x"]}')
    (results / "damaged" / "ceilings.json").write_text('{"matmul": 3}')
    add_machine(results / "deep", device="Toy of deep")
    for name in ("machine.json", "ceilings.json"):
        (results / "deep" / name).write_text("[" * 100_000)
    add_machine(results / "pipes", device="Toy of pipes")
    for name in ("machine.json", "ceilings.json"):
        os.mkfifo(results / "pipes" / name)
    os.mkfifo(results / "pipe")
    os.mkfifo(results / "pipe.md")
    (results / "folder.md").mkdir()
    (results / "bytes.md").write_bytes(b"\xff")
    add_links(results, outside)


def add_links(results, outside):
    add_machine(outside / "machine", device=SECRET)
    (outside / "machine" / "machine.json").write_text(json.dumps({"device": SECRET}))
    nbformat.write(notebook(SECRET), outside / "machine/notebooks/Good_CNN_run-1.ipynb")
    (outside / "page.md").write_text(f"# {SECRET}")
    (results / "linked").symlink_to(outside / "machine")
    (results / "linked.md").symlink_to(outside / "page.md")
    (results / "records-linked").mkdir()
    (results / "records-linked" / "records").symlink_to(outside / "machine" / "records")
    add_machine(results / "parts-linked", device="Toy of links")
    shutil.rmtree(results / "parts-linked" / "notebooks")
    for name in ("notebooks", "machine.json"):
        (results / "parts-linked" / name).symlink_to(outside / "machine" / name)
    (outside / "charts").mkdir()
    (results / "parts-linked" / "charts").symlink_to(outside / "charts")
    shutil.copytree(outside / "machine" / "records", outside / "parity" / "records")
    (results / "parts-linked" / "parity").symlink_to(outside / "parity")


def in_checkout(root, code, timeout=120):
    """The finished process of this code in the checkout."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=timeout
    )


TABLES = "from support.publish.tables import update_all; update_all()"
SITE = "from support.publish.site.build import build; build('site')"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A checkout with all of this, its tables and its site, and what was said while making them."""
    folder = tmp_path_factory.mktemp("hostile")
    root, outside = folder / "checkout", folder / "outside"
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("support", "common", "docs", "results/2018"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    shutil.copy(ROOT / "README.md", root)
    for path in (root / "support/registry/frameworks").iterdir():
        path.unlink()
    for path in (root / "notebooks", outside):
        path.mkdir()
    add_notebooks(root, outside)
    add_results(root, outside)
    made = [in_checkout(root, code) for code in (TABLES, SITE)]
    for done in made:
        assert done.returncode == 0, done.stderr
    return root, *(done.stderr for done in made)


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


# what cannot be published is named and left out, and all else is there


def test_a_broken_notebook_stops_nothing(hostile):
    root, _, said = hostile
    assert (root / "site" / "notebooks" / "Good_CNN.html").exists()
    for key in [*BROKEN, "Fifo", "Folder", "Link"]:
        lines = [x for x in said.splitlines() if f"/{key}_CNN.ipynb is left" in x]
        assert len(lines) == 1 and len(lines[0]) < 500, key
        assert not list((root / "site").rglob(f"{key}_CNN*"))
    assert "Fifo_CNN.ipynb is left out: it is not a regular file" in said
    assert "Link_CNN.ipynb is left out: it is a link that leads out of note" in said


def test_a_notebook_that_is_no_file_has_no_digests(hostile):
    """A pipe would be read for ever."""
    code = """
from support import registry
from support.records.inputs import digests_of
print([digests_of(registry.frameworks()[key], "CNN") for key in ("Fifo", "Folder")])
"""
    assert in_checkout(hostile[0], code, timeout=20).stdout == "[{}, {}]\n"


def test_a_broken_notebook_is_no_column_of_the_reader(hostile):
    page = (hostile[0] / "site" / "compare.html").read_text()
    shown = re.findall(r'<option value="(\w+)"', page)
    assert sorted(shown) == ["Good", "Other", "Script"]


def test_markers_that_do_not_fit_are_named(hostile):
    said = hostile[2]
    for task in ("nonsense", "adam", "loss", "gru"):
        assert f"Script_CNN.ipynb: cell train, task {task} is left out: " in said


def test_damaged_parts_of_a_machine_are_named_and_its_figures_shown(hostile):
    root, of_tables, of_site = hostile
    for said in (of_tables, of_site):
        for folder, reason in (
            ("damaged", "it is damaged"),
            ("deep", "it is damaged"),
            ("pipes", "it is not a regular file"),
        ):
            for name in ("machine.json", "ceilings.json"):
                assert f"results/{folder}/{name} is left out: {reason}" in said
    for name in ("good", "damaged", "deep", "pipes", "parts-linked"):
        assert "[Good](" in (root / "results" / name / "README.md").read_text()
        assert (root / f"site/results/{name}/Good_CNN_run-1.html").exists()


def test_stray_documents_are_named(hostile):
    said = hostile[2]
    for name, reason in (
        ("pipe.md", "it is not a regular file"),
        ("folder.md", "it is not a regular file"),
        ("bytes.md", "'utf-8' codec"),
        ("linked.md", "it is a link that leads out of results/"),
    ):
        assert f"results/{name} is left out: {reason}" in said


def test_strange_names_are_refused_in_one_line(hostile):
    root, of_tables, of_site = hostile
    for said in (of_tables, of_site):
        for name in STRANGE:
            told = (
                f"results/{' '.join(name.split())}/records is left out: its name should"
            )
            assert told in said
        assert "records/odd name.json is left out: its name should" in said
        assert "records/index.json is left out: a machine has another page" in said
    for name in STRANGE:
        assert not (root / "results" / name / "README.md").exists()
        assert not (root / "site" / "results" / name).exists()
    page = (root / "site/results/good/index.html").read_text()
    assert "<h1>Toy GPU</h1>" in page and "1 of 1" in page
    for page in (root / "README.md", root / "results" / "README.md"):
        assert "strange" not in page.read_text()


@pytest.mark.parametrize("name", ["..", ".hidden", "a/../b", "ä", "a\x00b", "a b"])
def test_no_name_leads_elsewhere(name, tmp_path):
    assert sources.problem(tmp_path / name, tmp_path) == sources.NOT_PLAIN


def test_nothing_that_a_link_leads_to_is_published(hostile):
    root, of_tables, of_site = hostile
    pages = [root / "README.md", *(root / "docs").iterdir()]
    for path in [*files(root / "site"), *pages]:
        assert SECRET.encode() not in path.read_bytes(), path
    for path in (root / "results").glob("*/README.md"):
        assert (
            path.is_relative_to(root / "results/linked")
            or SECRET not in path.read_text()
        )
    for said in (of_tables, of_site):
        for name in (
            "linked/records",
            "records-linked/records",
            "parts-linked/machine.json",
        ):
            assert f"results/{name} is left out: it is a link that leads out of" in said
        assert (
            "Good_CNN_run-1.ipynb is left out: it is a link that leads out of" in said
        )
    assert "Upwards.toml is left out: notebooks = " in of_site


def test_nothing_is_written_where_a_link_leads(hostile):
    root, said, _ = hostile
    outside = root.parent / "outside"
    assert not files(outside / "charts")
    assert not list(outside.rglob("README.md"))
    told = (
        "results/parts-linked/charts/cnn-10-epochs-fp32.svg is left out: it is a link"
    )
    assert told in said
    assert (outside / "machine/notebooks/Good_CNN_run-1.ipynb").exists()


def test_an_upstream_that_is_no_address_is_no_link(hostile):
    root, *said = hostile
    for text in said:
        assert "Script.toml: upstream is left out: javascript:window.hacked=1 " in text
    assert "javascript:" not in (root / "site" / "status.html").read_text()


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org",
        "https:",
        "https://a b",
        "https://a\n",
        "https://[",
        "",
    ],
)
def test_only_addresses_on_the_web_are_links(target):
    assert not is_address(target)


def test_what_is_an_address():
    assert is_address("https://example.org/a?b=c#d") and is_address(
        "http://example.org"
    )


# text is text


def spoilt_rows(tmp_path):
    folder = tmp_path / "toy"
    add_machine(
        folder,
        device=EVIL,
        versions={EVIL: EVIL},
        load={"disturbed": [EVIL]},
        hardware={**RECORD["hardware"], "cpu": EVIL},
    )
    failed = {"status": "failed", "reason": EVIL, "framework": "PyTorch"}
    add_machine(folder, "PyTorch_CNN_run-1.failed", **failed)
    (folder / "machine.json").write_text(json.dumps({"device": EVIL, "cpu": "\ud800"}))
    return folder


def hidden(text):
    """Characters that would turn or hide what follows, or move a cursor."""
    return re.findall(
        r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08\x0b-\x1f]", text
    )


def test_markdown_obeys_nothing_in_a_text(tmp_path):
    folder = spoilt_rows(tmp_path)
    tables.update_machine(folder)
    page = (folder / "README.md").read_text()
    assert not hidden(page) and "Evil" in page
    html = mistune.create_markdown(escape=False, plugins=["table"])(page)
    tags = set(re.findall(r"<(\w+)", html))
    cells = {"table", "thead", "tbody", "tr", "th", "td"}
    assert tags <= {"h1", "h2", "p", "a", "strong", "img", "code", *cells}
    assert set(re.findall(r"<code>(.*?)</code>", html)) == {"python run_all.py tables"}
    assert html.count("<h1") == 1 and html.count("<img") == 1
    links = re.findall(r'href="([^"]*)"', html)
    assert links and all(x.startswith(("notebooks/", "records/")) for x in links)
    assert "<!--" not in html
    widths = {line.count("<t") for line in re.findall(r"<tr>.*?</tr>", html, re.S)}
    assert len(widths) == 1, "no cell is split in two"


@pytest.mark.parametrize(
    "text", ["# a", "- a", "+ a", "1. a", "2) a", "=== ", "---", "#"]
)
def test_the_start_of_a_line_of_markdown_is_text_too(text):
    html = mistune.create_markdown(escape=False)(markdown.escape(text))
    assert html == f"<p>{text.strip()}</p>\n"


def test_a_link_of_markdown_ends_where_it_should():
    evil = "https://example.org/)<b>[x](javascript:1)|`"
    assert is_address(evil)
    line = markdown.lines(Table("", ["a"], [[Cell("t", evil)]]), Path("/"))[-1]
    html = mistune.create_markdown(escape=False)(line.strip("| "))
    assert html.startswith('<p><a href="https://example.org/%29%3Cb%3E')
    assert html.count("<") == 4


def test_a_terminal_obeys_nothing_in_a_text():
    cells = [Cell(EVIL), Cell(EVIL, kind=FAILED)]
    console = Console(width=400, force_terminal=True, color_system=None)
    with console.capture() as shown:
        terminal.show(Table(EVIL, ["one", EVIL], [cells]), console)
    text = shown.get()
    assert not hidden(text)
    assert len([line for line in text.splitlines() if line.count("│") >= 3]) == 1


def test_a_chart_is_an_svg_whatever_its_labels_are():
    svg = charts.pairs(EVIL, [(EVIL, 1234.5, 0.00012)], (EVIL, "b"))
    texts = [part.text for part in xml.etree.ElementTree.fromstring(svg)]
    assert "0.00012" in texts and "1,234" in texts
    [label] = [t for t in texts if t and t.startswith("Evil") and "<script>" in t][:1]
    assert not hidden(label)


def render(tmp_path, template, **values):
    origin = Origin("", "", "2026-01-02")
    site = pages.Site(
        tmp_path, {}, origin=origin, menu=[], documents=[], documentation=[]
    )
    site.page("a.html", template, **values)
    return (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_page_obeys_nothing_in_a_text(tmp_path):
    machine = Machine.read(spoilt_rows(tmp_path))
    table = Table(
        EVIL, [EVIL], [[Cell(EVIL, "javascript:alert(1)", EVIL)]], [(EVIL, 1)]
    )
    html = render(
        tmp_path, "machine.html", machine=machine, sections=[(table, [], EVIL)]
    )
    assert not hidden(html)
    assert "<script>window" not in html and "<img" not in html and "<!--" not in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize("part", [safe.markdown, safe.clean])
def test_prose_and_outputs_turn_nothing(part):
    assert not hidden(part(f"a{TURNED} &#x202e; b\x07"))
    assert 'href="javascript' not in part("<a href='java&#x202e;script:alert(1)'>x</a>")


def test_code_that_turns_the_reading_direction_shows_where(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(notebook(TURNED), path)
    code = build.compare.cells.read(path).cells[-1]
    assert not hidden(code.code) and not hidden("".join(code.outputs))
    assert code.source == "x = 1  # " + "\ufffd" * len(TURNED)


def test_code_with_the_line_ends_of_another_system_is_shown_in_full(tmp_path):
    path = tmp_path / "a.ipynb"
    made = notebook()
    made.cells[1].source = "a = 1\r\nb = 2\rc = 3"
    nbformat.write(made, path)
    cell = build.compare.cells.read(path).cells[-1]
    assert cell.code.striptags().split() == [
        "a",
        "=",
        "1",
        "b",
        "=",
        "2",
        "c",
        "=",
        "3",
    ]


def test_a_link_of_a_document_is_escaped():
    evil = 'results/a"onclick="x/<b>.html'
    relink = documents._links("results", "results/page.html", {evil})
    html = safe.clean("<a href='a%22onclick=%22x/%3Cb%3E.html'>x</a>", relink)
    assert re.findall(r' (\w+)="', html) == ["href", "rel"]
    assert 'href="a%22onclick%3D%22x/%3Cb%3E.html"' in html
    assert "href" not in safe.clean("<a href='b.html'>x</a>", relink)


# scripts


@pytest.fixture
def served(hostile):
    with serving(hostile[0] / "site") as address:
        yield address


INJECTED = """
<script>window.hacked = "inline"</script>
<script src="injected.js"></script>
<script src="{file}"></script>
<img src="x" onerror="window.hacked = 'handler'">
<svg onload="window.hacked = 'handler'"></svg>
<a id="trap" href="javascript:window.hacked = 'link'">x</a>
"""


@pytest.mark.parametrize("way", ["file", "http"])
@pytest.mark.parametrize("name", ["index.html", "compare.html", "phrasebook.html"])
def test_no_script_but_the_site_s_own_runs(hostile, served, browser, way, name):
    """Even if something were written unescaped into a page."""
    site = hostile[0] / "site"
    script = site / "injected.js"
    script.write_text("window.hacked = 'script'")
    injected = INJECTED.format(file=script.as_uri())
    spoilt = site / f"spoilt-{name}"
    text = (site / name).read_text().replace("<main", f"{injected}<main", 1)
    spoilt.write_text(text)
    page = browser.new_page()
    page.goto(f"{site.as_uri() if way == 'file' else served}/{spoilt.name}")
    spoilt.unlink()
    page.locator("#trap").click()
    page.wait_for_timeout(100)
    assert page.evaluate("window.hacked") is None
    own = {"compare": "#row-train .code", "phrasebook": ".rail"}
    page.locator(own.get(name.partition(".")[0], ".skip")).first.wait_for(
        state="attached"
    )
    page.close()


def test_the_comparison_and_copying_work_when_served(served, browser):
    page = browser.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{served}/compare.html#CNN/Good/Other")
    page.locator("#row-train .code").nth(1).wait_for()
    page.goto(f"{served}/status.html")
    page.locator("thead button").first.click()
    assert page.locator("th[aria-sort=ascending]").count() == 1
    page.close()
    assert not complaints


@pytest.mark.parametrize("model", ["constructor", "__proto__", "toString"])
def test_an_address_with_a_word_of_javascript_shows_something(hostile, browser, model):
    page = browser.new_page()
    page.goto(f"{(hostile[0] / 'site').as_uri()}/compare.html#{model}/Good/{model}")
    page.locator("#row-train .code").first.wait_for()
    page.close()


def test_no_policy_admits_files_as_scripts(hostile):
    for path in (hostile[0] / "site").rglob("*.html"):
        policy = unescape(re.search(r'content="([^"]*)"', path.read_text())[1])
        found = re.search(r"script-src ([^;]*);", policy)[1].split()
        hashes = [one for one in found if one.startswith("'sha256-")]
        rest = [one for one in found if one not in hashes]
        if path.name == "search.html":
            assert len(hashes) == 2 and rest == ["'self'", "'wasm-unsafe-eval'"]
        else:
            assert (len(hashes), rest) in [(1, ["'strict-dynamic'"]), (0, ["'none'"])]


# the folder of the site


@pytest.fixture
def quick_build(monkeypatch):
    monkeypatch.setattr(
        build, "_write", lambda folder, _: (folder / "page").write_text("new")
    )


def test_neighbours_of_the_site_are_left_alone(tmp_path, quick_build):
    for name in ("web.old", "web.new", ".web-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.tex").touch()
    before = {path.name for path in tmp_path.iterdir()}
    for _ in range(2):
        build.build(tmp_path / "web")
    assert {path.name for path in tmp_path.iterdir()} == {*before, "web"}
    for name in before:
        assert (tmp_path / name / "thesis.tex").exists()


def test_a_link_as_output_is_refused(tmp_path, quick_build):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "web").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="web is a link"):
        build.build(tmp_path / "web")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_appears_in_the_folder_while_the_site_is_built_is_kept(
    tmp_path, monkeypatch
):
    def write(folder, _):
        (tmp_path / "web").mkdir()
        (tmp_path / "web" / "thesis.tex").touch()

    monkeypatch.setattr(build, "_write", write)
    with pytest.raises(UsageError, match="has other files in it"):
        build.build(tmp_path / "web")
    assert [path.name for path in tmp_path.rglob("*")] == ["web", "thesis.tex"]


def test_a_build_that_fails_leaves_the_old_site_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_write", lambda folder, _: (folder / "page").touch())
    build.build(tmp_path / "web")

    def write(folder, _):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "_write", write)
    with pytest.raises(OSError) as raised:
        build.build(tmp_path / "web")
    assert raised.value.filename == str(tmp_path / "web")
    assert [path.name for path in tmp_path.iterdir()] == ["web"]
    assert (tmp_path / "web" / "page").exists()


SLOWLY = """
import sys, time
from html import unescape
from pathlib import Path
from support.publish.site import build

def write(folder, _):
    for number in range(34):
        Path(folder, f"{number}.html").write_text("whole")
        time.sleep(0.02)

build._write = write
build.build(sys.argv[1])
"""


def test_three_builds_at_once_leave_a_whole_site(tmp_path):
    command = [sys.executable, "-c", SLOWLY, str(tmp_path / "web")]
    for at_once in (3, 1):
        builds = [subprocess.Popen(command, cwd=ROOT) for _ in range(at_once)]
        assert [one.wait(timeout=120) for one in builds] == [0] * at_once
        assert len(list((tmp_path / "web").glob("*.html"))) == 34
    assert [path.name for path in tmp_path.iterdir()] == ["web"]


# the server


class serving:
    """A server of the folder while the block runs; its address."""

    def __init__(self, folder):
        self.server = server.make_server(folder)

    def __enter__(self):
        threading.Thread(
            target=self.server.serve_forever, args=(0.05,), daemon=True
        ).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def small(tmp_path):
    """A served folder with one page; what asks for an address and returns status and body."""
    folder = tmp_path / "web"
    (folder / "part").mkdir(parents=True)
    (folder / "index.html").write_text("page")
    (folder / "part" / "a.txt").write_text("listed?")
    (tmp_path / "secret.txt").write_text(SECRET)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    with serving(folder) as address:
        port = int(address.rpartition(":")[2])

        def ask(target="/", host=f"127.0.0.1:{port}"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                named = f"Host: {host}\r\n" if host else ""
                client.sendall(
                    f"GET {target} HTTP/1.0\r\n{named}\r\n".encode("latin-1")
                )
                answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
            head, _, body = answer.partition("\r\n\r\n")
            return int(head.split()[1]), body

        ask.port = port
        yield ask


def test_pages_are_served_under_the_names_of_this_machine(small):
    for name in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
        assert small(host=f"{name}:{small.port}") == (200, "page")
    assert small(host="localhost:9999") == (200, "page"), "through a tunnel"


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:80", "localhost.example:80", ""]
)
def test_another_name_is_refused(small, host):
    status, body = small(host=host)
    assert status == 403 and "page" not in body.split()


@pytest.mark.parametrize(
    "target",
    [
        *("/%00", "/a%00.html", "/part", "/part/", "/link.txt", "/../secret.txt"),
        *("/%2e%2e/secret.txt", "/index.html/", "/" + "x" * 5000, "/nothing"),
    ],
)
def test_nothing_but_the_files_of_the_site_is_served(small, target):
    status, body = small(target)
    assert status == 404
    assert SECRET not in body and "a.txt" not in body
    assert small() == (200, "page")


def test_slow_clients_hold_few_threads_and_not_for_long(small, monkeypatch):
    monkeypatch.setattr(server.Handler, "timeout", 1)
    before = threading.active_count()
    clients = [socket.create_connection(("127.0.0.1", small.port)) for _ in range(300)]
    time.sleep(0.3)
    assert threading.active_count() - before <= server.MOST
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert threading.active_count() == before
    assert small() == (200, "page")
    for client in clients:
        client.close()


def test_a_client_that_drips_is_cut_off(small, monkeypatch):
    monkeypatch.setattr(server, "LONGEST", 0.5)
    with (
        socket.create_connection(("127.0.0.1", small.port)) as client,
        pytest.raises(OSError),
    ):
        for _ in range(50):
            client.sendall(b"G")
            time.sleep(0.1)


def test_an_error_ends_no_more_than_its_own_request(small, monkeypatch, capfd):
    def vanish(self):
        raise RuntimeError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(server.Handler, "send_head", vanish)
        with pytest.raises(IndexError):
            small()
    assert small() == (200, "page")
    assert capfd.readouterr().err == "not served: RuntimeError('gone')\n"


def test_files_that_vanish_do_not_end_the_watching(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/1", "a/b/2", "3"):
        (tmp_path / name).touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    monkeypatch.setattr(serve, "SOURCES", (tmp_path, tmp_path / "gone"))
    scan = os.scandir

    def vanishing(path):
        if Path(path).name == "b":
            raise FileNotFoundError(2, "gone", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert {Path(path).name for path in serve.state()} == {"1", "3"}


def test_a_build_that_cannot_start_does_not_end_the_serving(
    tmp_path, monkeypatch, capfd
):
    def refuse(*_, **__):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "run", refuse)
    serve.rebuild(tmp_path / "web")
    assert "not built: [Errno 11]" in capfd.readouterr().err


def test_a_rebuild_heeds_no_settings_of_the_caller_s_python(
    tmp_path, monkeypatch, capfd
):
    (tmp_path / "numpy.py").write_text("raise ImportError('broken')")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "thesis.tex").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    serve.rebuild(tmp_path / "web")
    assert "not built: --output" in capfd.readouterr().err


# tables that cannot be written


def small_files():
    """No file may have more than 1,000 bytes: what is left of a disk that is almost full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def test_a_full_disk_is_told_in_one_line_and_leaves_the_old_tables(checkout):
    add_machine(checkout.root / "results" / "toy")
    page = checkout.root / "results" / "toy" / "README.md"
    page.write_text("old")
    done = subprocess.run(
        checkout.command("tables"),
        env={**checkout.variables, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=small_files,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert re.fullmatch(
        r"run_all.py: the tables cannot be written: .*: File too large", line
    )
    assert page.read_text() == "old"
    assert (checkout.root / "results/toy/notebooks/Good_CNN_run-1.ipynb").exists()
    assert not list((checkout.root / "results").rglob(".*"))


def test_the_page_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "README.md").mkdir()
    with pytest.raises(OSError) as raised:
        output.write(tmp_path / "README.md", "text", tmp_path)
    assert raised.value.filename == str(tmp_path / "README.md")
    assert raised.value.strerror


def test_executed_notebooks_go_only_once_the_pages_are_written(tmp_path, monkeypatch):
    folder = tmp_path / "toy"
    for number in (1, 2):
        date = f"2026-01-0{number}T03:04:05+00:00"
        add_machine(folder, f"Good_CNN_run-{number}", repeat=number, date=date)

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(output, "write_text", refuse)
        with pytest.raises(OSError):
            tables.update_machine(folder)
    assert len(list((folder / "notebooks").iterdir())) == 2
    tables.update_machine(folder)
    assert len(list((folder / "notebooks").iterdir())) == 1


def test_a_page_without_the_marks_stays_as_it_is(tmp_path, caplog):
    readme = tmp_path / "README.md"
    readme.write_text("# Mine\n")
    tables.fill(readme, "results", ["of ours"])
    assert readme.read_text() == "# Mine\n"
    assert "README.md has no place for its results" in caplog.text


def test_a_label_s_markup_stays_text_in_the_readme():
    some = next(iter(registry.frameworks().values()))
    spoilt = replace(some, label=EVIL)
    line = markdown.lines(frameworks.table([spoilt]), ROOT)[-1]
    assert not hidden(line) and r"\<script\>" in line and "\n" not in line
