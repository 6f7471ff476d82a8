"""Frameworks: a page for each family, with its state, conventions, results and neighbours."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from common.params import MODELS
from support.publish.site.compare import Notebooks
from support.publish.site.families import Family
from support.publish.site.pages import Site
from support.publish.site.pairs import Pair
from support.publish.systems import Machine
from support.publish.table import is_address
from support.publish.views import comparisons
from support.publish.views.traps import Trap

Fact = tuple[str, str, str]  # name, value, the address behind it or ""


def page(family: Family) -> str:
    """The path of the family's page."""
    return f"frameworks/{family.slug}/index.html"


def write(
    site: Site,
    families: Sequence[Family],
    notebooks: Notebooks,
    pairs: Sequence[Pair],
    traps: Sequence[Trap],
    machines: Sequence[Machine],
) -> None:
    """The pages."""
    for family in families:
        says = [(trap, trap.choice(family.frameworks)) for trap in traps]
        site.page(
            page(family),
            "framework.html",
            family=family,
            about=_about(family, notebooks),
            facts=_facts(family),
            neighbours=[
                (f"From {family.label} to", [p for p in pairs if p.known == family]),
                (f"To {family.label} from", [p for p in pairs if p.needed == family]),
            ],
            conventions=[(trap, text) for trap, text in says if text],
            tables=_results(family, machines),
        )


def _about(family: Family, notebooks: Notebooks) -> Markup:
    """What the title cell of its first notebook says."""
    first = next((m for m in MODELS if (family.prefix, m) in notebooks), "")
    cell = notebooks[family.prefix, first].cell("title") if first else None
    return cell.prose if cell else Markup()


def _facts(family: Family) -> list[Fact]:
    """What the registry says of it; of several frameworks, what each says."""
    first, found = family.frameworks[0], list[Fact]()
    if len(family.frameworks) > 1:
        found.append(("variants", ", ".join(f.label for f in family.frameworks), ""))
    upstream = first.upstream if is_address(first.upstream) else ""
    found += [
        ("state", first.state, ""),
        ("last release", first.release, ""),
        ("project", upstream, upstream),
        ("language", first.language.name, ""),
        ("successor", first.successor, ""),
        ("predecessor", first.predecessor, ""),
        ("precisions", ", ".join(first.precisions), ""),
    ]
    return [fact for fact in found if fact[1]]


def _results(family: Family, machines: Iterable[Machine]) -> list[tuple]:
    """(machine, table) where the family was measured on real data."""
    keys = {framework.key for framework in family.frameworks}
    tables = [(m, comparisons.of_frameworks(m, keys)) for m in machines if not m.quick]
    return [(machine, table) for machine, table in tables if table.body]
