"""The models' FLOPs, and what a device can do at most."""

import json

import pytest

from common.params import PARAMETERS
from support import ceilings, flops
from support.devices import Device
from support.errors import NotPossible

CPU = Device("cpu", "Toy CPU")
GPU = Device("gpu", "Toy GPU", "GPU-no-such")


def test_the_cnn_takes_0_371_gflop_for_each_image_it_is_trained_on():
    assert flops.per_example("CNN") / 1e9 == pytest.approx(0.371, abs=0.0005)


def test_resnet50_takes_what_is_known_of_it():
    """4.09 billion multiply-adds with its classifier (2048 × 1000), which is cut off here."""
    forward = flops.per_example("Inference") / 2 + 2048 * 1000
    assert forward / 1e9 == pytest.approx(4.09, abs=0.005)


def test_the_gru_takes_three_gates_for_each_word():
    forward = 150 * 3 * (125 + 100) * 100 + 100 * 2
    assert flops.per_example("RNN") == 3 * 2 * forward


@pytest.mark.parametrize(
    "model, others",
    [
        ("CNN", lambda layers: sum(layer.outputs for layer in layers)),
        ("RNN", lambda _: 30000 * 125 + 2 * 3 * 100 + 2),  # embedding, biases
        ("Inference", lambda layers: 2 * sum(layer.outputs for layer in layers)),
    ],
)
def test_the_layers_are_those_of_the_model(model, others):
    """Their weights, with biases or normalisation, are the protocol's number of parameters."""
    layers = flops.layers(model)
    weights = sum(layer.inputs * layer.outputs for layer in layers)
    assert weights + others(layers) == PARAMETERS[model]


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Make what stands in the CPU probe's place do this."""
    monkeypatch.setattr(ceilings, "PROBES", tmp_path)
    monkeypatch.setattr(ceilings, "POLL", 0.05)

    def write(source):
        (tmp_path / "cpu.py").write_text(source)

    return write


RESULT = {"matmul": {"fp32": 2e11}, "copy": 1e10, "versions": {"Toy": "1"}}


def test_ceilings_are_measured_once_and_again_on_demand(probe, tmp_path, monkeypatch):
    monkeypatch.setattr(ceilings.LoadMonitor, "summary", lambda _: {"disturbed": []})
    lines = []
    for copy, again in ((1.0, False), (2.0, False), (3.0, True)):
        probe(f"print('{json.dumps({**RESULT, 'copy': copy})}')")
        ceilings.provide(CPU, tmp_path, again, lines.append)
        assert ceilings.read(tmp_path)["copy"] == (3.0 if again else 1.0)
    assert len(lines) == 4, "what is done and what was found, twice"
    assert "fp32 200 GFLOP/s" in lines[-1]


def test_ceilings_under_other_load_are_kept_but_not_used(probe, tmp_path, monkeypatch):
    load = {"disturbed": ["other processes"]}
    monkeypatch.setattr(ceilings.LoadMonitor, "summary", lambda _: load)
    probe(f"print('{json.dumps(RESULT)}')")
    ceilings.provide(CPU, tmp_path, False, print)
    assert ceilings.path(tmp_path).exists()
    assert ceilings.read(tmp_path) == {}


def test_a_probe_that_fails_leaves_them_unknown_with_its_reason(probe, tmp_path):
    probe("raise SystemExit('no such BLAS')")
    lines = []
    ceilings.provide(CPU, tmp_path, False, lines.append)
    assert "unknown: cpu.py: no such BLAS" in lines[-1]
    assert not ceilings.path(tmp_path).exists()


def test_a_gpu_without_a_framework_that_can_tell_is_unknown(monkeypatch):
    monkeypatch.setattr(ceilings.environments, "is_ready", lambda *_: False)
    with pytest.raises(NotPossible, match="no environment with a probe"):
        ceilings.measure(GPU)


def test_registry_entries_choose_the_probe_of_a_gpu(monkeypatch):
    monkeypatch.setattr(ceilings.environments, "is_ready", lambda *_: True)
    found = ceilings._probes(GPU)
    assert found and all(script.exists() for _, script in found)


def test_the_share_is_that_of_the_run_s_precision():
    run = {"model": "CNN", "throughput": 1000.0, "precision": "fp32"}
    found = {"matmul": {"fp32": 2 * flops.per_example("CNN") * 1000}}
    assert ceilings.share(run, found) == 0.5
    assert ceilings.share({**run, "precision": "bf16"}, found) is None
    assert ceilings.share(run, {}) is None
