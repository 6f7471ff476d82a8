"""Build: the whole site in a folder of its own first, so that a reader never meets half of it."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from support import registry
from support.basics import digests, locks
from support.basics.errors import UsageError
from support.basics.paths import PRIVATE, ROOT
from support.publish import sources, systems
from support.publish.site import (
    compare,
    documents,
    frameworks,
    pairs,
    phrasebook,
    results,
    search,
)
from support.publish.site.families import Family, families, living
from support.publish.site.origin import Origin
from support.publish.site.pages import Site
from support.publish.site.pairs import Pair
from support.publish.views import traps
from support.publish.views.traps import Trap

log = logging.getLogger(__name__)
MARK = ".made-by-run_all"  # in a folder that may be replaced
FALSE_FRIENDS = "results/false-friends.html"
MENU = (
    ("compare.html", "Side by side"),
    ("phrasebook.html", "Phrasebook"),
    (FALSE_FRIENDS, "False friends"),
    ("results.html", "Results"),
    ("status.html", "Status"),
    ("search.html", "Search"),
)
LEGAL = {"LICENSE": "LICENSE.txt", "CITATION.cff": "CITATION.cff"}


def build(output: str | Path, repository: str = "") -> None:
    """Make the site in the folder `output`, which must be new, empty or made by this function.

    `repository` is the address of the sources, for links to them. Several builds at once each have
    a folder of their own; the last to end stays. OSError names the output if it cannot be written.
    """
    output, origin = _checked(Path(output)), Origin.of(repository)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{output.name}-", dir=output.parent, ignore_cleanup_errors=True
        ) as own:
            fresh = Path(own, "new")
            fresh.mkdir()
            (fresh / MARK).touch()
            (fresh / ".nojekyll").touch()  # GitHub Pages: files as they are
            _write(fresh, origin)
            with locks.held(_lock(output), log.warning, str(output)):
                _exchange(fresh, _checked(output), Path(own, "old"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, reason, str(output)) from error


def _checked(output: Path) -> Path:
    """The folder as an absolute path. Raises UsageError if it may not be replaced."""
    if output.is_symlink():
        raise UsageError(f"--output: {output} is a link; name the folder itself")
    output = output.resolve()
    if output.exists() and not _may_replace(output):
        raise UsageError(f"--output: {output} has other files in it")
    return output


def _may_replace(output: Path) -> bool:
    return output.is_dir() and ((output / MARK).exists() or not any(output.iterdir()))


def _lock(output: Path) -> Path:
    name = f"rosetta-site-{digests.of_parts(str(output))}.lock"
    try:
        return locks.shared_folder() / name
    except OSError:  # somebody else has it
        return PRIVATE / name


def _exchange(fresh: Path, output: Path, old: Path) -> None:
    """Put the fresh site in the place of the old one, which comes back if that fails."""
    had_one = output.exists()
    if had_one:
        output.rename(old)
    try:
        fresh.rename(output)
    except OSError:
        if had_one:
            old.rename(output)
        raise


def _write(folder: Path, origin: Origin) -> None:
    found = families(registry.frameworks())
    notebooks = compare.read(found)
    columns = compare.readable(found, notebooks)
    idiomatic = [family for family in columns if not family.tuned]
    machines = systems.measured([*sources.folders(), *sources.folders("quick")])
    papers = documents.find()
    menu = [(path, document.title) for path, document in papers.items()]
    site = Site(
        folder,
        {**results.places(machines), **compare.places(notebooks)},
        origin=origin,
        menu=MENU,
        documents=menu,
        documentation=[one for one in menu if not one[0].startswith("results/")],
    )
    site.copy_static()
    for name, target in LEGAL.items():
        if (ROOT / name).is_file():
            site.copy(ROOT / name, target)
    tasks = phrasebook.tasks()
    phrases = phrasebook.entries(tasks, idiomatic, notebooks)
    called = pairs.names_of(phrases, notebooks)
    dangers = traps.traps()
    two_by_two = pairs.find(idiomatic)
    compare.write(site, columns, notebooks, machines, dangers)
    phrasebook.write(site, tasks, phrases)
    site.page(FALSE_FRIENDS, "traps.html", traps=dangers)
    pairs.write(site, two_by_two, tasks, phrases, called, notebooks, dangers, machines)
    frameworks.write(site, idiomatic, notebooks, two_by_two, dangers, machines)
    results.write(site, machines)
    _write_first(site, columns, two_by_two, notebooks, dangers)
    documents.write(site, papers)
    places = [
        *search.tasks(tasks, phrases, called),
        *search.answers(idiomatic),
        *search.traps(dangers, FALSE_FRIENDS),
        *search.pages(idiomatic, two_by_two, papers),
        *search.cells(idiomatic, notebooks),
    ]
    search.write(site, places, idiomatic)


def _write_first(
    site: Site,
    columns: Sequence[Family],
    two_by_two: Sequence[Pair],
    notebooks: compare.Notebooks,
    dangers: Sequence[Trap],
) -> None:
    """The first page; it shows the two that differ in most traps, one of them with the most history."""
    best = pairs.best(two_by_two, dangers)
    askable = {pair.known.prefix: pair.known for pair in two_by_two}
    site.page(
        "index.html",
        "index.html",
        ["ask"] if best else [],
        families=columns,
        askable=list(askable.values()),
        today=living(columns),
        best=best,
        sample=compare.sample([best.known, best.needed] if best else [], notebooks),
        paths=[pair.path for pair in two_by_two],
    )
