"""Likely causes of a slow or wrong run, as far as its record shows them."""


def likely(run, references, ceiling, ceiling_before, kind):
    """In words, the likely first; [] if the record shows none.

    `references` are the records that the expectation comes from, `ceiling` and `ceiling_before`
    what was measured beside the run and beside them, `kind` what the run was to use.
    """
    if run["device_kind"] != kind:
        return [_wrong_device(run, kind)]
    found = [*_threads(run, references, kind)]
    if references:
        found += _versions(run["versions"], references[-1]["versions"])
    found += _device_itself(run["precision"], ceiling, ceiling_before)
    return found


def _wrong_device(run, kind):
    build = [
        f"{name} {version}"
        for name, version in run["versions"].items()
        if run["device_kind"] in version
    ]
    shown = f" ({', '.join(build)})" if build else ""
    return (
        f"a build for the {run['device_kind'].upper()}{shown}, or a driver that does not suit it: "
        f"it ran on the {run['device_kind'].upper()} instead of the {kind.upper()}"
    )


def _threads(run, references, kind):
    """Fewer threads than cores, by the variables that set them or by the time they took."""
    cores = run["hardware"]["cores"]
    few = {
        name: int(value)
        for name, value in run["threads"].items()
        if value.isdigit() and int(value) < cores
    }
    if few:
        name, count = min(few.items(), key=lambda pair: pair[1])
        plural = "s" if count > 1 else ""
        yield f"{count} thread{plural} where there are {cores} cores ({name}={count})"
        return
    used = _used(run)
    usual = max(map(_used, references), default=0) or cores
    if kind == "cpu" and cores > 1 and 0 < used < 1.2 and usual > 1.5:
        yield f"one thread where there are {cores} cores: it kept {used:.1f} of them busy"


def _used(run):
    """How many processors the run kept busy on average; 0 if the record does not say."""
    return (run.get("load") or {}).get("own", 0) * run["hardware"]["cores"]


def _versions(mine, theirs):
    """What is missing from the run's versions, and what is another version, or layout, there."""
    for name, version in theirs.items():
        if name not in mine:
            yield f"{name} is missing, {version} was there"
    for name, version in mine.items():
        if theirs.get(name, version) != version:
            yield f"{name} is {version}, and was {theirs[name]}"


def _device_itself(precision, ceiling, before):
    now, then = (
        found.get("matmul", {}).get(precision, 0) for found in (ceiling, before)
    )
    if now and then and now < 0.8 * then:
        yield (
            f"the device itself: a matrix product reaches {now / 1e9:.3g} GFLOP/s, "
            f"and reached {then / 1e9:.3g}"
        )
