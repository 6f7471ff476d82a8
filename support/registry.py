"""The registry: every framework and environment, read from registry.toml."""

import difflib
import functools
from dataclasses import dataclass, field
from pathlib import Path

from common.params import MODELS
from support.errors import UsageError
from support.paths import NOTEBOOKS, PINS

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

FILE = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True, eq=False)
class Environment:
    """A set of pins and the interpreter they were resolved for."""

    name: str
    python: str
    index: dict = field(default_factory=dict)
    finish: str = ""
    needs: tuple = ()
    check: tuple = ()
    debian: tuple = ()
    gpu: str = ""
    probe: str = ""

    def pins(self, variant):
        """The lock file of the variant, "cpu" or "gpu"."""
        return PINS / f"{self.name}.{variant}.txt"


@dataclass(frozen=True, eq=False)
class Framework:
    """A row of the tables: notebooks, and the environment and settings that they run in."""

    key: str
    label: str
    language: str
    environment: Environment
    gru: str
    precisions: tuple
    state: str
    release: str
    upstream: str
    notebooks: str = ""
    models: tuple = tuple(MODELS)
    tuned: bool = False
    successor: str = ""
    article: str = ""
    variables: dict = field(default_factory=dict)
    conventions: dict = field(default_factory=dict)
    mistakes: tuple = ()

    @property
    def family(self):
        """What it shares with others that run the same notebooks."""
        return (self.notebooks or self.key) + self._ending

    @property
    def _ending(self):
        return "_tuned" if self.tuned else ""

    def notebook(self, model):
        """The path of its notebook for the model."""
        return NOTEBOOKS / f"{self.notebooks or self.key}_{model}{self._ending}.ipynb"


@functools.cache
def load(file=FILE):
    """All frameworks by key, in the order of the file; as they were when first asked for."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    environments = {
        name: Environment(name=name, **entry)
        for name, entry in content["environments"].items()
    }
    frameworks, conventions = {}, {}
    for key, entry in content["frameworks"].items():
        own = entry.get("conventions", {})
        shared = conventions.setdefault(entry.get("notebooks", key), own)
        frameworks[key] = Framework(
            key=key,
            **{
                **entry,
                "environment": environments[entry["environment"]],
                "conventions": {**shared, **own},
            },
        )
    return frameworks


def select(frameworks, keys=(), models=(), environments=()):
    """The (framework, model) pairs that the filters leave, models in the tables' order.

    Names are matched whatever their case; UsageError, with near matches, for one that is unknown.
    """
    keys = _known("framework", keys, frameworks)
    models = _known("model", models, MODELS)
    names = {framework.environment.name for framework in frameworks.values()}
    environments = _known("environment", environments, names)
    return [
        (framework, model)
        for model in models
        for key, framework in frameworks.items()
        if key in keys
        and model in framework.models
        and framework.environment.name in environments
    ]


def _known(kind, asked, known):
    by_folded = {name.casefold(): name for name in known}
    for name in asked:
        if name.casefold() in by_folded:
            continue
        near = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.5)
        meant = ", ".join(by_folded[match] for match in near or sorted(by_folded))
        hint = "did you mean" if near else "there are"
        raise UsageError(f"unknown {kind} '{name}': {hint} {meant}")
    wanted = {by_folded[name.casefold()] for name in asked} or set(known)
    return [name for name in known if name in wanted]
