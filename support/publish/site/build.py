"""Build: the whole site in a folder of its own first, so that a reader never meets half of it."""

import logging
import tempfile
from pathlib import Path

from support import registry
from support.basics import digests, locks
from support.basics.errors import UsageError
from support.basics.paths import PRIVATE
from support.publish import sources, systems
from support.publish.site import compare, documents, phrasebook, results
from support.publish.site.families import families
from support.publish.site.pages import Site

log = logging.getLogger(__name__)
MARK = ".made-by-run_all"  # in a folder that may be replaced


def build(output: str | Path) -> None:
    """Make the site in the folder `output`, which must be new, empty or made by this function.

    Several builds at once each have a folder of their own; the last to end stays. OSError names
    the output if it cannot be written.
    """
    output = _checked(Path(output))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{output.name}-", dir=output.parent, ignore_cleanup_errors=True
        ) as own:
            fresh = Path(own, "new")
            fresh.mkdir()
            (fresh / MARK).touch()
            (fresh / ".nojekyll").touch()  # GitHub Pages: files as they are
            _write(fresh)
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


def _write(folder: Path) -> None:
    found = families(registry.frameworks())
    notebooks = compare.read(found)
    columns = compare.readable(found, notebooks)
    machines = systems.measured([*sources.folders(), *sources.folders("quick")])
    papers = documents.find()
    places = {**results.places(machines), **compare.places(notebooks)}
    menu = [(path, document.title) for path, document in papers.items()]
    manual = [one for one in menu if not one[0].startswith("results/")]
    site = Site(folder, places, documents=menu, documentation=manual)
    site.copy_static()
    compare.write(site, columns, notebooks, machines)
    phrasebook.write(site, columns, notebooks)
    results.write(site, machines)
    sample = compare.sample(columns, notebooks)
    site.page("index.html", "index.html", families=columns, sample=sample)
    documents.write(site, papers)
