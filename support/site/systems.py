"""Systems: what can be compared as a whole, be it a machine of ours or a GPU of the article."""

from dataclasses import dataclass

from common.params import MODELS
from support import records, tables

ARTICLE_DEVICES = ("K80", "P100")


@dataclass(frozen=True)
class System:
    """`groups` says which runs may be compared: group -> framework's label -> row."""

    name: str
    slug: str
    groups: dict

    def widest(self, model):
        """Its group of the model that has most frameworks; None if it has none."""
        mine = [group for group in self.groups if group.model == model]
        return max(mine, key=lambda group: len(self.groups[group]), default=None)


def article(frameworks):
    """The article's GPUs, in the order of their age; its names become ours."""
    labels = {f.article: f.label for f in frameworks.values() if f.article}
    return [_article_system(device, labels) for device in ARTICLE_DEVICES]


def _article_system(device, labels):
    groups = {}
    for record in records.read_article():
        if record["device"] != device or record["seconds"] is None:
            continue
        epochs = MODELS[record["model"]].get("EPOCHS")
        group = tables.Group(record["model"], epochs, "fp32", "real")
        label = labels.get(record["framework"], record["framework"])
        run = {**record, "epoch_seconds": []}  # it has none
        groups.setdefault(group, {})[label] = tables.Row(label, [run], None)
    return System(f"{device}, 2018", f"{device.lower()}-2018", groups)


def measured(machines, frameworks):
    """Our machines, without runs on generated data."""
    return [_system(m, frameworks) for m in machines if not m.quick]


def _system(machine, frameworks):
    groups = tables.grouped(machine.records, frameworks)
    rows = {g: {row.label: row for row in rows} for g, rows in groups.items()}
    return System(machine.name, machine.folder.name, rows)
