"""Families: the notebooks that share a prefix, and the frameworks of the registry that run them."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.params import MODELS
from support.basics.paths import NOTEBOOKS
from support.publish import sources
from support.registry import Framework


@dataclass(frozen=True)
class Family:
    """One column of the reader. `models` are those that it has a notebook for."""

    prefix: str
    frameworks: tuple[Framework, ...]
    models: tuple[str, ...]

    @property
    def label(self) -> str:
        """What its frameworks' labels begin with in common."""
        letters = zip(*(framework.label for framework in self.frameworks))
        common = itertools.takewhile(lambda found: len(set(found)) == 1, letters)
        return "".join(found[0] for found in common).rstrip(" (") or self.prefix

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.prefix.lower().replace("_", "-")

    @property
    def documentation(self) -> dict[str, str]:
        """Where names of its API are described; see names.py."""
        return {
            name: address
            for framework in self.frameworks
            for name, address in framework.documentation.items()
        }

    @property
    def language(self) -> str:
        return self.frameworks[0].language.name

    @property
    def state(self) -> str:
        return self.frameworks[0].state

    @property
    def tuned(self) -> bool:
        return self.frameworks[0].tuned

    def notebook(self, model: str) -> Path:
        """The path of its notebook for the model."""
        return self.frameworks[0].notebook(model)


def families(frameworks: Mapping[str, Framework]) -> list[Family]:
    """All families in the registry's order.

    Notebooks outside the repository may have prefixes of its own, so their families have keys.
    """
    found: dict[tuple[Path, str], list[Framework]] = {}
    for framework in frameworks.values():
        found.setdefault((framework.folder, framework.family), []).append(framework)
    return [
        Family(
            prefix if folder == NOTEBOOKS else members[0].key,
            tuple(members),
            tuple(model for model in MODELS if _has(members[0], model)),
        )
        for (folder, prefix), members in found.items()
    ]


def living(families: Iterable[Family]) -> list[Family]:
    """Those that people use today, without the tuned ones."""
    return [one for one in families if one.state == "living" and not one.tuned]


def predecessors(family: Family, families: Iterable[Family]) -> list[Family]:
    """The families that it succeeds, as its entry says."""
    named = {name for f in family.frameworks for name in f.predecessor.split(", ")}
    return [one for one in families if one.label in named]


def _has(framework: Framework, model: str) -> bool:
    path = framework.notebook(model)
    return model in framework.models and sources.may_publish(path, framework.folder)
