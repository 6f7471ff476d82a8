"""What there is to run: a job is one notebook with its settings, and knows where its results go."""

import ast
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from common.params import LEARNED, MODELS, QUICK_EPOCHS
from support import environments, precisions, records
from support.devices import Device
from support.paths import RESULTS, ROOT
from support.registry import Framework


@dataclass(frozen=True)
class Settings:
    """What a user chose for a run. `epochs` None: the protocol's number, or the quick one."""

    device: Device
    data: str = "real"  # or "quick"
    precision: str = "fp32"
    epochs: int | None = None
    examples: int | None = None  # an epoch, or a pass of inference; None: all there are
    results: Path = RESULTS

    @property
    def machine_folder(self):
        """Where all results of the device are kept."""
        return self.results / self.device.machine


@dataclass(frozen=True)
class Job:
    """One notebook to be run for the `repeat`-th time (from 1) with these settings.

    Other purposes than timing are subclasses: what they give to the notebook and how they judge
    what comes back.
    """

    framework: Framework
    model: str
    settings: Settings
    repeat: int = 1

    evaluations = 1  # how often `weights`, `evaluate` and `report` are executed
    exchanges = False  # whether weights and outputs pass between runner and notebook

    @property
    def column(self):
        """Its heading where frameworks are rows."""
        return self.model

    @property
    def timed(self):
        """Whether its time counts: not on generated data, nor where weights pass to and fro."""
        return self.settings.data == "real" and not self.exchanges

    @property
    def name(self):
        return f"{self.framework.key} {self.column}"

    @property
    def folder(self):
        """Where the results are kept; those on generated data apart."""
        machine = self.settings.machine_folder
        return machine / "quick" if self.settings.data == "quick" else machine

    @property
    def notebook(self):
        """The path of what is executed."""
        return self.framework.notebook(self.model)

    @property
    def variables(self):
        """Environment variables of the notebook beside the framework's own."""
        limited = self.settings.examples and self.epochs
        return {"ROSETTA_EXAMPLES": str(self.settings.examples)} if limited else {}

    @property
    def insertion(self):
        """Code that is executed after the `data` cell: fewer images to predict. "" where none is."""
        limited = self.settings.examples and not self.epochs
        first = FIRST_IMAGES[self.framework.language]
        return first.format(self.settings.examples) if limited else ""

    @property
    def epochs(self):
        """Epochs of training; None for inference."""
        if self.model not in QUICK_EPOCHS:
            return None
        usual = QUICK_EPOCHS if self.settings.data == "quick" else PROTOCOL_EPOCHS
        return self.settings.epochs or usual[self.model]

    @property
    def stem(self):
        """The name, without an ending, of every file about this job."""
        epochs = f"_{self.epochs}-epochs" if self.epochs else ""
        limit = self.settings.examples
        examples = f"_{limit}-examples" if limit else ""
        return (
            f"{self.framework.key}_{self.model}{epochs}{examples}"
            f"_{self.settings.precision}_run-{self.repeat}"
        )

    @property
    def record_path(self):
        return self.folder / "records" / f"{self.stem}.json"

    @property
    def failure_path(self):
        """Where a failure is recorded; apart, so that it never replaces a finished record."""
        return self.folder / "records" / f"{self.stem}.failed.json"

    @property
    def executed_path(self):
        return self.folder / "notebooks" / f"{self.stem}.ipynb"

    @property
    def parameters(self):
        """What is injected into the notebook."""
        chosen = {
            "FRAMEWORK": self.framework.key,
            "PRECISION": self.settings.precision,
            "DATA": self.settings.data,
        }
        return chosen if self.epochs is None else {**chosen, "EPOCHS": self.epochs}

    def offer(self, exchange):
        """Put what the notebook begins with into folder `0` of this one (see common/exchange.py)."""

    def judge(self, report, exchange):
        """Why a run that ended well is nevertheless a failure, or "".

        May add to the report. `exchange` is the folder whose subfolders, one for each
        evaluation, hold what the notebook left.
        """
        if report["device_kind"] != self.settings.device.kind:
            return (
                f"was to run on {self.settings.device.name}, "
                f"but ran on the {report['device_kind']}"
            )
        floor = LEARNED[report["data"]].get(report["model"])
        if self.epochs and floor and not report["accuracy"] > floor:
            return (
                f"did not learn: accuracy {report['accuracy']:.3f}, "
                f"{floor} expected at least"
            )
        return ""

    def headline(self, report):
        """What a finished run's report says in a few words."""
        unit = "s per 1,000 images" if self.model == "Inference" else "s"
        accuracy = report["accuracy"]
        said = "" if accuracy is None else f", accuracy {accuracy:.3f}"
        return f"{report['seconds']:.1f} {unit}{said}"

    def digests(self):
        """Whatever the result depends on; if one changes, the record is stale."""
        variant = self.settings.device.kind
        variables = {**self.framework.variables, **self.variables}
        settings = {**self.parameters, "variables": variables}
        if self.insertion:
            settings["insertion"] = self.insertion
        return {
            "notebook": _notebook_digest(self.notebook),
            "common": _common_digest(self.framework.language),
            "environment": environments.digest(self.framework.environment, variant),
            "settings": _sha256(json.dumps(settings, sort_keys=True).encode()),
        }

    def obstacle(self):
        """In a few words, why this job cannot be run here as things stand; "" if nothing is known."""
        if not self.notebook.exists():
            return f"notebook {self.notebook.name}"
        kind = self.settings.device.kind
        possible = precisions.available(self.framework.precisions, kind)
        if self.settings.precision not in possible:
            return f"another precision on a {kind.upper()} ({', '.join(possible)})"
        return environments.needs(self.framework.environment, kind)

    def state(self):
        """done, stale, failed, ready, or "needs …"."""
        obstacle = self.obstacle()
        record = records.read(self.record_path)
        if record and not obstacle.startswith("notebook"):
            if record["digests"] != self.digests():
                return "stale"
            return "done" if record["status"] == "ok" else "failed"
        if obstacle:
            return f"needs {obstacle}"
        return "failed" if records.read(self.failure_path) else "ready"


# For the `data` cell of inference: the first of the images, in each language.
FIRST_IMAGES = {
    "Python": "x_test = x_test[:{}]",
    "R": "x_test <- rows(x_test, seq_len({}) - 1)",
    "Julia": "x_test = x_test[:, :, :, 1:{}]",
}
PROTOCOL_EPOCHS = {
    model: values["EPOCHS"] for model, values in MODELS.items() if "EPOCHS" in values
}


def _sha256(content):
    return hashlib.sha256(content).hexdigest()[:16]


@functools.lru_cache
def _notebook_digest(path):
    """Of the code alone: prose changes no result."""
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    return _sha256("\0".join(code).encode())


SIBLINGS = {"R": "common.R", "Julia": "common.jl"}  # of the package, in other languages


@functools.lru_cache
def _common_digest(language):
    """Of the code that notebooks in this language use."""
    parts = []
    if language in SIBLINGS:
        parts.append((ROOT / "common" / SIBLINGS[language]).read_text(encoding="utf-8"))
    parts += map(code_of, sorted((ROOT / "common").glob("*.py")))
    return _sha256("\0".join(parts).encode())


def code_of(path):
    """The Python file's code without comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return ast.unparse(tree)


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
