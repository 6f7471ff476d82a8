"""The clock of the protocol: around the whole training loop, read when the device is idle."""

import time


class Stopwatch:
    """Times epochs (or passes) by wall clock.

    `synchronize` is called before each reading and must return only when the device has done
    everything it was given; frameworks queue work on a GPU (and some on a CPU) and return early.

        stopwatch = Stopwatch(synchronize=torch.cuda.synchronize)
        for epoch in stopwatch.epochs(EPOCHS):
            ...  # one epoch

    Afterwards `epoch_seconds` holds a float per epoch, `seconds` their sum, and `started` and
    `stopped` the moments (seconds since 1970) between which the clock ran.
    """

    def __init__(self, synchronize=None):
        self._synchronize = synchronize or (lambda: None)
        self.epoch_seconds = []
        self.started = self.stopped = None

    @property
    def seconds(self):
        return sum(self.epoch_seconds)

    def passes(self, n):
        """As `epochs`, for inference."""
        return self.epochs(n, "pass")

    def epochs(self, n, name="epoch"):
        """Yield 0 … n-1 and time what is done with each, copies to the device included."""
        self._synchronize()
        self.started = time.time()
        reading = time.perf_counter()
        for epoch in range(n):
            yield epoch
            self._synchronize()
            now = time.perf_counter()
            self.epoch_seconds.append(now - reading)
            reading = now
            print(
                "{} {}/{}: {:.2f} s".format(name, epoch + 1, n, self.epoch_seconds[-1])
            )
        self.stopped = time.time()
