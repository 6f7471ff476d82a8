"""Pages of the proofs, as Markdown: parity, transfer and mistakes of a machine, and false friends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from common.params import MODELS
from support.basics.paths import RESULTS
from support.publish import output, sources
from support.publish.markdown import escape, lines
from support.publish.systems import device_name
from support.publish.table import Table
from support.publish.views import proofs, traps

FOOT = "Made from the records by `python run_all.py tables`; do not edit."


def machines(proof: str) -> list[Path]:
    """The machines that have records of the proof."""
    return [folder.parent for folder in sources.folders(proof)]


def update_machine(folder: Path) -> None:
    """Write the pages of what was proved on one machine."""
    for proof, (about, tables) in PAGES.items():
        runs = sources.runs(folder / proof)
        if len(runs):
            name = escape(device_name(folder, runs))
            page = [f"# {proof.capitalize()} on {name}", "", about, ""]
            for table in tables(runs):
                page += [f"## {escape(table.title)}", ""] if table.title else []
                page += [*lines(table, folder / proof), ""]
            text = "\n".join([*page, FOOT]) + "\n"
            output.write(folder / proof / "README.md", text, folder)


def _parity(runs: pd.DataFrame) -> list[Table]:
    return [proofs.parity(model, runs) for model in MODELS]


PARITY = (
    "How far each notebook is from the float64 reference "
    "([reference.py](../../../support/equivalence/reference.py)), in float32, on generated data. "
    "Outputs: the largest difference, relative to the largest output, after a short training, "
    "with the weights that it ended with. Then twenty optimizer steps on the same batches from "
    "given weights, without dropout: the largest relative error of a loss, and the largest "
    "relative error of a tensor of the final weights, in norm. The round trip, common weights "
    "into the framework and out again, is exact or the notebook stops."
)
TRANSFER = (
    "Trained in the framework of the row, evaluated with the same weights in that of the column: "
    "the share of the test set that both classify alike. After a slash, where GRUs are of "
    "different kinds and the weights were forced in: the accuracy that is left. A dash: refused, "
    "for that reason, or not run. Generated data are so easy that mixed kinds may go unnoticed "
    "on them; real data show what it costs."
)
MISTAKES = (
    "Notebooks with a mistake made on purpose, and the parity checks that caught it. What the "
    "mistakes are about is in [false friends](../../false-friends.md)."
)
PAGES: dict[str, tuple[str, Callable[[pd.DataFrame], list[Table]]]] = {
    "parity": (PARITY, _parity),
    "transfer": (TRANSFER, proofs.transfers),
    "mistakes": (MISTAKES, lambda runs: [proofs.mistakes(runs)]),
}


def update_false_friends() -> None:
    """Write the page of the traps between frameworks."""
    text = [*_false_friends(), FOOT]
    output.write(RESULTS / "false-friends.md", "\n".join(text) + "\n", RESULTS)


def _false_friends() -> Iterator[str]:
    yield "# False friends\n"
    yield (
        "What looks alike in two frameworks and is not. For each trap: which frameworks do "
        "which, and what it costs to miss it, measured by a run of a notebook that makes the "
        "mistake on purpose and is compared with the float64 reference like any other (see "
        "[parity](../support/equivalence/parity.py)). The costliest come first.\n"
    )
    for trap in traps.traps():
        yield f"## {trap.title}\n\n{trap.text}\n"
        yield from [*lines(trap.options), ""]
        yield from (f"{escape(text)}\n" for text in trap.forced)
        for mistake in trap.mistakes:
            where = escape(f"{mistake.framework}, {mistake.model}")
            yield f"**{escape(mistake.title)}** ({where}): {escape(mistake.caught)}.\n"
