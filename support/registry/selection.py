"""Choose frameworks and models by name, and say what was probably meant by an unknown one."""

import difflib
from collections.abc import Iterable, Mapping

from common.params import MODELS
from support.basics.errors import UsageError
from support.registry.entries import Framework

MODEL_LABELS = {"GRU": "RNN", "ResNet-50": "Inference"}  # as titles call them


def select(
    frameworks: Mapping[str, Framework],
    keys: Iterable[str] = (),
    models: Iterable[str] = (),
    environments: Iterable[str] = (),
) -> list[tuple[Framework, str]]:
    """The (framework, model) pairs that match the filters, models in the tables' order.

    Names are keys or labels, whatever their case; UsageError, with near matches, for an unknown one.
    """
    labels = {framework.label: key for key, framework in frameworks.items()}
    keys = _known("framework", keys, frameworks, labels)
    models = _known("model", models, MODELS, MODEL_LABELS)
    names = {framework.environment.name: 0 for framework in frameworks.values()}
    environments = _known("environment", environments, names)
    return [
        (framework, model)
        for model in models
        for key, framework in frameworks.items()
        if key in keys
        and model in framework.models
        and framework.environment.name in environments
    ]


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Those of the known names that are most like it, at most three."""
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    return [folded[match] for match in near]


def _known(
    kind: str,
    asked: Iterable[str],
    known: Iterable[str],
    others: Mapping[str, str] | None = None,
) -> list[str]:
    """Those of the known names that were asked for, all if none was."""
    meaning = {name.casefold(): name for name in known}
    meaning.update({o.casefold(): name for o, name in (others or {}).items()})
    wanted = set()
    for name in asked:
        if name.casefold() not in meaning:
            near = nearest(name, meaning)
            if near:
                meant = ", ".join(dict.fromkeys(meaning[one] for one in near))
                raise UsageError(f"unknown {kind} '{name}': did you mean {meant}?")
            there = ", ".join(sorted(known))
            raise UsageError(f"unknown {kind} '{name}': there are {there}")
        wanted.add(meaning[name.casefold()])
    return [name for name in known if name in (wanted or set(known))]
