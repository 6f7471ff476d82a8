"""Build: the whole site, beside the old one first, so that a reader never meets half of it."""

import shutil
from pathlib import Path

from support import registry
from support.errors import UsageError
from support.site import compare, documents, machines, phrasebook, results, status
from support.site.families import families
from support.site.pages import Site

HERE = Path(__file__).parent
MARK = ".made-by-run_all"  # in a folder that may be replaced


def build(output):
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


def _may_replace(output):
    return output.is_dir() and ((output / MARK).exists() or not any(output.iterdir()))


def _write(folder):
    frameworks = registry.load()
    columns = [family for family in families(frameworks) if family.models]
    found = machines.read()
    papers = documents.find()
    site = Site(folder, documents=_menu(papers))
    site.copy_static()
    notebooks = compare.read(columns)
    compare.write(site, columns, notebooks, found)
    phrasebook.write(site, columns, notebooks)
    results.write(site, frameworks, found)
    status.write(site, frameworks, found)
    sample = compare.sample(columns, notebooks)
    site.page("index.html", "index.html", families=columns, sample=sample)
    documents.write(site, papers)


def _menu(papers):
    """(path, title) of the documents."""
    return [(path, documents.title(file)) for path, file in papers.items()]
