"""What a notebook says of its run: versions at its start, the record at its end."""

import math
import os
import platform
from collections import OrderedDict

import numpy as np

from common.batches import examples_per_epoch
from common.data import data_digest
from common.exchange import leave
from common.files import write_json
from common.machine import (
    cores,
    cpu_name,
    cuda_packages,
    describe_machine,
    thread_settings,
)
from common.output import say
from common.weights import count_parameters


def show_versions(device, **versions):
    """Print and return what a result depends on: versions, the device, its threads.

    `device` is "cpu" or "gpu", as the framework itself sees it. Give the framework's version
    first, then CUDA's, cuDNN's and the like; those that are None are left out. On a GPU the
    last two are looked up among the installed packages if they are not given.
    Raises RuntimeError if the environment variable ROSETTA_DEVICE names the other device.
    """
    shown = OrderedDict(
        (name, str(value)) for name, value in versions.items() if value is not None
    )
    _check_device(device, shown)
    if device == "gpu":
        for name, version in cuda_packages().items():
            shown.setdefault(name, version)
    shown["NumPy"] = np.__version__
    shown["Python"] = platform.python_version()
    machine = describe_machine()
    gpu = machine["gpus"] and _visible(machine["gpus"])
    name = gpu["name"] if device == "gpu" and gpu else cpu_name()
    if device == "gpu" and gpu:
        shown["driver"] = gpu["driver"]
    for key, value in shown.items():
        say("{:12} {}".format(key, value))
    say("{:12} {} ({}, {} cores)".format("device", device, name, cores()))
    return {
        "versions": shown,
        "device_kind": device,
        "device": name,
        "hardware": machine,
    }


def _check_device(device, versions):
    """Stop a notebook that was to run on another device than its framework sees."""
    wanted = os.environ.get("ROSETTA_DEVICE")
    if wanted in ("cpu", "gpu") and wanted != device:
        framework = " ".join(next(iter(versions.items()), ["the framework"]))
        raise RuntimeError(
            "this notebook was to run on the {}, but {} sees {}".format(
                wanted.upper(),
                framework,
                "a GPU" if device == "gpu" else "only the CPU",
            )
        )


def _visible(gpus):
    """The GPU that CUDA_VISIBLE_DEVICES leaves, by the beginning of its uuid or by its index; the
    first one without it."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    for gpu in gpus:
        if chosen and (gpu["index"] == chosen or gpu["uuid"].startswith(chosen)):
            return gpu
    return gpus[0]


def report(
    stopwatch,
    framework,
    model,
    data,
    precision,
    batchsize,
    examples,
    source,
    weights,
    outputs,
    versions,
    accuracy=None,
):
    """Print the result and, under the runner, leave it as JSON for the record.

    `examples`: how many there are in the training set (or to run inference on); the partial
    batch that training drops is not counted in the throughput. `source`: where the values of
    the initial weights come from. `weights`: those at the end, by common name. `outputs`: what
    the model makes of the test set, in its order: logits or probabilities, shape (n, classes),
    or features. `versions`: what `show_versions` returned. `accuracy`: a share of the test set,
    None for inference. `seconds` of an inference run are per 1,000 images.
    """
    inference = model == "Inference"
    if not inference:
        examples = examples_per_epoch(examples)
    used = examples if inference else examples - examples % batchsize
    passes = len(stopwatch.epoch_seconds)
    seconds = stopwatch.seconds
    throughput = used * passes / seconds if passes else 0.0
    if inference:
        seconds *= 1000 / (used * passes)
    result = OrderedDict(framework=framework, model=model, status="ok", reason="")
    result.update((key, versions[key]) for key in ("device", "device_kind"))
    result.update(
        data=data,
        data_digest=data_digest("CNN" if inference else model, data),
        epochs=None if inference else passes,
        batchsize=batchsize,
        precision=precision,
        seconds=round(seconds, 4),
        epoch_seconds=[round(s, 4) for s in stopwatch.epoch_seconds],
        # a model that diverged has losses that are no numbers, which JSON does not know
        epoch_losses=[x if math.isfinite(x) else None for x in stopwatch.losses],
        first_step_seconds=_rounded(stopwatch.first_step_seconds, 4),
        examples=used,
        throughput=round(throughput, 2),
        accuracy=_rounded(accuracy, 5),
        parameters=count_parameters(weights),
        weights=source,
        versions=versions["versions"],
        hardware=versions["hardware"],
        threads=thread_settings(),
        clock=[stopwatch.started, stopwatch.stopped],
    )
    unit = "s per 1,000 images" if inference else "s"
    say("{}: {:.2f} {}".format("time", seconds, unit))
    say("throughput: {:.0f} examples/s".format(result["throughput"]))
    if accuracy is not None:
        say("accuracy: {:.2%}".format(float(accuracy)))
    leave(weights, outputs)
    if os.environ.get("ROSETTA_REPORT"):
        write_json(os.environ["ROSETTA_REPORT"], result)


def _rounded(value, digits):
    """The value as a float; None stays None."""
    return None if value is None else round(float(value), digits)
