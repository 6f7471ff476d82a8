"""Results: every machine and setting on one page to choose from, each on its own, and as data."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from common.params import MODELS
from support import registry
from support.basics.paths import RESULTS
from support.publish import charts
from support.publish.site import runs, safe
from support.publish.site.pages import Site
from support.publish.systems import Machine, System, article
from support.publish.table import Table
from support.publish.views import comparisons, frameworks, results
from support.records.key import PROTOCOL_EPOCHS, TITLES, Group

DATA = "results.{}"  # what can be downloaded: .csv and .json
NOT_DATA = ["record", "path", "folder", "executed", "group", "order", "label"]
Option = tuple[str, str]  # value, and what is shown
BASELINE = "p100-2018"  # what today's GPUs are compared with


@dataclass(frozen=True)
class Setting:
    """What one machine measured of a model with one setting."""

    system: System
    group: Group
    table: Table
    chart: Markup
    caption: str

    @property
    def name(self) -> str:
        return f"{self.system.name}: {self.group.settings or self.group.precision}"

    @property
    def whole(self) -> bool:
        """Whether it is the protocol's own extent."""
        group = self.group
        return group.examples is None and group.epochs == PROTOCOL_EPOCHS.get(
            group.model
        )

    @property
    def first(self) -> bool:
        """Whether a reader sees it at once: a GPU of ours with the protocol."""
        return (
            self.whole
            and isinstance(self.system, Machine)
            and self.system.kind == "gpu"
        )


@dataclass(frozen=True)
class Section:
    """A model of the page."""

    id: str
    title: str
    story: str
    timeline: Markup
    settings: list[Setting]


def folder(machine: Machine) -> str:
    """The folder of a machine's pages in the site."""
    return machine.folder.relative_to(RESULTS.parent).as_posix()


def places(machines: Iterable[Machine]) -> dict[str, str]:
    """Which page shows a record or an executed notebook."""
    found = {}
    for machine in machines:
        for run in machine.runs.itertuples():
            page = runs.page(folder(machine), run)
            found[str(run.path)] = page
            if run.executed:
                found[str(run.executed)] = page
    return found


def write(site: Site, machines: Sequence[Machine]) -> None:
    """All pages about results."""
    real = [machine for machine in machines if not machine.quick]
    compared = [*article(), *real]
    shown = [(machine, f"{folder(machine)}/index.html") for machine in machines]
    for machine, page in shown:
        _write_machine(site, machine, page)
    sections = [_section(model, compared, real) for model in MODELS]
    site.page(
        "results.html",
        "results.html",
        ["results"],
        models=sections,
        choices=_choices(sections),
        machines=shown,
        pairs=_write_pairs(site, compared),
    )
    _write_data(site, real)
    site.page(
        "status.html",
        "status.html",
        frameworks=frameworks.table(registry.frameworks().values()),
        machines=[results.status(machine) for machine in machines],
    )


def _section(
    model: str, compared: Sequence[System], machines: Sequence[Machine]
) -> Section:
    settings = [
        Setting(
            system,
            group,
            results.table(group, rows, getattr(system, "ceilings", {})),
            safe.own(charts.time(group, rows, style="")),
            comparisons.caption(system, rows),
        )
        for system in reversed(compared)
        for group, rows in system.groups.items()
        if group.model == model
    ]
    settings.sort(key=lambda one: (not one.first, not one.whole))
    then = next(system for system in compared if system.slug == BASELINE)
    ages = comparisons.by_year(model, compared)
    title = "Fastest training of the protocol by GPU, seconds, less is better"
    return Section(
        model,
        TITLES[model],
        comparisons.story(model, then, machines),
        safe.own(charts.ages(title, ages)) if len(ages) > 1 else Markup(),
        settings,
    )


def _choices(sections: Iterable[Section]) -> list[tuple[str, str, list[Option]]]:
    """(name, label, options) of what a reader may choose by."""
    sections = list(sections)
    settings = [setting for section in sections for setting in section.settings]
    machines = dict.fromkeys(setting.system.name for setting in settings)
    precisions = dict.fromkeys(setting.group.precision for setting in settings)
    return [
        ("machine", "Machine", [(name, name) for name in machines]),
        ("model", "Model", [(section.id, section.title) for section in sections]),
        ("precision", "Precision", [(name, name) for name in precisions]),
        ("extent", "Extent", [("whole", "the protocol"), ("reduced", "reduced")]),
        ("state", "Frameworks", [("living", "living"), ("archived", "archived")]),
    ]


def _write_data(site: Site, machines: Iterable[Machine]) -> None:
    """The runs on real data as tables of other programs."""
    frames = [machine.runs for machine in machines]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    found = found.drop(columns=[name for name in NOT_DATA if name in found])
    site.write(DATA.format("csv"), found.to_csv(index=False))
    site.write(DATA.format("json"), found.to_json(orient="records", indent=1))


def _write_machine(site: Site, machine: Machine, page: str) -> None:
    """The page of a machine, and one for each of its records."""
    sections = [_table(machine, *found) for found in machine.groups.items()]
    site.page(page, "machine.html", machine=machine, sections=sections)
    for run in machine.runs.itertuples():
        runs.write(site, machine, page, run)


def _table(
    machine: Machine, group: Group, rows: pd.DataFrame
) -> tuple[Table, list[Markup], str]:
    """A table with its charts, of which generated data have none: they compare nothing."""
    svgs = [] if machine.quick else charts.of_group(group, rows)
    caption = comparisons.caption(machine, rows)
    return results.table(group, rows, machine.ceilings), [*map(safe.own, svgs)], caption


def _write_pairs(site: Site, systems: Iterable[System]) -> list[dict]:
    """A page for each two systems that ran the same; returns what they show."""
    pairs = []
    for one, other in itertools.combinations(systems, 2):
        names, path = (one.name, other.name), f"pairs/{one.slug}--{other.slug}.html"
        both = {
            group: comparisons.in_both(rows, other.groups[group])
            for group, rows in one.groups.items()
            if group in other.groups
        }
        sections = [
            (comparisons.pair(group, found, names), _two(found, names))
            for group, found in both.items()
            if found
        ]
        if sections:
            pairs.append({"path": path, "names": names, "sections": sections})
            site.page(path, "pair.html", pair=pairs[-1])
    return pairs


def _two(both: Sequence[comparisons.Pair], names: Sequence[str]) -> Markup:
    return safe.own(charts.pairs("Seconds, less is better", both, names))
