"""The site does what it says in a browser, stays small, and nothing in it acts unasked."""

import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from toy_site import EVIL, PHONE, shown, tops

from support import registry
from support.basics.errors import UsageError
from support.basics.paths import ROOT
from support.publish.site import (
    build,
    cells,
    compare,
    phrasebook,
    safe,
    serve,
)
from support.publish.site.families import families
from support.publish.site.server import make_server

HEAVIEST = 15e6  # bytes
HEAVIEST_PAGE = 200e3  # bytes, with all that it loads

FAMILIES = families(registry.frameworks())
IDIOMATIC = [family for family in FAMILIES if not family.tuned]
NOTEBOOKS = compare.read(FAMILIES)

# the build


def test_the_site_is_small(site):
    weight = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert weight < HEAVIEST


class Links(HTMLParser):
    """The ids, the links and what else a page asks for."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.parts = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        if "href" in found:
            (self.links if tag == "a" else self.parts).append(found["href"])
        if "src" in found:
            self.parts.append(found["src"])


def test_every_link_leads_somewhere_and_pages_are_made_of_the_site_alone(site):
    pages = {path: Links(path) for path in site.rglob("*.html")}
    assert len(pages) > 100
    for path, page in pages.items():
        for href in page.links + page.parts:
            parts = urlsplit(href)
            if parts.scheme:
                assert href not in page.parts or parts.scheme == "data", (path, href)
                continue
            assert not href.startswith("/"), (path, href)
            target = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path
            )
            assert target.exists(), (path, href)
            if parts.fragment and target.name not in (
                "compare.html",
                "phrasebook.html",
                "search.html",
            ):
                assert parts.fragment in pages[target].ids, (path, href)


def test_damaged_files_and_unknown_frameworks_stop_nothing(site):
    assert not (site / "results" / "toy" / "damaged.html").exists()
    page = (site / "results" / "toy" / "Gone_CNN_run-1.html").read_text()
    assert "Gone: CNN" in page and "There is no executed notebook" in page


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="has other files in it"):
        build.build(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_what_the_site_had_before_is_gone_and_the_rest_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_write", lambda folder, _: (folder / "new").touch())
    build.build(tmp_path / "site")
    (tmp_path / "site" / "old").touch()
    build.build(tmp_path / "site")
    assert (tmp_path / "site" / "new").exists()
    assert not (tmp_path / "site" / "old").exists()


def test_the_command_line_says_what_is_wrong_in_one_line(tmp_path):
    (tmp_path / "thesis.tex").touch()
    command = [sys.executable, str(ROOT / "run_all.py"), "site", "--output", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"run_all.py: --output: {tmp_path} has other files in it\n"


def test_serving_shows_the_folder_and_heeds_changes(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("first")
    monkeypatch.setattr(serve, "SOURCES", (tmp_path,))
    server = make_server(tmp_path)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/index.html"
    assert urllib.request.urlopen(address).read() == b"first"
    server.shutdown()
    server.server_close()
    before = serve.state()
    assert serve.state() == before
    (tmp_path / "new").touch()
    assert serve.state() != before


def test_a_mistake_does_not_end_the_serving(tmp_path, capfd):
    (tmp_path / "thesis.tex").touch()
    serve.rebuild(tmp_path)
    assert "not built: --output" in capfd.readouterr().err


RENAMED = """
from pathlib import Path
from support import registry
from support.publish.site import serve
registry.frameworks()
entry = Path("support/registry/frameworks/PyTorch.toml")
text = entry.read_text(encoding="utf-8")
entry.write_text(text.replace('"PyTorch"', '"Py-Torch"', 1), encoding="utf-8")
serve.rebuild("site")
"""


def test_a_changed_registry_is_read_anew_while_serving(tmp_path):
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("support", "common", "results/2018"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    for path in (ROOT / "notebooks").glob("*_CNN.ipynb"):
        if path.name.startswith(("PyTorch", "JAX")):
            (tmp_path / "notebooks").mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / "notebooks")
    subprocess.run([sys.executable, "-c", RENAMED], cwd=tmp_path, check=True)
    assert "Py-Torch" in (tmp_path / "site" / "status.html").read_text()


# the phrasebook's markers

PYTHON = """\
class Net(Module):
    def __init__(self):
        self.one = Dense(
            10, name="a) string"
        )
        self.two = Dense(5)

    def forward(self, x):
        return self.two(self.one(x))


net = Net()
"""
JULIA = """\
struct Dense
    w
    b
end
function (d::Dense)(x)
    return d.w * x
end
for p in params(model)
    p.opt = 1
end
last = 2
"""
R = """\
f <- function(x) {
  # a comment (with a bracket
  x + 1
}
model <- list(
  dense(10L), # one
  dense(2L)
)
"""


@pytest.mark.parametrize(
    "language, source, beginnings, expected",
    [
        ("python", PYTHON, ["self.two = "], "self.two = Dense(5)"),
        (
            "python",
            PYTHON,
            ["self.one = "],
            'self.one = Dense(\n    10, name="a) string"\n)',
        ),
        (
            "python",
            PYTHON,
            ["def forward", "self.two = "],
            "self.two = Dense(5)\n\ndef forward(self, x):\n    return self.two(self.one(x))",
        ),
        (
            "python",
            PYTHON,
            ["class Net", "return self.two", "net = "],
            PYTHON.rstrip().replace("\n\n\nnet", "\n\nnet"),
        ),
        (
            "python",
            PYTHON,
            ["self.two = ", "net ="],
            "self.two = Dense(5)\n…\nnet = Net()",
        ),
        ("julia", JULIA, ["struct Dense"], "struct Dense\n    w\n    b\nend"),
        (
            "julia",
            JULIA,
            ["function", "for p"],
            JULIA[JULIA.index("function") :].partition("\nlast")[0],
        ),
        ("R", R, ["f <-"], R[: R.index("\nmodel")]),
        ("R", R, ["dense(10L)"], "dense(10L), # one"),
        ("R", R, ["model"], R[R.index("model") :].rstrip()),
    ],
)
def test_a_phrase_is_the_whole_statement(language, source, beginnings, expected):
    assert phrasebook.snippet(source, beginnings, language) == expected


@pytest.mark.parametrize(
    "beginning, trouble", [("self.three", "no line starts"), ("self.", "2 lines start")]
)
def test_a_marker_that_does_not_fit_is_named_and_left_out(beginning, trouble, caplog):
    phrases = {"adam": [beginning], "gru": ["net ="], "nonsense": "why not", "loss": 3}
    cell = cells.Cell("model", "", PYTHON, phrases=phrases)
    notebook = cells.Notebook(ROOT / "A_CNN.ipynb", "A", "python", (cell,))
    family = FAMILIES[0]
    known = [task for task in phrasebook.tasks() if task.id in phrases]
    found = phrasebook.entries(known, [family], {(family.prefix, "CNN"): notebook})
    assert [len(found[task.id][0].snippets) for task in known] == [
        int(task.id == "gru") for task in known
    ]
    where = "A_CNN.ipynb: cell model, task"
    assert f"{where} adam is left out: {trouble} with '{beginning}'" in caplog.text
    assert f"{where} nonsense is left out: there is no such task" in caplog.text
    assert f"{where} loss is left out: it should be a text or a list" in caplog.text


def test_every_family_has_an_entry_for_every_task_or_says_why_not(caplog):
    known = phrasebook.tasks()
    assert len(known) >= 14
    found = phrasebook.entries(known, IDIOMATIC, NOTEBOOKS)
    missing = [
        (task, entry.family.prefix)
        for task, entries in found.items()
        for entry in entries
        if not entry.snippets and not entry.reason
    ]
    assert not missing
    assert not caplog.records


# what enters a page


def test_the_style_sheet_knows_what_is_coloured_and_how_lines_are_indented(site):
    known = set(re.findall(r"\.(\w+)", (site / "static" / "site.css").read_text()))
    assert known >= {*cells.COLOURED.split("|"), f"i{cells.DEEPEST}"}
    html = cells.highlight('for x in f("a"):\n    go(1)', "python")
    assert html.striptags().replace(" ", "") == 'forxinf("a"):go(1)'
    assert "<span class=i4>go(" in html.replace("    go", "go")


def test_cleaned_html_has_nothing_that_acts():
    html = str(safe.clean(EVIL))
    for trouble in ("script", "onerror", "onload", "style", "iframe", "form", "img"):
        assert f"<{trouble}" not in html and f" {trouble}=" not in html, trouble
    assert "javascript:" not in html and "data:" not in html
    assert "Still here" in html


def test_a_page_s_links_lead_into_the_site_or_are_dropped(site):
    page = (site / "results" / "toy" / "parity.html").read_text()
    assert 'href="../../notebooks/JAX_CNN.html"' in page
    assert 'href="PyTorch_CNN_run-1.html"' in page
    assert "nowhere" in page and "main.py" not in page


# side by side


def test_two_frameworks_stand_side_by_side_row_by_row(view):
    page = view("compare.html#all")
    page.locator("#column-0").select_option("PyTorch")
    page.locator("#column-1").select_option("JAX")
    shown(page, "PyTorch | JAX (Flax NNX)")
    for cell in NOTEBOOKS["PyTorch", "CNN"].cells[1:]:
        left, right = tops(page, cell.tag, ".code")
        assert left == right, cell.tag
    lefts = page.locator("#row-train article").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().left)"
    )
    assert lefts[1] > lefts[0] + 500


def test_swap_link_third_column_and_back(view):
    page = view("compare.html#RNN/CNTK/Knet")
    shown(page, "CNTK | Julia: Knet")
    page.locator(".swap").click()
    shown(page, "Julia: Knet | CNTK")
    assert "reset_before" in page.locator("#row-model article").nth(1).inner_text()
    page.locator("#more").click()
    third = f"Julia: Knet | CNTK | {FAMILIES[0].label}"
    shown(page, third)
    assert len(set(tops(page, "train", ".code"))) == 1
    restored = view("compare.html" + page.evaluate("location.hash"))
    shown(restored, third)
    assert restored.locator("input[value=RNN]").is_checked()
    page.locator("#remove").click()
    shown(page, "Julia: Knet | CNTK")
    page.go_back()
    shown(page, third)


def test_a_link_to_a_cell_brings_it_into_view(view):
    page = view("compare.html#CNN/PyTorch/JAX/train")
    top = page.locator("#row-train").bounding_box()["y"]
    desk = page.locator("#desk").bounding_box()
    under = desk["y"] + desk["height"]
    assert under - 30 < top < under + 60
    page.get_by_role("link", name="data", exact=True).first.click()
    page.wait_for_function(
        "() => Math.abs(document.querySelector('#row-data').getBoundingClientRect().top) < 300"
    )


def test_an_address_that_makes_no_sense_shows_something_and_says_so(view):
    page = view("compare.html#LSTM/Nonsense/%3Cscript%3E")
    said = page.locator("#unknown").inner_text()
    assert "“LSTM”" in said and "“<script>”" in said
    first_two = """[...document.getElementById("options").content.children]
        .flatMap((group) => [...group.children]).slice(0, 2)
        .map((option) => option.textContent).join(" | ")"""
    shown(page, page.evaluate(first_two))


def test_a_cell_can_be_copied_also_where_a_file_may_not_use_the_clipboard(view):
    page = view("compare.html#CNN/PyTorch/JAX")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def copied(tag):
        page.locator(f"#row-{tag} .code").nth(1).hover()
        page.locator(f"#row-{tag} .copy").nth(1).click()
        page.locator(f"#row-{tag}", has_text="Copied").wait_for()
        return page.evaluate("navigator.clipboard.readText()")

    notebook = NOTEBOOKS["JAX", "CNN"]
    assert copied("train") == notebook.cell("train").source
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    assert copied("model") == notebook.cell("model").source


def test_the_notebook_and_its_executed_copies_can_be_opened(view):
    page = view("compare.html#CNN/PyTorch/JAX")
    page.locator("#row-title summary").first.click()
    copy = "PyTorch, 10 epochs (the protocol), fp32: Toy GPU"
    page.get_by_role("link", name=copy, exact=True).click()
    assert "The record" in page.content()
    page.go_back()
    page.locator("#row-title").get_by_role(
        "link", name="Open the notebook"
    ).first.click()
    assert "PyTorch_CNN.html" in page.url


def test_a_comparison_loads_little(view):
    page = view("index.html")
    loaded = set()
    page.on("request", lambda request: loaded.add(urlsplit(request.url).path))
    page.goto(page.url.replace("index.html", "compare.html#CNN/PyTorch/JAX"))
    page.locator("#row-evaluate .code").first.wait_for()
    assert any(path.endswith("compare.html") for path in loaded)
    assert sum(Path(unquote(path)).stat().st_size for path in loaded) < HEAVIEST_PAGE


def test_everything_can_be_reached_by_keyboard(view):
    page = view("compare.html#CNN/PyTorch/JAX")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.locator("#row-model", has_text="GRU").first.wait_for()
    assert page.locator("input[value=RNN]").is_checked()
    page.locator("#column-1").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "swap-1"
    page.keyboard.press("Enter")
    shown(page, "JAX (Flax NNX) | PyTorch")
    assert page.evaluate("document.activeElement.id") == "swap-1", "focus stays"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid", "and is seen"


@pytest.mark.parametrize(
    "address",
    [
        "index.html",
        "compare.html#RNN/PyTorch/JAX",
        "phrasebook.html",
        "results.html",
        "results/toy/index.html",
        "results/toy/parity.html",
        "status.html",
    ],
)
def test_a_phone_gets_one_column_and_nothing_to_scroll_sideways(view, address):
    page = view(address, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if address.startswith("compare"):
        cells = page.locator("#row-model article")
        assert [cells.nth(n).is_visible() for n in (0, 1)] == [True, False]
        assert page.locator("#row-model .who").first.is_visible()


def test_dark_mode_is_dark_and_legible(view):
    def lightness(page, what):
        colour = page.evaluate(f"getComputedStyle(document.body).{what}")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    for scheme in ("light", "dark"):
        page = view("compare.html", color_scheme=scheme)
        difference = lightness(page, "backgroundColor") - lightness(page, "color")
        assert (difference < -500) if scheme == "dark" else (difference > 500)


# phrasebook, results, status


def test_the_phrasebook_can_be_filtered_and_linked(view):
    page = view("phrasebook.html")
    everything = page.locator(".entry:visible").count()
    assert everything >= len(phrasebook.tasks()) * len(IDIOMATIC)
    page.get_by_label("Find").fill("adam")
    page.get_by_text("JAX (Flax NNX)").first.click()
    page.get_by_text("Chainer", exact=True).first.click()
    entries = page.locator(".entry:visible")
    assert 2 <= entries.count() < 8
    assert page.locator("#adam .entry:visible").count() == 2
    assert "optax.adam" in page.locator("#adam").inner_text()
    restored = view("phrasebook.html" + page.evaluate("location.hash"))
    assert restored.locator(".entry:visible").count() == entries.count()
    page.locator("#adam .entry:visible .place").first.click()
    assert page.url.endswith("compare.html#RNN/JAX/Chainer/optimizer")
    shown(page, "JAX (Flax NNX) | Chainer")


def test_a_task_can_be_linked(view):
    page = view("phrasebook.html#gru")
    assert -200 < page.locator("#gru h2").bounding_box()["y"] < 400


def test_a_table_sorts_by_numbers_and_back(view):
    page = view("results/toy/index.html")
    head = page.locator("th", has_text=re.compile("^s$"))
    place = head.evaluate("head => head.cellIndex")
    column = f"rows => rows.map((row) => row.cells[{place}].textContent.trim())"
    rows = page.locator("table").first.locator("tbody tr")
    head.locator("button").click()
    assert rows.evaluate_all(column) == ["50 (50–50)", "61", "70", "99", "123", "–"]
    head.locator("button").click()
    assert rows.evaluate_all(column) == ["123", "99", "70", "61", "50 (50–50)", "–"]
    assert head.get_attribute("aria-sort") == "descending"


def test_charts_show_their_values(view):
    page = view("results/toy/index.html")
    texts = page.locator(".chart").all_inner_texts()
    assert len(texts) == 4, "time, epochs cold and steady, throughput, accuracy"
    assert "123" in texts[0] and "JAX (Flax NNX)" in texts[0]
    assert "9" in texts[1].split() and "4.5" in texts[1].split()
    assert "9,997" in texts[2].split()
    assert "77.0%" in texts[3].split(), "the median of two runs"
    width = "line => line.getBoundingClientRect().width"
    assert page.locator(".range").first.evaluate(width) >= 0
    colour = "rect => getComputedStyle(rect).fill"
    assert page.locator(".bar").first.evaluate(colour) != "rgb(0, 0, 0)"


def test_generated_data_has_no_chart_and_no_place_among_results(view, site):
    page = view("results/toy/quick/index.html")
    assert "compare nothing" in page.locator(".lead").inner_text()
    assert not page.locator(".chart").count()
    results = (site / "results.html").read_text()
    tables = results[results.index("<section") : results.index('id="machines"')]
    assert "toy/PyTorch_CNN" in tables and "quick/" not in tables


def test_two_machines_are_compared_and_a_figure_leads_to_its_record(view):
    page = view("results.html")
    page.get_by_label("Machine").select_option("Toy GPU")
    page.locator("#CNN tr", has_text="123").get_by_role("link").click()
    facts = page.locator(".facts").inner_text()
    for fact in (
        "Toy CPU",
        "10 epochs (the protocol), fp32",
        "2026-01-02 03:04 UTC",
        "2.13.0",
    ):
        assert fact in facts
    page = view("results.html")
    page.get_by_role("link", name=re.compile("P100, 2018 and Toy GPU")).click()
    row = page.locator("tbody tr", has_text="PyTorch").first
    assert row.inner_text().split()[-3:] == ["51", "50", "1.02"]


def test_status_tells_what_failed_and_why(view):
    page = view("status.html")
    assert (
        "none (retired to the Apache Attic" in page.locator("table").first.inner_text()
    )
    toy = page.locator("section", has_text="Toy GPU").first

    def row(label):
        head = page.get_by_role("rowheader", name=label, exact=True)
        return toy.locator("tr", has=head).inner_text()

    assert "failed: " in row("CNTK")
    assert "✓ 1 of 1 fp32" in row("JAX (Flax NNX)")


def test_status_counts_all_runs_and_links_the_newest(view):
    page = view("status.html")
    toy = page.locator("section", has_text="Toy GPU").first
    toy.get_by_role("link", name="✓ 2 of 2 fp32").click()
    assert page.url.endswith("/results/toy/PyTorch_CNN_run-2.html")


def test_figures_of_an_earlier_notebook_are_marked_and_explained(view):
    earlier = "† measured with an earlier version of the notebook"
    page = view("results/toy/index.html")
    assert page.get_by_role("rowheader", name="Keras (TensorFlow) †").count() == 1
    assert page.get_by_role("rowheader", name="PyTorch", exact=True).count() == 1
    assert page.locator(".note").first.inner_text() == earlier
    page = view("results.html")
    page.get_by_label("Machine").select_option("Toy GPU")
    toy = page.locator("#CNN .setting:visible")
    assert toy.get_by_role("rowheader", name="Keras (TensorFlow) †").count() == 1
    assert toy.locator(".note").inner_text() == earlier


def test_generated_pages_become_pages_with_sortable_tables(view):
    page = view("results.html")
    page.get_by_role("link", name="Parity on a toy").click()
    rows = page.locator("tbody tr")
    page.locator("thead button").last.click()
    assert rows.all_inner_texts() == ["A\t1.0e-7", "B\t2.5e-5", "C\t1,000.0"]


@pytest.mark.parametrize(
    "address",
    [
        "compare.html#CNN/Hostile/PyTorch",
        "notebooks/Hostile_CNN.html",
        "results/toy/Hostile_CNN_run-1.html",
        "results/toy/CNTK_CNN_run-1.failed.html",
        "results/toy/index.html",
        "results/toy/parity.html",
        "status.html",
        "index.html",
    ],
)
def test_a_hostile_notebook_does_nothing(view, address):
    page = view(address)
    for link in page.locator("main a", has_text=re.compile("^a(nother)? link$")).all():
        link.click(timeout=1000)
    page.mouse.click(400, 400)
    page.wait_for_timeout(50)
    assert page.evaluate("window.hacked") is None
    assert page.locator("body").is_visible()
    assert not page.locator(
        "iframe, form[action], main script:not([type*=json])"
    ).count()


def test_an_svg_output_is_shown_as_a_picture(view):
    page = view("results/toy/Hostile_CNN_run-1.html")
    source = page.locator(".output img").first.get_attribute("src")
    assert source.startswith("data:image/svg+xml;base64,")
