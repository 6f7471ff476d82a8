"""From one framework to another: a page for each pair, with all that a reader needs to change over.

Every ordered pair of living families has one, and every archived family that a living one succeeds.
The pages work without scripts and are made to be printed.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from common.params import MODELS
from support.publish.site import names
from support.publish.site.cells import Cell
from support.publish.site.compare import Notebooks
from support.publish.site.families import Family, living, predecessors
from support.publish.site.pages import Site
from support.publish.site.phrasebook import Entry, Task
from support.publish.systems import Machine
from support.publish.table import Table
from support.publish.views import comparisons
from support.publish.views.traps import Trap

# task and prefix -> names, each with its address
Names = Mapping[tuple[str, str], Sequence[tuple[str, str]]]
TRAINED = ("CNN", "RNN")  # whose weights cells are shown


@dataclass(frozen=True)
class Pair:
    """Two families, of which the reader knows the first."""

    known: Family
    needed: Family

    @property
    def both(self) -> tuple[Family, Family]:
        return (self.known, self.needed)

    @property
    def path(self) -> str:
        return f"from/{self.known.slug}/to/{self.needed.slug}/index.html"

    @property
    def title(self) -> str:
        return f"From {self.known.label} to {self.needed.label}"

    @property
    def models(self) -> list[str]:
        """The models that both have a notebook for."""
        return [m for m in self.known.models if m in self.needed.models]


@dataclass(frozen=True)
class Difference:
    """A trap between two families: what each does."""

    trap: Trap
    known: str
    needed: str


def find(families: Sequence[Family]) -> list[Pair]:
    """All pairs that have a page."""
    today = living(families)
    old = [Pair(one, new) for new in today for one in predecessors(new, families)]
    return [*itertools.starmap(Pair, itertools.permutations(today, 2)), *old]


def write(
    site: Site,
    pairs: Iterable[Pair],
    tasks: Sequence[Task],
    entries: Mapping[str, Sequence[Entry]],
    called: Names,
    notebooks: Notebooks,
    traps: Sequence[Trap],
    machines: Sequence[Machine],
) -> None:
    """The pages; `called` is what `names_of` found."""
    said = {
        (task.id, entry.family.prefix): entry
        for task in tasks
        for entry in entries[task.id]
    }
    pairs = list(pairs)
    there = {pair.path for pair in pairs}
    for pair in pairs:
        one, other = (family.prefix for family in pair.both)
        phrases = [(t, said[t.id, one], said[t.id, other]) for t in tasks]
        back = Pair(pair.needed, pair.known)
        site.page(
            pair.path,
            "from_to.html",
            pair=pair,
            back=back if back.path in there else None,
            differences=differences(pair, traps),
            names=[
                (task, called[task.id, one], called[task.id, other])
                for task, left, right in phrases
                if left.snippets and right.snippets
            ],
            phrases=phrases,
            weights=_weights(pair, notebooks),
            speeds=_speeds(pair, machines),
        )


def differences(pair: Pair, traps: Iterable[Trap]) -> list[Difference]:
    """The traps in which the two do different things, the costliest first."""
    found = [
        Difference(t, t.choice(pair.known.frameworks), t.choice(pair.needed.frameworks))
        for t in traps
    ]
    return [
        one for one in found if one.known and one.needed and one.known != one.needed
    ]


def best(pairs: Iterable[Pair], traps: Sequence[Trap]) -> Pair | None:
    """The pair to show first: from the family that succeeds most, to the one that differs most."""
    whole = [pair for pair in pairs if len(pair.models) == len(MODELS)]
    return max(
        whole,
        key=lambda pair: (_succeeds(pair.known), len(differences(pair, traps))),
        default=None,
    )


def _succeeds(family: Family) -> int:
    """How many others it succeeds."""
    first = family.frameworks[0].predecessor
    return len(first.split(", ")) if first else 0


def names_of(entries: Mapping[str, Sequence[Entry]], notebooks: Notebooks) -> Names:
    """The names of the API that each family's phrases use, and where each is documented."""
    return {
        (task, entry.family.prefix): _names(entry, notebooks)
        for task, found in entries.items()
        for entry in found
    }


def _names(entry: Entry, notebooks: Notebooks) -> list[tuple[str, str]]:
    """The names of the API in a family's phrases, each with where it is documented."""
    found = {
        name.shown: names.documented(name, entry.family.documentation)
        for snippet in entry.snippets
        for name in names.used(
            snippet.source, notebooks[entry.family.prefix, snippet.model]
        )
    }
    return list(found.items())


def _weights(pair: Pair, notebooks: Notebooks) -> list[tuple[str, list[Cell]]]:
    """(model, the weights cells of the two) of the models that are trained, else of the first."""
    models = [m for m in pair.models if m in TRAINED] or pair.models[:1]
    found = []
    for model in models:
        both = [notebooks[f.prefix, model].cell("weights") for f in pair.both]
        if all(both):
            found.append((model, [cell for cell in both if cell]))
    return found


def _speeds(pair: Pair, machines: Iterable[Machine]) -> list[tuple[Machine, Table]]:
    """What each took on the machines that measured both, with the same settings."""
    found = []
    for machine in machines:
        if not machine.quick:
            table = comparisons.of_two(machine, *(_keys(f) for f in pair.both))
            if table.body:
                found.append((machine, table))
    return found


def _keys(family: Family) -> dict[str, str]:
    """Key -> label of its frameworks."""
    return {framework.key: framework.label for framework in family.frameworks}
