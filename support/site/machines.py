"""Machines: the results folders, their records and the pages of those records."""

from dataclasses import dataclass
from pathlib import Path

from support import ceilings, records, tables
from support.paths import RESULTS


@dataclass(frozen=True)
class Machine:
    """A results folder. Each of its records also says where its `page` and its `copy` are.

    `copy`, the executed notebook, is None where there is none.
    """

    folder: Path
    records: tuple

    @property
    def quick(self):
        """Whether its runs were on generated data, which compare nothing."""
        return self.folder.name == "quick"

    @property
    def name(self):
        return tables.device_name(self.records, self.folder)

    @property
    def title(self):
        return f"{self.name}, generated data" if self.quick else self.name

    @property
    def path(self):
        """The folder of its pages in the site."""
        return self.folder.relative_to(RESULTS.parent).as_posix()

    @property
    def page(self):
        return f"{self.path}/index.html"

    @property
    def ceilings(self):
        return ceilings.read(self.folder)

    @property
    def about(self):
        return "\n".join(tables.machine_lines(self.records, self.ceilings))


def read():
    """All machines by name, and after them their runs on generated data."""
    folders = [
        *sorted(RESULTS.glob("*/records")),
        *sorted(RESULTS.glob("*/quick/records")),
    ]
    found = [_machine(folder.parent) for folder in folders]
    return [machine for machine in found if machine.records]


def _machine(folder):
    path = folder.relative_to(RESULTS.parent).as_posix()
    found = []
    for file in sorted((folder / "records").glob("*.json")):
        record = records.read(file)
        if record:
            copy = folder / "notebooks" / Path(record["executed"]).name
            copy = copy if copy.exists() else None
            page = f"{path}/{file.stem}.html"
            found.append({**record, "page": page, "copy": copy})
    return Machine(folder, tuple(found))


def settings(record):
    """What a record's run was asked for, in a few words; not its data, see Machine.quick."""
    epochs = record["epochs"]
    parts = [f"{epochs} epoch{'s' if epochs > 1 else ''}"] if epochs else []
    if record.get("examples_limit"):
        parts.append(f"{record['examples_limit']:,} examples")
    parts.append(record["precision"])
    if record.get("repeat", 1) > 1:
        parts.append(f"run {record['repeat']}")
    return ", ".join(parts)
