"""Proofs: parity, transfer, mistakes and false friends, from their records.

Each of a machine's proofs has a frame of its own; see records.frame.
"""

from collections import defaultdict
from statistics import median
from typing import Any

import pandas as pd

from common.params import MODELS
from support import registry
from support.basics.numbers import counted
from support.equivalence import mistakes as planted
from support.equivalence.parity import in_words
from support.publish.table import EMPTY, FAILED, NONE, OUTDATED, Cell, Table
from support.publish.views import Key, evidence, failure, lines, place

TITLES = {"CNN": "VGG-style network", "RNN": "GRU", "Inference": "ResNet-50"}
Made = dict[tuple[str, float], tuple[Any, dict]]  # name, tolerance -> run, check


def _checks(runs: pd.DataFrame) -> dict[Key, Made]:
    """What was checked of each framework, and by which run: the newest that did."""
    found: dict[Key, Made] = defaultdict(dict)
    for _, run in runs.sort_values(["purpose", "date"]).iterrows():
        for check in run.record.get("checks", []):
            name = (check["check"], check["tolerance"])
            found[run.framework, run.environment][name] = (run, check)
    return found


def parity(model: str, runs: pd.DataFrame) -> Table:
    """How far each notebook of the model is from the reference."""
    runs = runs[runs.model == model].sort_values("date", na_position="first")
    made = _checks(runs)
    checks = dict.fromkeys(name for found in made.values() for name in found)
    gru = ["GRU"] if model == "RNN" else []
    heads = [f"{name} (≤ {limit:g})" if limit else name for name, limit in checks]
    body = []
    for key, label in lines([runs], [model]).items():
        mine = runs[(runs.framework == key[0]) & (runs.environment == key[1])]
        versions = dict.fromkeys(run.version for run, _ in made[key].values())
        body.append(
            [
                _label(label, mine),
                *(_gru(key[0]) for _ in gru),
                _round_trip(mine, runs.purpose.nunique()),
                *(_figure(made[key].get(name)) for name in checks),
                Cell(", ".join(versions)) if versions else EMPTY,
            ]
        )
    head = ["framework", *gru, "round trip", *heads, "version"]
    return Table(f"{model}: {TITLES[model]}", head, body)


def _label(label: str, runs: pd.DataFrame) -> Cell:
    kind = OUTDATED if runs.outdated.any() else ""
    return Cell(label, evidence(runs.iloc[-1]) if len(runs) else "", kind)


def _gru(key: str) -> Cell:
    known = registry.frameworks()
    return Cell(known[key].gru) if key in known else EMPTY


def _round_trip(runs: pd.DataFrame, parts: int) -> Cell:
    """A notebook that does not get its weights back unchanged stops, and has no checks."""
    checked = (
        runs[["checks" in record for record in runs.record]] if len(runs) else runs
    )
    if len(checked):
        return Cell("exact") if checked.purpose.nunique() == parts else EMPTY
    return failure(runs.iloc[-1]) if len(runs) else Cell("not run", kind=NONE)


def _figure(found: tuple[Any, dict] | None) -> Cell:
    """An error, or the number of parameters."""
    if found is None:
        return EMPTY
    run, check = found
    text = in_words(check)
    if check["check"] == "parameters" and pd.notna(run.parameters):
        text = f"{run.parameters:,}" + ("" if check["passed"] else " (differs)")
    return Cell(text, kind="" if check["passed"] else FAILED)


def summary(runs: pd.DataFrame) -> Table:
    """The largest errors of all frameworks."""
    head = ["model", "check", "notebooks", "median error", "largest error", "allowed"]
    body = []
    for model in MODELS:
        every = _checks(runs[runs.model == model]).values()
        for name in dict.fromkeys(name for made in every for name in made if name[1]):
            found = [made[name] for made in every if name in made]
            body.append(
                [Cell(model), Cell(name[0]), *_largest(found), Cell(f"{name[1]:g}")]
            )
    return Table("Parity", head, body)


def _largest(found: list[tuple[Any, dict]]) -> list[Cell]:
    """How many errors there are, their median and the largest."""
    errors = [float("inf") if c["error"] is None else c["error"] for _, c in found]
    run, check = found[errors.index(max(errors))]
    kind = "" if check["passed"] else FAILED
    largest = Cell(f"{in_words(check)} ({run.label})", kind=kind)
    return [Cell(str(len(found))), Cell(f"{median(errors):.1e}"), largest]


def pairs(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each model moved: the run's columns, `source`, the place in tables and the label
    of the framework that trained it, `trained`, for how many epochs, and what the pair says."""
    said = ["agreement", "accuracy_there", "accuracy_here", "obstacle"]
    rows = [
        {**run, **pair, "source": place(key), "trained": pair["epochs"]}
        for run in runs.sort_values("date", na_position="first").to_dict("records")
        for key, pair in run["record"].get("pairs", {}).items()
    ]
    return pd.DataFrame(rows, columns=[*runs.columns, "source", "trained", *said])


def transfers(runs: pd.DataFrame) -> list[Table]:
    """A matrix for each case: trained in the framework of the row, evaluated in the column's."""
    cases = dict(list(pairs(runs).groupby(["data", "model", "trained"])))
    order = sorted(cases, key=lambda case: (case[0] != "real", *case))
    return [_matrix(case, cases[case]) for case in order]


def _matrix(case: Any, found: pd.DataFrame) -> Table:
    data, model, epochs = case
    kind = "generated data" if data == "quick" else "real data"
    title = f"{model}, {kind}, {counted(epochs, 'epoch')} of training"
    targets = lines([found], [])
    body = []
    for source, mine in found.groupby("source"):
        cells = {(p.framework, p.environment): _pair(p) for p in mine.itertuples()}
        accuracy = Cell(f"{mine.accuracy_there.iloc[0]:.2%}")
        name = Cell(source[1])
        body.append([name, *(cells.get(t, EMPTY) for t in targets), accuracy])
    return Table(title, ["from \\ to", *targets.values(), "accuracy"], body)


def _pair(pair: Any) -> Cell:
    """The share that both classify alike; of kinds that differ also the accuracy that is left."""
    text = f"{pair.agreement:.2%}".replace("100.00%", "100%")
    return Cell(f"{text} / {pair.accuracy_here:.1%}" if pair.obstacle else text)


def mistakes(runs: pd.DataFrame) -> Table:
    """Mistakes made on purpose, and what caught each."""
    body = [
        [
            Cell(run.record["mistake"]["title"], evidence(run)),
            Cell(f"{run.label}, {run.model}"),
            Cell(
                caught(run.record) or "not caught",
                kind="" if caught(run.record) else FAILED,
            ),
        ]
        for run in runs.itertuples()
        if "mistake" in run.record
    ]
    return Table("", ["mistake", "notebook", "caught by"], body)


def caught(record: dict[str, Any]) -> str:
    """By which checks a mistake was caught, in words; "" if by none."""
    return ", ".join(
        f"{check['check']} {in_words(check)} ({check['tolerance']:g} allowed)"
        for check in record.get("checks", [])
        if not check["passed"]
    )


def options(trap: str) -> Table:
    """Which frameworks do what, where frameworks differ."""
    found, body = planted.traps()[trap], []
    idiomatic = [f for f in registry.frameworks().values() if not f.tuned]
    for option, text in found["options"].items():
        labels = [f.label for f in idiomatic if planted.convention(f, trap) == option]
        body += [[Cell(text), Cell(", ".join(labels))]] if labels else []
    return Table(found["title"], ["what it does", "frameworks"], body)
