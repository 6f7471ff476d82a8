"""Families: the notebooks that share a prefix, and the frameworks of the registry that run them."""

import itertools
from dataclasses import dataclass

from common.params import MODELS


@dataclass(frozen=True)
class Family:
    """One column of the reader."""

    prefix: str
    frameworks: tuple

    @property
    def label(self):
        """What its frameworks' labels begin with in common."""
        letters = zip(*(framework.label for framework in self.frameworks))
        common = itertools.takewhile(lambda found: len(set(found)) == 1, letters)
        return "".join(found[0] for found in common).rstrip(" (")

    @property
    def language(self):
        return self.frameworks[0].language

    @property
    def state(self):
        return self.frameworks[0].state

    def notebook(self, model):
        """The path of its notebook for the model."""
        return self.frameworks[0].notebook(model)

    @property
    def models(self):
        """The models that it has a notebook for."""
        models = self.frameworks[0].models
        return [m for m in MODELS if m in models and self.notebook(m).exists()]

    @property
    def tuned(self):
        return self.frameworks[0].tuned


def families(frameworks):
    """All families in the registry's order."""
    by_prefix = {}
    for framework in frameworks.values():
        by_prefix.setdefault(framework.family, []).append(framework)
    return [Family(prefix, tuple(found)) for prefix, found in by_prefix.items()]
