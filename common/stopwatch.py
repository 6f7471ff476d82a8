"""The clock of the protocol: around the whole training loop, read when the device is idle."""

import time


class Stopwatch:
    """Times epochs by wall clock; it starts when it is made.

    `synchronize` is called before each reading and must return only when the device has done
    everything it was given; frameworks queue work on a GPU (and some on a CPU) and return early.

        stopwatch = Stopwatch(synchronize=torch.cuda.synchronize)
        for epoch in range(EPOCHS):
            ...  # one epoch
            stopwatch.lap(loss)

    Afterwards `epoch_seconds` holds a float per lap, `seconds` their sum, `losses` the losses
    that were told, and `started` and `stopped` the moments (seconds since 1970) between which
    the clock ran.
    """

    def __init__(self, synchronize=None):
        self._synchronize = synchronize or (lambda: None)
        self.epoch_seconds = []
        self.losses = []
        self._synchronize()
        self.started = self.stopped = time.time()
        self._reading = time.perf_counter()

    @property
    def seconds(self):
        return sum(self.epoch_seconds)

    def lap(self, loss=None):
        """Keep the seconds since the last lap, copies to the device included.

        `loss`: the training loss of this epoch, a number: of its last batch, or their mean. One
        number an epoch, as reading it makes the program wait for the device.
        """
        self._synchronize()
        now = time.perf_counter()
        self.epoch_seconds.append(now - self._reading)
        self._reading = now
        self.stopped = time.time()
        if loss is not None:
            self.losses.append(float(loss))
