"""A run of a notebook: what it is, what it depends on, its clock, its result."""

import math
import os
import platform
from collections import OrderedDict

import numpy as np

from common.batches import examples_per_epoch
from common.data import data_digest
from common.exchange import save
from common.files import write_json
from common.machine import (
    cores,
    cpu_name,
    cuda_versions,
    describe_machine,
    thread_settings,
)
from common.output import echo
from common.stopwatch import Stopwatch
from common.weights import count_parameters, initial_weights


class Run:
    """One run of one notebook, from its parameters to its record.

        run = Run(FRAMEWORK, "CNN", DATA, PRECISION, BATCHSIZE)
        run.show_versions("gpu", PyTorch=torch.__version__)
        weights = run.initial_weights(SEED)
        run.start_clock(len(x_train), torch.cuda.synchronize)
        for epoch in range(EPOCHS):
            ...
            run.end_epoch(loss)
        run.report(weights, outputs, accuracy)

    `model` is "CNN", "RNN" or "Inference", `data` "real" or "quick".
    """

    def __init__(self, framework, model, data, precision, batchsize):
        self.framework = framework
        self.model = model
        self.data = data
        self.precision = precision
        self.batchsize = int(batchsize)
        self.stopwatch = None
        self._device = {}
        self._weights_source = None
        self._examples = 0

    def show_versions(self, device, **versions):
        """Print what a result depends on: versions, the device, its threads.

        `device` is "cpu", "gpu" or "cuda", as the framework itself sees it. Give the framework's
        version first; those that are None are left out. On a GPU, CUDA's and cuDNN's are looked
        up if they are not given.
        Raises RuntimeError if the environment variable ROSETTA_DEVICE names the other device.
        """
        device = "cpu" if device == "cpu" else "gpu"
        shown = OrderedDict(
            (name, str(value)) for name, value in versions.items() if value is not None
        )
        _check_device(device, shown)
        if device == "gpu":
            for name, version in cuda_versions().items():
                shown.setdefault(name, version)
        shown["NumPy"] = np.__version__
        shown["Python"] = platform.python_version()
        machine = describe_machine()
        gpu = machine["gpus"] and _visible(machine["gpus"])
        name = gpu["name"] if device == "gpu" and gpu else cpu_name()
        if device == "gpu" and gpu:
            shown["driver"] = gpu["driver"]
        for key, value in shown.items():
            echo("{:12} {}".format(key, value))
        echo("{:12} {} ({}, {} cores)".format("device", device, name, cores()))
        self._device = {
            "device": name,
            "device_kind": device,
            "versions": shown,
            "hardware": machine,
        }

    def initial_weights(self, seed, gru="reset_after"):
        """The weights that every framework starts from, by common name; see weights.py."""
        weights = initial_weights(self.model, int(seed), gru)
        self._weights_source = weights.source
        return weights

    def start_clock(self, examples, synchronize=None):
        """Start the clock of the protocol.

        `examples`: how many the training set has, or how many images are predicted; the partial
        batch that training drops is not counted in the throughput. `synchronize` returns when
        the device has done all that it was given; see stopwatch.py.
        """
        self._examples = int(examples)
        self.stopwatch = Stopwatch(synchronize)

    def end_epoch(self, loss):
        """Read the clock. `loss` is the training loss: of the last batch, or the epoch's mean."""
        self.stopwatch.lap(loss)
        epochs, losses = self.stopwatch.epoch_seconds, self.stopwatch.losses
        line = "epoch {}: {:.2f} s, loss {:.3f}"
        echo(line.format(len(epochs), epochs[-1], losses[-1]))

    def stop_clock(self):
        """Read the clock after inference."""
        self.stopwatch.lap()

    def report(self, weights, outputs, accuracy=None):
        """Print the result and, under the runner, leave it as JSON for the record.

        `weights`: those at the end, by common name. `outputs`: what the model makes of the test
        set, in its order: logits or probabilities, shape (n, classes), or features. `accuracy`:
        a share of the test set, None for inference. `seconds` of an inference run are per 1,000
        images.
        """
        result = self._result(count_parameters(weights), accuracy)
        unit = "s" if self._trains else "s per 1,000 images"
        echo("parameters: {:,}".format(result["parameters"]))
        echo("time: {:.2f} {}".format(result["seconds"], unit))
        echo("throughput: {:.0f} examples/s".format(result["throughput"]))
        if accuracy is not None:
            echo("accuracy: {:.2%}".format(float(accuracy)))
        save(weights, outputs)
        if os.environ.get("ROSETTA_REPORT"):
            write_json(os.environ["ROSETTA_REPORT"], result)

    @property
    def _trains(self):
        return self.model != "Inference"

    def _result(self, parameters, accuracy):
        """The fields of the record that a notebook knows."""
        clock = self.stopwatch
        used, passes = self._used_examples(), len(clock.epoch_seconds)
        seconds = clock.seconds
        throughput = used * passes / seconds if passes else 0.0
        if not self._trains:
            seconds *= 1000 / (used * passes)
        digest = data_digest(self.model if self._trains else "CNN", self.data)
        result = OrderedDict(framework=self.framework, model=self.model)
        result.update(status="ok", reason="", **self._device)
        result.update(
            data=self.data,
            data_digest=digest,
            epochs=passes if self._trains else None,
            batchsize=self.batchsize,
            precision=self.precision,
            seconds=round(seconds, 4),
            epoch_seconds=[round(s, 4) for s in clock.epoch_seconds],
            # a model that diverged has losses that are no numbers, which JSON does not know
            epoch_losses=[x if math.isfinite(x) else None for x in clock.losses],
            examples=used,
            throughput=round(throughput, 2),
            accuracy=None if accuracy is None else round(float(accuracy), 5),
            parameters=parameters,
            weights=self._weights_source,
            threads=thread_settings(),
            clock=[clock.started, clock.stopped],
        )
        return result

    def _used_examples(self):
        """How many examples an epoch, or a pass of inference, works on."""
        if not self._trains:
            return self._examples
        examples = examples_per_epoch(self._examples)
        return examples - examples % self.batchsize


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
