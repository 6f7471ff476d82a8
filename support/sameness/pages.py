"""Pages of the proofs, made from their records: parity and transfer per machine, false friends, the README's summary."""

from common.files import write_text
from common.params import MODELS
from support import records
from support.paths import RESULTS, ROOT
from support.sameness import mistakes, parity
from support.tables import device_name, markdown_table, put

FOOT = "Made from the records by `python run_all.py tables`; do not edit."
NO_FIGURE = "–"
TITLES = {"CNN": "VGG-style network", "RNN": "GRU", "Inference": "ResNet-50"}


def update_machine(folder, frameworks):
    """Write the pages of what was proved on one machine."""
    for proof, page in PAGES.items():
        if (folder / proof / "records").is_dir():
            lines = page(folder, frameworks)
            write_text(folder / proof / "README.md", _text(lines))


def update_all(frameworks):
    """Write every page anew."""
    for folder in {folder for proof in PAGES for folder in _machines(proof)}:
        update_machine(folder, frameworks)
    write_text(RESULTS / "false-friends.md", _text(_false_friends(frameworks)))
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    write_text(readme, put(text, "sameness", _summary()))


def _machines(proof):
    return [path.parent.parent for path in sorted(RESULTS.glob(f"*/{proof}/records"))]


def _text(lines):
    return "\n".join([*lines, "", FOOT]) + "\n"


def _parity_page(folder, frameworks):
    found = _by_stem(folder / "parity")
    lines = [f"# Parity on {device_name(found.values(), folder)}", ""]
    lines += [
        "How far each notebook is from the float64 reference "
        "([reference.py](../../../support/sameness/reference.py)), in float32, on generated data. "
        "Outputs: the largest difference, relative to the largest output, after a short training, with "
        "the weights that it ended with. Then twenty optimizer steps on the same batches from given "
        "weights, without dropout: the largest relative error of a loss, and the largest relative error "
        "of a tensor of the final weights, in norm. The round trip, common weights into the framework "
        "and out again, is exact or the notebook stops.",
    ]
    for model in MODELS:
        rows = [
            _parity_row(framework, model, found)
            for framework in frameworks.values()
            if model in framework.models
        ]
        head = ["framework", *(["GRU"] if model == "RNN" else []), "round trip"]
        head += [
            f"{name} (≤ {tolerance:g})" if tolerance else name
            for name, tolerance in _columns(model)
        ]
        title = f"## {model}: {TITLES[model]}"
        lines += ["", title, "", *markdown_table(head, rows)]
    return lines


def _columns(model):
    """(check, tolerance) of a model, as its records name them."""
    columns = [("parameters", 0), ("outputs", parity.OUTPUTS[model])]
    if model in parity.CHECKS["steps"]:
        columns += [
            ("loss, step 1", parity.FIRST_LOSS),
            (f"loss, {parity.STEPS} steps", parity.LOSSES),
            ("final weights", parity.FINAL_WEIGHTS),
        ]
    return columns


def _by_stem(folder):
    """(framework, model, check) -> the record of the check, or of its failure if there is no other."""
    found = {}
    for path in sorted((folder / "records").glob("*.json")):
        record = records.read(path)
        if record:
            found.setdefault(
                path.name.removesuffix(".json").removesuffix(".failed"), record
            )
    return found


def _parity_row(framework, model, found):
    runs = [
        found.get(f"{framework.key}_{model}_{check}")
        for check, models in parity.CHECKS.items()
        if model in models
    ]
    measured = {
        check["check"]: check for run in runs if run for check in run.get("checks", [])
    }
    cells = [framework.label]
    if model == "RNN":
        cells.append(framework.gru)
    if not measured:
        reason = next((run["reason"] for run in runs if run), "not run")
        return [*cells, reason, *[NO_FIGURE] * len(_columns(model))]
    cells.append("exact" if all(run and "checks" in run for run in runs) else NO_FIGURE)
    for name, _ in _columns(model):
        check = measured.get(name)
        if check is None:
            cells.append(NO_FIGURE)
        elif name == "parameters":
            count = next(run["parameters"] for run in runs if "parameters" in run)
            cells.append(f"{count:,}" + ("" if check["passed"] else " **(differs)**"))
        else:
            cells.append(_figure(check))
    return cells


def _figure(check):
    """An error, in bold where it is too large."""
    text = parity.told(check)
    return text if check["passed"] else f"**{text}**"


def _summary():
    """The README's lines: the largest errors of all frameworks, and where the figures are."""
    lines = [""]
    for folder in _machines("parity"):
        found = _by_stem(folder / "parity")
        rows = []
        for model in MODELS:
            for name, tolerance in _columns(model):
                if tolerance:
                    rows.append(_summary_row(model, name, tolerance, found))
        head = [
            "model",
            "check",
            "notebooks",
            "median error",
            "largest error",
            "allowed",
        ]
        link = (folder / "parity" / "README.md").relative_to(ROOT)
        lines += [
            f"[Every framework's figures]({link}) on {device_name(found.values(), folder)}:",
            "",
            *markdown_table(head, rows),
            "",
        ]
    return lines


def _summary_row(model, name, tolerance, found):
    errors = {
        record["framework"]: check["error"]
        for record in found.values()
        for check in record.get("checks", [])
        if (record["model"], check["check"]) == (model, name)
        and check["error"] is not None
    }
    if not errors:
        return [model, name, 0, NO_FIGURE, NO_FIGURE, f"{tolerance:g}"]
    ordered = sorted(errors.values())
    worst = max(errors, key=errors.get)
    return [
        model,
        name,
        len(errors),
        f"{ordered[len(ordered) // 2]:.1e}",
        f"{errors[worst]:.1e} ({worst})",
        f"{tolerance:g}",
    ]


def _transfer_page(folder, frameworks):
    found = [r for r in records.read_all(folder / "transfer") if r.get("pairs")]
    lines = [f"# Transfer on {device_name(found, folder)}", ""]
    lines += [
        "Trained in the framework of the row, evaluated with the same weights in that of the column: the "
        "share of the test set that both classify alike. After a slash, where GRUs are of different kinds "
        "and the weights were forced in: the accuracy that is left. A dash: refused, for "
        "that reason, or not run. Generated data are so easy that mixed kinds may go unnoticed on them; real "
        "data show what it costs."
    ]
    cases = {(r["model"], r["data"], _trained_epochs(r)) for r in found}
    cases = sorted(cases, key=lambda case: (case[1] != "real", case))
    for model, data, epochs in cases:
        pairs = {
            (source, record["framework"]): pair
            for record in found
            if (record["model"], record["data"], _trained_epochs(record))
            == (model, data, epochs)
            for source, pair in record["pairs"].items()
        }
        kind = "generated data" if data == "quick" else "real data"
        plural = "s" if epochs > 1 else ""
        lines += ["", f"## {model}, {kind}, {epochs} epoch{plural} of training", ""]
        lines += _matrix(pairs, frameworks)
    return lines


def _trained_epochs(record):
    return next(iter(record["pairs"].values()))["epochs"]


def _matrix(pairs, frameworks):
    keys = [key for key in frameworks if any(key in pair for pair in pairs)]
    head = ["from \\ to", *(frameworks[key].label for key in keys), "accuracy"]
    body = []
    for source in keys:
        cells = [_pair(pairs.get((source, target))) for target in keys]
        own = [pairs[source, target] for target in keys if (source, target) in pairs]
        accuracy = f"{own[0]['accuracy_there']:.2%}" if own else NO_FIGURE
        body.append([frameworks[source].label, *cells, accuracy])
    return markdown_table(head, body)


def _pair(pair):
    if pair is None:
        return NO_FIGURE
    text = f"{pair['agreement']:.2%}".replace("100.00%", "100%")
    return f"{text} / {pair['accuracy_here']:.1%}" if pair["obstacle"] else text


def _mistakes_page(folder, frameworks):
    found = records.read_all(folder / "mistakes")
    lines = [f"# Mistakes on {device_name(found, folder)}", ""]
    lines += [
        "Notebooks with a mistake made on purpose, and the parity checks that caught it. What the "
        "mistakes are about is in [false friends](../../false-friends.md).",
        "",
    ]
    body = [
        [
            record["mistake"]["title"],
            f"{frameworks[record['framework']].label}, {record['model']}",
            _caught(record) or "**not caught**",
        ]
        for record in found
        if "mistake" in record
    ]
    return [*lines, *markdown_table(["mistake", "notebook", "caught by"], body)]


def _caught(record):
    return ", ".join(
        f"{check['check']} {parity.told(check)} ({check['tolerance']:g} allowed)"
        for check in record["checks"]
        if not check["passed"]
    )


def _false_friends(frameworks):
    lines = ["# False friends", ""]
    lines += [
        "What looks alike in two frameworks and is not. For each trap: which frameworks do which, "
        "and what it costs to miss it, measured by a run of a notebook that makes the mistake on "
        "purpose and is compared with the float64 reference like any other "
        "(see [parity](../support/sameness/parity.py))."
    ]
    made = mistakes.read_all()
    for name, trap in mistakes.traps().items():
        lines += ["", f"## {trap['title']}", "", trap["text"], ""]
        lines += _options(name, trap["options"], frameworks)
        if name == "gru_kind":
            lines += _kinds_mixed()
        lines += [line for record in made.get(name, []) for line in _mistake(record)]
    return lines


def _options(name, options, frameworks):
    body = []
    for option, text in options.items():
        followers = [
            framework.label
            for framework in frameworks.values()
            if mistakes.convention(framework, name) == option and not framework.tuned
        ]
        if followers:
            body.append([text, ", ".join(followers)])
    return markdown_table(["what it does", "frameworks"], body)


def _mistake(record):
    where = f"{record['framework']}, {record['model']}"
    return ["", f"**{record['mistake']['title']}** ({where}): {_caught(record)}."]


def _kinds_mixed():
    """What forcing weights into another kind of GRU cost, from the transfers that did."""
    lines = []
    for folder in _machines("transfer"):
        for record in records.read_all(folder / "transfer"):
            for source, pair in record.get("pairs", {}).items():
                if pair["obstacle"] and record["data"] == "real":
                    lines += [
                        "",
                        f"**{source}'s weights forced into {record['framework']}** on IMDB: accuracy "
                        f"{pair['accuracy_there']:.1%} becomes {pair['accuracy_here']:.1%}; "
                        f"{pair['agreement']:.1%} of the reviews are classified alike.",
                    ]
    return lines


PAGES = {
    "parity": _parity_page,
    "transfer": _transfer_page,
    "mistakes": _mistakes_page,
}
