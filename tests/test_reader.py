"""The reader answers “I know one framework and need another”: pairs, frameworks, traps, search, results."""

import csv
import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from toy_site import DESKTOP, PHONE, shown

from support import registry
from support.basics.errors import UsageError
from support.publish.site import compare, names, pairs
from support.publish.site.families import families, living
from support.publish.site.origin import Origin
from support.publish.views import traps

TABLET = {"width": 800, "height": 1000}
IDIOMATIC = [f for f in families(registry.frameworks()) if not f.tuned]
TODAY = living(IDIOMATIC)
NOTEBOOKS = compare.read(IDIOMATIC)
PAIR = "from/pytorch/to/jax/index.html"
HEAVIEST_PAIR = 100e3  # bytes
# One page of every kind.
KINDS = {
    "first": "index.html",
    "comparison": "compare.html#CNN/PyTorch/JAX/model",
    "phrasebook": "phrasebook.html",
    "traps": "results/false-friends.html",
    "results": "results.html",
    "status": "status.html",
    "pair": PAIR,
    "framework": "frameworks/pytorch/index.html",
    "notebook": "notebooks/PyTorch_CNN.html",
    "machine": "results/toy/index.html",
    "run": "results/toy/PyTorch_CNN_run-1.html",
    "two machines": "pairs/p100-2018--toy.html",
    "document": "docs/lessons.html",
}


# pairs


def test_every_pair_of_today_and_every_predecessor_has_a_page(site):
    for known in TODAY:
        for needed in TODAY:
            page = site / "from" / known.slug / "to" / needed.slug / "index.html"
            assert page.exists() == (known != needed), page
    found = pairs.find(IDIOMATIC)
    old = {(p.known.label, p.needed.label) for p in found if p.known not in TODAY}
    assert ("TensorFlow 1", "TensorFlow 2") in old and ("Chainer", "PyTorch") in old
    heaviest = max(path.stat().st_size for path in site.glob("from/*/to/*/index.html"))
    assert heaviest < HEAVIEST_PAIR


def test_a_pair_s_page_has_traps_names_phrases_and_weights_without_scripts(view):
    page = view(PAIR, java_script_enabled=False)
    assert page.title().startswith("From PyTorch to JAX")
    flatten = page.locator("#traps tr", has_text="Flatten order").inner_text()
    assert "channel, row, column" in flatten and "row, column, channel" in flatten
    assert "error" in flatten
    row = page.locator("#names tr", has_text="Convolution with same padding")
    assert row.inner_text().split("\t")[1:] == ["nn.Conv2d F.relu", "nnx.Conv"]
    link = row.get_by_role("link", name="nn.Conv2d").get_attribute("href")
    assert link.endswith("/generated/torch.nn.Conv2d.html")
    gru = page.locator("#gru")
    assert "nn.GRU" in gru.inner_text() and "jax.lax.scan" in gru.inner_text()
    for model in ("CNN", "RNN"):
        section = page.locator("#weights section", has_text=model)
        for cell in (
            NOTEBOOKS[key, model].cell("weights") for key in ("PyTorch", "JAX")
        ):
            assert cell.source.split("\n")[0] in section.inner_text()
    description = page.locator("meta[name=description]").get_attribute("content")
    assert "PyTorch" in description and "JAX" in description


def test_a_pair_s_page_says_who_was_faster_where_both_were_measured(view):
    page = view(PAIR)
    section = page.locator("#speed h3:has-text('Toy GPU') + .scroll")
    assert section.locator("tbody tr").inner_text().split("\t")[1:] == [
        "PyTorch",
        "50 (50–50)",
        "JAX (Flax NNX)",
        "123",
        "0.41",
    ]


def test_a_pair_prints_on_few_pages_with_everything_on_it(view):
    page = view(PAIR)
    pdf = page.pdf(format="A4")
    count = len(re.findall(rb"/Type\s*/Page[^s]", pdf))
    assert 2 <= count <= 4


def test_the_first_page_asks_and_leads_to_the_pair(view):
    page = view("index.html")
    page.get_by_label("I know").select_option(label="PyTorch")
    page.get_by_label("I need").select_option(label="JAX (Flax NNX)")
    page.get_by_role("button", name="Show me").click()
    page.wait_for_url("**/" + PAIR)
    page = view("index.html")
    page.get_by_label("I know").select_option(label="Chainer")
    page.get_by_label("I need").select_option(label="PyTorch")
    assert page.get_by_role("button", name="Show me").is_enabled()
    page.get_by_label("I need").select_option(label="MLX")
    assert page.get_by_role("button", name="Show me").is_disabled()
    assert "no page from Chainer" in page.locator("#ask output").inner_text()


def test_names_are_those_of_the_library_whole_and_as_written():
    notebook = NOTEBOOKS["PyTorch", "CNN"]
    source = "x = F.relu(self.conv1(x))\n…\nmodel.eval()\nitems.append(torch.cat(x))"
    found = [(name.shown, name.whole) for name in names.used(source, notebook)]
    assert found == [
        ("F.relu", "torch.nn.functional.relu"),
        (".eval", ".eval"),
        ("torch.cat", "torch.cat"),
    ]
    assert names.used("else:", notebook) == []
    r = NOTEBOOKS["Keras_R", "CNN"]
    (name,) = names.used('layers$Dense(512L) # f(x), "g(x)"', r)
    assert (name.shown, name.whole) == ("layers$Dense", "layers.Dense")


@pytest.mark.parametrize(
    ("whole", "address"),
    [
        ("lib.nn.Conv", "https://example.org/lib/nn/Conv.html"),
        ("lib.special", "https://example.org/special"),
        ("other.f", ""),
        ("evil.f", ""),
    ],
)
def test_a_name_is_documented_by_its_longest_known_beginning(whole, address):
    known = {
        "lib": "https://example.org/lib/{path}.html",
        "lib.special": "https://example.org/special",
        "evil": "javascript:alert('{name}')",
    }
    assert names.documented(names.Name("n", whole), known) == address


# frameworks and traps


def test_a_framework_s_page_has_its_conventions_results_and_neighbours(view):
    page = view("frameworks/pytorch/index.html", java_script_enabled=False)
    facts = page.locator(".facts").first.inner_text()
    assert "living" in facts and "Caffe2, Chainer" in facts
    assert "(out, in)" in page.locator("#conventions").inner_text()
    assert "Toy GPU" in page.locator("#results").inner_text()
    neighbours = page.locator("section", has_text="To PyTorch from")
    neighbours.get_by_role("link", name="Chainer").click()
    assert page.title().startswith("From Chainer to PyTorch")


def test_traps_stand_by_cost_and_can_be_linked(view):
    costs = [trap.cost for trap in traps.traps()]
    assert costs == sorted(costs, reverse=True) and costs[0] > 1
    page = view("results/false-friends.html#flatten")
    assert -50 < page.locator("#flatten h2").bounding_box()["y"] < 400
    kinds = page.locator("#gru-kind li").all_inner_texts()
    assert len([text for text in kinds if text.startswith("Weights forced")]) == 1


# side by side


def test_traps_between_the_two_stand_at_their_cells(view):
    page = view("compare.html#CNN/PyTorch/JAX")
    warning = page.locator("#warning")
    assert "traps between PyTorch and JAX" in warning.inner_text()
    warning.locator("summary").click()
    warning.get_by_role("link", name="Flatten order").click()
    note = page.locator("#row-weights .trap-note", has_text="Flatten order")
    assert "row, column, channel" in note.inner_text()
    note.get_by_role("link").click()
    assert page.url.endswith("results/false-friends.html#flatten")


def test_the_frame_is_folded_and_unfolds(view):
    page = view("compare.html#CNN/PyTorch/JAX")
    assert not page.locator("#row-imports .code").first.is_visible()
    assert page.locator("#row-model .code").first.is_visible()
    page.get_by_label("All cells").check()
    page.locator("#row-imports .code").first.wait_for()
    assert page.url.endswith("#CNN/PyTorch/JAX/all")
    page = view("compare.html#CNN/PyTorch/JAX/data")
    assert page.locator("#row-data .code").first.is_visible()


def resting_place(page):
    """Where the train row is in the window, in pixels, once ten frames have not moved it."""
    return page.evaluate(
        """() => new Promise((resolve) => {
          let last = NaN, still = 0;
          const look = () => {
            const { y } = document.getElementById("row-train").getBoundingClientRect();
            still = y === last ? still + 1 : 0;
            last = y;
            if (still === 10) resolve(y);
            else requestAnimationFrame(look);
          };
          look();
        })"""
    )


@pytest.mark.parametrize("viewport", [DESKTOP, TABLET, PHONE])
def test_another_framework_keeps_the_place(view, viewport):
    page = view("compare.html#CNN/PyTorch/JAX/train", viewport=viewport)
    page.wait_for_function("() => scrollY > 500")
    before = resting_place(page)
    page.locator("#column-1").select_option(label="MLX")
    shown(page, "PyTorch | MLX")
    assert abs(resting_place(page) - before) < 3
    assert page.url.endswith("#CNN/PyTorch/MLX/train"), "the cell stays in the address"


def test_a_step_that_the_address_has_already_scrolls_again_and_takes_the_focus(view):
    page = view("compare.html#CNN/PyTorch/JAX/train")
    page.wait_for_function("() => scrollY > 500")
    page.evaluate("() => scrollTo(0, 0)")
    page.locator("#steps").get_by_role("link", name="train").click()
    page.wait_for_function("() => scrollY > 500")
    assert page.evaluate("document.activeElement.closest('.row').id") == "row-train"


def test_a_phone_has_a_tab_for_each_framework_that_keeps_the_place(view):
    page = view("compare.html#CNN/PyTorch/JAX/train", viewport=PHONE)
    page.wait_for_function("() => scrollY > 500")
    mine = page.locator("#row-train article")
    assert [mine.nth(n).is_visible() for n in (0, 1)] == [True, False]
    before = resting_place(page)
    page.locator("#tabs").get_by_text("JAX").click()
    assert [mine.nth(n).is_visible() for n in (0, 1)] == [False, True]
    assert abs(resting_place(page) - before) < 3


def test_every_cell_has_a_button_to_copy_it_and_a_link(view):
    page = view("compare.html#CNN/PyTorch/JAX")
    opacity = "button => Number(getComputedStyle(button).opacity)"
    assert page.locator("#row-model .copy").first.evaluate(opacity) > 0.5
    link = page.locator("#row-model .permanent").get_attribute("href")
    assert link == "#CNN/PyTorch/JAX/model"
    page = view("notebooks/PyTorch_CNN.html")
    assert page.locator("#model .permanent").get_attribute("href") == "#model"


# search


@pytest.mark.parametrize(
    ("words", "task"),
    [
        ("nn.GRU", "GRU, the last output"),
        ("MaxPool2d", "Max pooling"),
        ("no_grad", "Predict a batch"),
        ("DataLoader", "Data pipeline"),
        ("save model", "Read a weight"),
        ("fully connected", "Dense layer"),
    ],
)
def test_search_finds_the_task_in_all_chosen_frameworks(view, served, words, task):
    page = view(
        f"search.html#q={words}&frameworks=PyTorch,MLX,TensorFlow", served=served
    )
    found = page.locator(
        "#found li", has=page.get_by_role("link", name=task, exact=True)
    )
    found.first.wait_for()
    labels = found.first.locator("dt").all_inner_texts()
    assert set(labels) <= {"PyTorch", "MLX", "TensorFlow 2"} and len(labels) >= 2
    found.first.get_by_role("link", name=task).click()
    assert re.search(r"(phrasebook|docs/lessons)\.html#", page.url)


def test_search_finds_pages_traps_and_cells(view, served):
    page = view("search.html#q=flatten", served=served)
    page.locator("#found section").first.wait_for()
    heads = page.locator("#found h2").all_inner_texts()
    assert {"Tasks", "Traps", "Cells"} <= set(heads)
    page.get_by_label("Search for").fill("from Chainer to PyTorch")
    page.get_by_role("link", name="From Chainer to PyTorch").click()
    assert page.url.endswith("from/chainer/to/pytorch/index.html")


def test_search_says_what_it_needs_where_pages_are_files(view):
    page = view("search.html#q=adam")
    assert "--serve" in page.locator("#count").inner_text()


@pytest.mark.parametrize(
    ("words", "task"),
    [("nn.GRU", "gru"), ("fully connected", "dense"), ("save model", "read_weight")],
)
def test_in_the_phrasebook_a_hit_in_one_framework_shows_the_others(view, words, task):
    page = view(f"phrasebook.html#find={words}&frameworks=PyTorch,JAX,NumPy")
    entries = page.locator(f"#{task} .entry:visible h3").all_inner_texts()
    assert entries == ["JAX (Flax NNX)", "NumPy", "PyTorch"]


# results


def test_results_can_be_chosen_and_the_address_keeps_the_choice(view):
    page = view("results.html")
    assert "Fastest on the" in page.locator(".story").first.inner_text()
    page.get_by_label("Machine").select_option("Toy GPU")
    page.get_by_label("Frameworks").select_option("archived")
    rows = page.locator(".setting:visible tbody tr:visible")
    assert rows.locator("th").all_inner_texts() == ["CNTK"]
    again = view("results.html" + page.evaluate("location.hash"))
    assert again.locator(".setting:visible tbody tr:visible").count() == rows.count()
    page.get_by_label("Precision").select_option("bf16")
    assert "Nothing was measured" in page.locator("#choose output").inner_text()


def test_reduced_runs_are_folded_and_the_protocol_on_a_gpu_comes_first(view):
    page = view("results.html")
    states = page.locator("#CNN .setting").evaluate_all(
        "all => all.map((one) => [one.dataset.extent, one.open])"
    )
    opened = [extent for extent, is_open in states if is_open]
    assert opened and set(opened) == {"whole"}
    assert states[0] == ["whole", True] and ["reduced", False] in states


def test_figures_stand_to_the_right_with_how_many_times_the_fastest(view):
    page = view("results/toy/index.html", java_script_enabled=False)
    head = page.locator("table").first.locator("thead th").all_inner_texts()
    assert "of fastest" in head
    cell = page.locator("tr", has_text="JAX (Flax NNX)").first.locator("td")
    times = cell.nth(head.index("of fastest") - 1)
    assert times.inner_text() == "2.47×"
    assert times.evaluate("one => getComputedStyle(one).textAlign") == "right"


def test_the_timeline_goes_from_the_oldest_gpu_to_the_newest(view):
    page = view("results.html")
    bars = page.locator("#CNN > .chart text").all_text_contents()
    years = [int(text[:4]) for text in bars if re.match(r"20\d\d ", text)]
    assert years == sorted(years) and years[0] == 2014 and len(years) >= 7


def test_a_run_has_its_record_how_to_repeat_it_and_how_to_cite_it(view, site):
    page = view("results/toy/PyTorch_CNN_run-2.html")
    facts = page.locator(".facts").inner_text()
    assert (
        "python run_all.py run -f PyTorch -m CNN --epochs 10 --precision fp32" in facts
    )
    assert "PyTorch, CNN, 10 epochs (the protocol), fp32, run 2, on Toy GPU" in facts
    assert (
        json.loads((site / "results/toy/PyTorch_CNN_run-2.json").read_text())["repeat"]
        == 2
    )
    assert page.get_by_role("link", name="JSON").get_attribute("href").endswith(".json")


def test_all_runs_can_be_downloaded(site):
    table = list(csv.DictReader((site / "results.csv").open()))
    records = json.loads((site / "results.json").read_text())
    assert len(table) == len(records) > 20
    toys = [
        row for row in table if row["machine"] == "toy" and row["framework"] == "JAX"
    ]
    assert [row["seconds"] for row in toys] == ["123.4"]
    assert not {"path", "folder", "record"} & set(table[0])


# without scripts, on paper, for everybody


@pytest.mark.parametrize("address", KINDS.values(), ids=KINDS)
def test_nothing_is_dead_without_scripts(view, address):
    page = view(address, java_script_enabled=False)
    for part in ("button", "select", "input"):
        assert not page.locator(f"{part}:visible").count()
    assert page.locator("main").inner_text().strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [(DESKTOP, "light"), (TABLET, "dark"), (PHONE, "light")],
    ids=["1440", "800", "390"],
)
@pytest.mark.parametrize("address", KINDS.values(), ids=KINDS)
def test_a_page_is_accessible_and_fits(view, address, viewport, scheme):
    page = view(address, viewport=viewport, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    # preload would fetch style sheets, which the pages do not allow; what passes is thousands of nodes
    options = {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    assert not found, [
        (one["id"], [n["html"] for n in one["nodes"][:3]]) for one in found
    ]


def test_a_repository_gives_links_to_its_files(tmp_path):
    origin = Origin("https://github.com/Owner/stone", "abc123", "2026-01-02")
    assert (
        origin.page("from/a/to/b/index.html")
        == "https://owner.github.io/stone/from/a/to/b/"
    )
    assert origin.source("notebooks/A.ipynb").endswith("/blob/abc123/notebooks/A.ipynb")
    assert origin.colab("notebooks/A.ipynb").startswith(
        "https://colab.research.google.com/"
    )
    elsewhere = Origin("https://example.org/stone", "abc123", "2026-01-02")
    assert elsewhere.colab("notebooks/A.ipynb") == "" and elsewhere.site == ""
    with pytest.raises(UsageError, match="https://"):
        Origin.of("javascript:alert(1)")


def test_pages_say_when_and_from_what_they_were_made(site):
    page = Path(site, "index.html").read_text()
    assert re.search(r"on \d{4}-\d\d-\d\d", page) and "MIT licence" in page
    assert (site / "LICENSE.txt").exists() and (site / "CITATION.cff").exists()
