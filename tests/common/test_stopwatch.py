from types import SimpleNamespace

import pytest

from common.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told: `clock.now += 1`."""
    fake = SimpleNamespace(now=1000.0)
    fake.time = fake.perf_counter = lambda: fake.now
    monkeypatch.setattr("common.stopwatch.time", fake)
    return fake


class Device:
    """Queues work and returns at once, as a GPU does."""

    def __init__(self, clock):
        self.clock, self.queued = clock, 0

    def synchronize(self):
        self.clock.now += self.queued
        self.queued = 0


def test_keeps_the_seconds_of_every_epoch(clock):
    stopwatch = Stopwatch()
    for seconds in (10, 20, 30):
        clock.now += seconds
        stopwatch.lap()
    assert stopwatch.epoch_seconds == [10, 20, 30]
    assert stopwatch.seconds == 60
    assert (stopwatch.started, stopwatch.stopped) == (1000, 1060)


def test_waits_for_the_device_at_the_end_of_every_epoch(clock):
    device = Device(clock)
    stopwatch = Stopwatch(synchronize=device.synchronize)
    for queued in (5, 6):
        device.queued = queued
        stopwatch.lap()
    assert stopwatch.epoch_seconds == [5, 6]


def test_work_queued_before_the_clock_starts_is_not_counted(clock):
    device = Device(clock)
    device.queued = 100
    stopwatch = Stopwatch(device.synchronize)
    clock.now += 1
    stopwatch.lap()
    assert stopwatch.epoch_seconds == [1]
    assert stopwatch.started == 1100


def test_losses_are_kept_where_they_are_told(clock):
    stopwatch = Stopwatch()
    stopwatch.lap(0.5)
    stopwatch.lap()
    assert stopwatch.losses == [0.5]


def test_no_epochs_are_timed_too(clock):
    stopwatch = Stopwatch()
    assert (stopwatch.seconds, stopwatch.started, stopwatch.stopped) == (0, 1000, 1000)
