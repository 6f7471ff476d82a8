"""Build: the whole site, beside the old one first, so that a reader never meets half of it."""

import shutil
from pathlib import Path

from support import registry
from support.basics.errors import UsageError
from support.basics.paths import RESULTS
from support.publish import systems
from support.publish.site import compare, documents, phrasebook, results
from support.publish.site.families import families
from support.publish.site.pages import Site
from support.records import store

MARK = ".made-by-run_all"  # in a folder that may be replaced


def build(output: str | Path) -> None:
    """Make the site in the folder `output`, which must be new, empty or made by this function."""
    output = Path(output).resolve()
    if output.exists() and not _may_replace(output):
        raise UsageError(f"--output: {output} has other files in it")
    fresh = output.with_name(output.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (fresh / MARK).touch()
    (fresh / ".nojekyll").touch()  # GitHub Pages: files as they are
    _write(fresh)
    old = output.with_name(output.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    fresh.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def _may_replace(output: Path) -> bool:
    return output.is_dir() and ((output / MARK).exists() or not any(output.iterdir()))


def _write(folder: Path) -> None:
    columns = [family for family in families(registry.frameworks()) if family.models]
    notebooks = compare.read(columns)
    machines = systems.measured([*store.machines(), *sorted(RESULTS.glob("*/quick"))])
    papers = documents.find()
    places = {**results.places(machines), **compare.places(notebooks)}
    menu = [(path, documents.title(file)) for path, file in papers.items()]
    site = Site(folder, places, documents=menu)
    site.copy_static()
    compare.write(site, columns, notebooks, machines)
    phrasebook.write(site, columns, notebooks)
    results.write(site, machines)
    sample = compare.sample(columns, notebooks)
    site.page("index.html", "index.html", families=columns, sample=sample)
    documents.write(site, papers)
