"""What of a framework is done and what is missing; executes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from support import registry
from support.basics.paths import RESULTS
from support.contributing import anatomy
from support.contributing.anatomy import Subject
from support.devices import choose
from support.environments import Pinned
from support.equivalence import mistakes, parity
from support.execution.jobs import DONE, READY, STALE
from support.execution.settings import Settings
from support.publish.site import compare, phrasebook
from support.publish.site.families import families
from support.records import machines
from support.registry import Framework

TRAINING_TRAPS = ("softmax", "loss", "labels", "dropout", "momentum")
OF_MODEL = {  # traps of the registry's conventions -> the models that can walk into them
    "gru_kind": ("RNN",),
    "gate_order": ("RNN",),
    "embedding": ("RNN",),
    "adam_epsilon": ("RNN",),
    "adam_steps": ("RNN",),
    "flatten": ("CNN",),
    "momentum": ("CNN",),
    "dropout": ("CNN",),
    "padding": ("Inference",),
    "pooling": ("Inference",),
    "batch_norm_momentum": ("Inference",),
    "batch_norm_epsilon": ("Inference",),
    "convolution": ("CNN", "Inference"),
}
TRAINED = ("CNN", "RNN")


@dataclass(frozen=True)
class Part:
    """A part of a framework: what is missing or wrong, [] where nothing is."""

    name: str
    problems: list[str]
    done: str = "complete"


def parts(framework: Framework) -> Iterator[Part]:
    """All parts, in the order in which one makes them."""
    yield Part("entry", list(_conventions(framework)), "complete, with all conventions")
    yield Part("environment", list(_pins(framework)), "pinned")
    for model in framework.models:
        path = framework.notebook(model)
        if path.exists():
            found = anatomy.problems(Subject(path, framework, model))
        else:
            found = [f"{path.name} is missing"]
        yield Part(f"{model} notebook", found, "keeps all rules")
    if not framework.tuned:
        yield Part("phrases", list(_phrases(framework)), "all tasks of the phrasebook")
    yield Part("parity", list(_parity(framework)), "all checks passed on this machine")


def _conventions(framework: Framework) -> Iterator[str]:
    for trap, about in mistakes.traps().items():
        if framework.tuned or not concerns(trap, framework):
            continue
        option = mistakes.convention(framework, trap)
        options = ", ".join(about["options"])
        if option is None:
            yield f"conventions has no {trap}: one of {options}"
        elif option not in about["options"]:
            yield f"{trap} = '{option}' is unknown; there are {options}"


def concerns(trap: str, framework: Framework) -> bool:
    """Whether one of the framework's models can walk into the trap."""
    if trap in OF_MODEL:
        return bool(set(OF_MODEL[trap]) & set(framework.models))
    if trap in TRAINING_TRAPS or trap == "dense_kernel":
        return bool(set(TRAINED) & set(framework.models))
    return True


def _pins(framework: Framework) -> Iterator[str]:
    entry = framework.environment
    for variant in ("cpu", "gpu"):
        source, lock = entry.folder / f"{variant}.in", entry.pins(variant)
        if not source.exists():
            if variant == "cpu":
                yield "cpu.in is missing"
            elif not entry.gpu.startswith("no pins: "):
                yield "gpu.in is missing; if there is none, gpu = 'no pins: …' says why"
            continue
        names = re.findall(r"^[\w.-]+", source.read_text(encoding="utf-8"), re.M)
        text = lock.read_text(encoding="utf-8") if lock.exists() else ""
        pinned = {name.lower() for name in re.findall(r"^([\w.-]+)==", text, re.M)}
        if {re.sub(r"[._]", "-", name.lower()) for name in names} - {
            re.sub(r"[._]", "-", name) for name in pinned
        }:
            yield f"{variant}.txt is not resolved: python run_all.py pins {entry.name}"


def _phrases(framework: Framework) -> Iterator[str]:
    own = [f for f in families(registry.frameworks()) if framework in f.frameworks]
    notebooks = compare.read(own)
    tasks = phrasebook.tasks()
    for task, (entry,) in phrasebook.entries(tasks, own, notebooks).items():
        if not entry.snippets and not entry.reason:
            yield f"no phrase for {task}, nor a reason why there is none"


def _parity(framework: Framework) -> Iterator[str]:
    cpu = choose.cpu()
    settings = Settings(cpu, machines.folder_for(RESULTS, cpu), data="quick")
    lacking = Pinned(framework.environment, "cpu").lacks()
    if lacking:
        yield f"this machine needs {lacking}"
        return
    pairs = [(framework, model) for model in framework.models]
    states = {job.column: job.state() for job in parity.jobs(pairs, settings)}
    missing = {column: one for column, one in states.items() if one.kind != DONE}
    words = {READY: "not run", STALE: "run with an earlier version"}
    for column, state in missing.items():
        yield f"{column}: {words.get(state.kind, str(state))}"
    if missing:
        yield f"python run_all.py parity --gpu none -f {framework.key} runs these"
