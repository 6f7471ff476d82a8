"""The clock of the protocol: around the whole training loop, read when the device is idle."""

import time


class Stopwatch:
    """Times epochs (or passes) by wall clock.

    `synchronize` is called before each reading and must return only when the device has done
    everything it was given; frameworks queue work on a GPU (and some on a CPU) and return early.

        stopwatch = Stopwatch(synchronize=torch.cuda.synchronize)
        for epoch in stopwatch.epochs(EPOCHS):
            ...  # one epoch
            stopwatch.log(loss)

    Afterwards `epoch_seconds` holds a float per epoch, `seconds` their sum, `losses` what was
    logged, and `started` and `stopped` the moments (seconds since 1970) between which the
    clock ran. `first_step_seconds` is None unless `first_step` was called.
    """

    def __init__(self, synchronize=None):
        self._synchronize = synchronize or (lambda: None)
        self.epoch_seconds = []
        self.losses = []
        self.started = self.stopped = self.first_step_seconds = None
        self._reading_at_start = None

    @property
    def seconds(self):
        return sum(self.epoch_seconds)

    def log(self, loss):
        """Keep the training loss of this epoch, a number: of its last batch, or their mean.

        One number an epoch, as reading it makes the program wait for the device.
        """
        self.losses.append(float(loss))

    def first_step(self):
        """Keep the seconds from the clock's start until now; to be called after each step.

        Only the first call waits for the device and reads the clock; later ones do nothing.
        """
        if self.first_step_seconds is None:
            self._synchronize()
            now = time.perf_counter()
            self.first_step_seconds = now - self._reading_at_start

    def passes(self, n):
        """As `epochs`, for inference."""
        return self.epochs(n, "pass")

    def epochs(self, n, name="epoch"):
        """Yield 0 … n-1 and time what is done with each, copies to the device included."""
        self._synchronize()
        self.started = time.time()
        reading = self._reading_at_start = time.perf_counter()
        for epoch in range(n):
            yield epoch
            self._synchronize()
            now = time.perf_counter()
            self.epoch_seconds.append(now - reading)
            reading = now
            line = "{} {}/{}: {:.2f} s".format(
                name, epoch + 1, n, self.epoch_seconds[-1]
            )
            logged = len(self.losses) == len(self.epoch_seconds)
            print(line + (", loss {:.3f}".format(self.losses[-1]) if logged else ""))
        self.stopped = time.time()
