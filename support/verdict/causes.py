"""Likely causes of a slow or wrong run, as far as its record shows them."""

from collections.abc import Iterable, Iterator

from support.basics.numbers import counted, scaled
from support.ceilings.store import Ceilings
from support.records.store import Record
from support.verdict.expectations import Expected


def of_slowness(
    run: Record, expected: Expected, ceilings: Ceilings, on_record: list[Ceilings]
) -> list[str]:
    """Why an undisturbed run may be slow, the likely first; [] if its record does not show it.

    `ceilings` were measured here, those `on_record` with the same device.
    """
    found = [*_threads(run, expected.records), *differences(run, expected)]
    if expected.same_device:
        found += _device_itself(run["precision"], ceilings, on_record)
    return found


def _threads(run: Record, references: list[Record]) -> Iterator[str]:
    """Fewer threads than cores, by the variables that set them or by the time they took."""
    cores = run["hardware"]["cores"]
    few = {
        name: int(value)
        for name, value in run.get("threads", {}).items()
        if value.isdigit() and int(value) < cores
    }
    if few:
        name, count = min(few.items(), key=lambda pair: pair[1])
        threads = counted(count, "thread")
        yield f"{threads} where there are {cores} cores ({name}={count})"
        return
    used = _used(run)
    usual = max(map(_used, references), default=0) or cores
    on_cpu = run["device_kind"] == "cpu"
    if on_cpu and cores > 1 and 0 < used < 1.2 and usual > 1.5:
        yield f"one thread where there are {cores} cores: it kept {used:.1f} of them busy"


def _used(run: Record) -> float:
    """How many processors the run kept busy on average; 0 if the record does not say."""
    return run["load"].get("own", 0) * run["hardware"]["cores"]


def _device_itself(
    precision: str, ceilings: Ceilings, on_record: list[Ceilings]
) -> Iterator[str]:
    """A matrix product that is slower than on every such device on record."""
    now, *others = (
        found.get("matmul", {}).get(precision, 0) for found in (ceilings, *on_record)
    )
    then = min(filter(None, others), default=0)
    if now and now < 0.8 * then:
        yield (
            f"the device itself: a matrix product reaches {scaled(now)}FLOP/s, "
            f"and reached {scaled(then)}FLOP/s"
        )


def differences(run: Record, expected: Expected) -> Iterator[str]:
    """What is on none of the records as it is here: kind of environment, versions, a GPU's host."""
    records = expected.records
    kind = _unlike(_kind(run), map(_kind, records))
    if kind:
        yield f"environment: {kind}"
    for name in dict.fromkeys(name for r in (run, *records) for name in r["versions"]):
        theirs = [r["versions"][name] for r in records if name in r["versions"]]
        if name in run["versions"]:
            version = _unlike(run["versions"][name], theirs)
            if version:
                yield f"{name} {version}"
        elif len(theirs) == len(records):
            yield f"{name} is missing here, {_listed(theirs)} on record"
    host = _unlike(_host(run), map(_host, records))
    if host and expected.same_device and run["device_kind"] == "gpu":
        yield f"host: {host}"


def _unlike(mine: str, theirs: Iterable[str]) -> str:
    """Mine here and theirs on record; "" if mine is among theirs, or there are none."""
    others = set(theirs)
    known = not others or mine in others
    return "" if known else f"{mine} here, {_listed(others)} on record"


def _listed(texts: Iterable[str]) -> str:
    return " and ".join(sorted(set(texts)))


def _kind(run: Record) -> str:
    return run["environment"]["kind"]


def _host(run: Record) -> str:
    return "{cpu} with {cores} cores".format(**run["hardware"])
