"""Status: what the registry says of each framework, and what has run where."""

from common.params import MODELS
from support.site import machines
from support.site.tabular import NONE, Cell, Table


def write(site, frameworks, found):
    """The page; `found` are the machines."""
    site.page(
        "status.html",
        "status.html",
        frameworks=frameworks.values(),
        machines=[(machine, _what_ran(machine, frameworks)) for machine in found],
    )


def _what_ran(machine, frameworks):
    by_pair = {}
    for record in machine.records:
        by_pair.setdefault((record["framework"], record["model"]), []).append(record)
    body = [
        [Cell(framework.label), *(_cell(by_pair.get((key, model))) for model in MODELS)]
        for key, framework in frameworks.items()
    ]
    return Table(["framework", *MODELS], body)


def _cell(tried):
    """The newest good run, else the newest failure with its reason."""
    if not tried:
        return NONE
    newest = max(tried, key=lambda r: (r["status"] == "ok", r.get("date", "")))
    if newest["status"] == "ok":
        return Cell(f"✓ {machines.settings(newest)}", newest["page"])
    return Cell(f"failed: {newest['reason']}", newest["page"], "failed")
