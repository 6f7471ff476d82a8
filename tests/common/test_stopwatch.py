from types import SimpleNamespace

import pytest

from common import Stopwatch


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
    for epoch in stopwatch.epochs(3):
        clock.now += 10 * (epoch + 1)
    assert stopwatch.epoch_seconds == [10, 20, 30]
    assert stopwatch.seconds == 60
    assert (stopwatch.started, stopwatch.stopped) == (1000, 1060)


def test_waits_for_the_device_at_the_end_of_every_epoch(clock):
    device = Device(clock)
    stopwatch = Stopwatch(synchronize=device.synchronize)
    for epoch in stopwatch.epochs(2):
        device.queued = 5 + epoch
    assert stopwatch.epoch_seconds == [5, 6]


def test_work_queued_before_the_loop_is_not_counted(clock):
    device = Device(clock)
    device.queued = 100
    stopwatch = Stopwatch(device.synchronize)
    for _ in stopwatch.epochs(1):
        clock.now += 1
    assert stopwatch.epoch_seconds == [1]
    assert stopwatch.started == 1100


def test_a_logged_loss_is_kept_and_printed_with_its_epoch(clock, capsys):
    stopwatch = Stopwatch()
    for epoch in stopwatch.epochs(2):
        clock.now += 3
        stopwatch.log(0.5 - epoch / 10)
    assert stopwatch.losses == [0.5, 0.4]
    assert "epoch 2/2: 3.00 s, loss 0.400" in capsys.readouterr().out


def test_no_epochs_are_timed_too(clock):
    stopwatch = Stopwatch()
    assert list(stopwatch.epochs(0)) == []
    assert (stopwatch.seconds, stopwatch.started, stopwatch.stopped) == (0, 1000, 1000)


def test_the_first_step_s_time_is_kept_once_the_device_is_done(clock):
    device = Device(clock)
    stopwatch = Stopwatch(device.synchronize)
    for _ in stopwatch.epochs(2):
        for _ in range(3):
            clock.now += 1
            device.queued += 10
            stopwatch.first_step()
    assert stopwatch.first_step_seconds == 11
    assert stopwatch.epoch_seconds == [33, 33], "later steps are not waited for"


def test_without_a_call_the_first_step_s_time_is_unknown(clock):
    stopwatch = Stopwatch()
    assert list(stopwatch.epochs(1)) == [0]
    assert stopwatch.first_step_seconds is None


def test_passes_are_timed_as_epochs_are(clock, capsys):
    stopwatch = Stopwatch()
    for _ in stopwatch.passes(2):
        clock.now += 3
    assert stopwatch.epoch_seconds == [3, 3]
    assert "pass 2/2: 3.00 s" in capsys.readouterr().out
