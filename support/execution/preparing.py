"""Make what jobs need before they run: data and environments."""

from collections.abc import Callable, Iterable
from pathlib import Path

from common import sources
from common.files import DataError
from support.basics.errors import ENVIRONMENT, NotPossible
from support.basics.paths import PRIVATE
from support.ceilings import measure
from support.environments import Environment, Pinned
from support.execution.jobs import Job
from support.registry import frameworks

Say = Callable[[str], None]
NEEDED = {
    "CNN": sources.find_cifar10,
    "RNN": sources.find_imdb,
    "Inference": sources.find_cifar10,
}


def find_data(jobs: Iterable[Job], say: Say) -> dict[str, NotPossible]:
    """Find or download what the jobs' models need, here and once; model -> why it is unavailable."""
    missing = {}
    models = {job.model for job in jobs if job.settings.data == "real"}
    for model in models:
        try:
            NEEDED[model]()
        except (DataError, OSError) as error:
            missing[model] = NotPossible(str(error))
    if "Inference" in models:
        try:
            sources.find_resnet50()
        except DataError as error:
            say(
                f"ResNet-50 gets seeded weights, as the official ones are unavailable: {error}"
            )
    return missing


def refusal(job: Job) -> NotPossible | None:
    """Why a job is not even prepared; obstacles of environments may vanish when these are made."""
    obstacle = job.obstacle()
    lasting = obstacle and not (
        obstacle.kind == ENVIRONMENT and isinstance(job.environment, Pinned)
    )
    if obstacle and lasting:
        return NotPossible(obstacle.text, obstacle.remedy, lacking=True)
    return None


def make_environment(jobs: list[Job], say: Say) -> NotPossible | None:
    """Make the environment that these jobs share; returns why that is not possible."""
    environment = jobs[0].environment
    try:
        environment.prepare(say)
    except NotPossible as error:
        return error
    except OSError as error:
        return NotPossible(f"{PRIVATE}: {error.strerror or error}")
    return None


def by_environment(jobs: Iterable[Job]) -> list[list[Job]]:
    """The jobs, those of one environment together."""
    found: dict[Environment, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.environment, []).append(job)
    return list(found.values())


def probes(jobs: list[Job]) -> list[tuple[list[str], Path]]:
    """(command of a Python, script) of what may measure the ceilings of the jobs' GPU: the jobs'
    own environments first, then all pinned ones that are ready."""
    kind = jobs[0].settings.device.kind
    own = [(job.environment, job.framework.environment.probe) for job in jobs]
    entries = {f.environment.name: f.environment for f in frameworks().values()}
    pinned = [(Pinned(entry, kind), entry.probe) for entry in entries.values()]
    found = {
        (environment, probe): (environment.probe_command, measure.PROBES / probe)
        for environment, probe in [*own, *pinned]
        if probe and environment.is_ready
    }
    return list(found.values())
