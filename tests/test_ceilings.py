"""The models' FLOPs, what a device can do at most, and what its vendor says that it can."""

import importlib.util
import json
import sys
import types
from pathlib import Path

import pytest

from common.params import PARAMETERS
from support.basics.errors import NotPossible
from support.ceilings import flops, measure, nominal, store
from support.devices.choose import Device
from support.records import installation

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
    """Make what stands in the CPU probe's place do this; the load is none."""
    load = {"disturbed": []}
    monkeypatch.setattr(measure.LoadMonitor, "summary", lambda _: load)
    monkeypatch.setattr(measure, "PROBES", tmp_path)
    monkeypatch.setattr(measure, "POLL", 0.05)

    def write(source, name="cpu.py"):
        path = tmp_path / name
        path.write_text(source)
        return [sys.executable], path

    return write


RESULT = {"matmul": {"fp32": 2e11}, "copy": 1e10, "versions": {"Toy": "1"}}
PRINTS = f"print('{json.dumps(RESULT)}')"


def provide(folder, device=CPU, again=False, probes=()):
    """The lines that it says."""
    lines = []
    measure.provide(device, folder, again, lines.append, probes)
    return lines


def test_ceilings_are_measured_once_and_again_on_demand(probe, tmp_path):
    for copy, again in ((1.0, False), (2.0, False), (3.0, True)):
        probe(f"print('{json.dumps({**RESULT, 'copy': copy})}')")
        lines = provide(tmp_path, again=again)
        assert store.read(tmp_path)["copy"] == (3.0 if again else 1.0)
        assert bool(lines) == (copy != 2.0)
    assert "fp32 200 GFLOP/s" in lines[-1]
    assert store.read(tmp_path)["installation"] == installation.own()


def test_ceilings_under_other_load_are_kept_but_not_used(probe, tmp_path, monkeypatch):
    load = {"disturbed": ["other processes"]}
    monkeypatch.setattr(measure.LoadMonitor, "summary", lambda _: load)
    probe(PRINTS)
    provide(tmp_path)
    assert store.path(tmp_path).exists()
    assert store.read(tmp_path) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"matmul": []},
        {"matmul": {}},
        {"matmul": {"fp32": "fast"}},
        {"matmul": {"fp32": float("nan")}},
        {"copy": -1},
        {"versions": {}},
        {"date": None},
        {"load": None},
    ],
    ids=str,
)
def test_damaged_ceilings_are_none(probe, tmp_path, change):
    probe(PRINTS)
    provide(tmp_path)
    whole = store.read(tmp_path)
    assert whole
    store.path(tmp_path).write_text(json.dumps({**whole, **change}))
    assert store.read(tmp_path) == {}
    store.path(tmp_path).write_text("[1, 2")
    assert store.read(tmp_path) == {}


@pytest.mark.parametrize(
    "source, reason",
    [
        ("raise SystemExit('no such BLAS')", "cpu.py: no such BLAS"),
        ("print('hello')", "cpu.py: it did not print what it found"),
        ("import time; time.sleep(60)", "cpu.py: it did not end within 1 s"),
    ],
)
def test_a_probe_that_fails_leaves_them_unknown_with_its_reason(
    probe, tmp_path, monkeypatch, source, reason
):
    monkeypatch.setattr(measure, "TIMEOUT", 1)
    probe(source)
    assert f"unknown: {reason}" in provide(tmp_path)[-1]
    assert not store.path(tmp_path).exists()


def test_a_gpu_is_measured_by_the_first_probe_that_can(probe):
    fails = probe("raise SystemExit('no GPU')", "first.py")
    works = probe(PRINTS, "second.py")
    assert measure.measure(GPU, [fails, works])["probe"] == "second.py"
    with pytest.raises(NotPossible, match="first.py: no GPU"):
        measure.measure(GPU, [fails])


def test_a_gpu_without_a_framework_that_can_tell_is_unknown():
    with pytest.raises(NotPossible, match="no environment with a probe"):
        measure.measure(GPU, [])


def test_a_probe_is_told_all_processors_and_no_rounding(probe, monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    monkeypatch.setattr(measure, "cores", lambda: 7)
    shown = "{name: os.environ.get(name) for name in "
    shown += "('NVIDIA_TF32_OVERRIDE', 'MKL_NUM_THREADS', 'OMP_NUM_THREADS')}"
    probe(f"import json, os\nprint(json.dumps({shown}))")
    found = measure.measure(CPU, [])
    assert found["OMP_NUM_THREADS"] == "7"
    assert found["NVIDIA_TF32_OVERRIDE"] is found["MKL_NUM_THREADS"] is None


def test_the_share_is_that_of_the_run_s_precision():
    run = {"model": "CNN", "throughput": 1000.0, "precision": "fp32"}
    found = {"matmul": {"fp32": 2 * flops.per_example("CNN") * 1000}}
    assert store.share(run, found) == 0.5
    assert store.share({**run, "precision": "bf16"}, found) is None
    assert store.share(run, {}) is None


def test_the_cpu_s_own_probe_measures_it(probe, tmp_path):
    source = (Path(measure.__file__).parent / "probes" / "cpu.py").read_text()
    assert "SECONDS = 2 " in source
    probe(source.replace("SECONDS = 2 ", "SECONDS = 0.05 "))
    provide(tmp_path)
    found = store.read(tmp_path)
    assert found["matmul"]["fp32"] > 1e8 and found["copy"] > 1e7
    assert found["threads"] == measure.cores()
    assert "NumPy" in store.in_words(found)


class Tensor:
    """A stand-in for an array of this type."""

    def __init__(self, dtype="float32"):
        self.to = Tensor
        self.dtype = dtype


class Products:
    """A stand-in for the settings of matrix products, which refuses names that it does not know."""

    def __init__(self, **settings):
        vars(self).update(settings)

    def __setattr__(self, name, value):
        assert hasattr(self, name), f"this version has no setting {name}"
        vars(self)[name] = value


@pytest.fixture
def torch_probe(monkeypatch):
    """The PyTorch probe with a stand-in for PyTorch, which notes the products that it makes."""
    made = []

    def load(products, without=()):
        def matmul(a, b, out):
            if a.dtype in without:
                raise RuntimeError(f"there is no product of {a.dtype}")
            made.append((a.dtype, *vars(products).values()))

        torch = types.ModuleType("torch")
        vars(torch).update(
            backends=types.SimpleNamespace(cuda=types.SimpleNamespace(matmul=products)),
            cuda=types.SimpleNamespace(synchronize=lambda: None),
            randn=lambda *_, device: Tensor(),
            empty_like=lambda tensor: tensor,
            matmul=matmul,
            **{name: name for name in ("float32", "bfloat16", "float16")},
        )
        monkeypatch.setitem(sys.modules, "torch", torch)
        path = Path(measure.__file__).parent / "probes" / "torch_gpu.py"
        spec = importlib.util.spec_from_file_location("torch_gpu", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.SECONDS = 0
        return module, made

    return load


@pytest.mark.parametrize(
    "products, exact, rounded",
    [
        (Products(fp32_precision="none"), "ieee", "tf32"),
        (Products(allow_tf32=True), False, True),
    ],
    ids=["PyTorch 2.9 and later", "before PyTorch 2.9"],
)
def test_each_precision_of_a_gpu_is_what_its_name_says(
    torch_probe, products, exact, rounded
):
    module, made = torch_probe(products)
    assert list(module.products()) == ["fp32", "tf32", "bf16", "fp16"]
    assert list(dict.fromkeys(made)) == [
        ("float32", exact),
        ("float32", rounded),
        ("bfloat16", exact),
        ("float16", exact),
    ]


def test_a_precision_that_a_gpu_does_not_have_is_left_out(torch_probe):
    module, _ = torch_probe(Products(allow_tf32=False), without=("bfloat16",))
    assert list(module.products()) == ["fp32", "tf32", "fp16"]


H100 = Device("gpu", "NVIDIA H100 80GB HBM3", "GPU-1")
MEASURED = {  # on such a GPU, November 2026
    "matmul": {"fp32": 52.016e12, "tf32": 415.1e12, "bf16": 797.03e12},
    "copy": 3.0036e12,
}


def test_ceilings_are_held_against_what_the_vendor_says():
    compared = nominal.compare(MEASURED, nominal.peaks_of(H100))
    assert list(map(str, compared)) == [
        "fp32 52 of 66.9 TFLOP/s (78%)",
        "tf32 415 of 495 TFLOP/s (84%)",
        "bf16 797 of 989 TFLOP/s (81%)",
        "memory 3 of 3.35 TB/s (90%)",
    ]
    assert not any(one.is_low for one in compared)


def test_less_than_60_percent_of_a_peak_is_low():
    peaks = nominal.peaks_of(H100)
    for share, is_low in ((0.59, True), (0.61, False)):
        measured = {"matmul": {}, "copy": share * peaks.memory * 1e12}
        assert [one.is_low for one in nominal.compare(measured, peaks)] == [is_low]


def test_what_a_gpu_does_not_have_is_not_compared():
    v100 = nominal.peaks_of(Device("gpu", "Tesla V100-SXM2-16GB"))
    compared = nominal.compare(MEASURED, v100)
    assert [one.what for one in compared] == ["fp32", "memory"]


@pytest.mark.parametrize(
    "name, bf16, memory",
    [
        ("Tesla V100-PCIE-32GB", None, 0.9),
        ("Tesla T4", None, 0.32),
        ("NVIDIA A100-SXM4-80GB", 312, 2.039),
        ("NVIDIA A100 80GB PCIe", 312, 1.935),
        ("A100-PCIE-40GB", 312, 1.555),
        ("NVIDIA GeForce RTX 4090", 165.2, 1.008),
        ("NVIDIA L40S", 362, 0.864),
        ("NVIDIA H100 PCIe", 756, 2),
        ("NVIDIA B200", 2250, 7.7),
    ],
)
def test_gpus_are_known_by_the_names_that_nvidia_smi_gives(name, bf16, memory):
    peaks = nominal.peaks_of(Device("gpu", name, "GPU-1"))
    assert (peaks.bf16, peaks.memory) == (bf16, memory)


@pytest.mark.parametrize(
    "device",
    [
        CPU,
        Device("gpu", "NVIDIA H100 NVL", "GPU-1"),
        Device("gpu", "NVIDIA L40", "GPU-1"),
        Device("gpu", "NVIDIA GeForce RTX 3090 Ti", "GPU-1"),
        Device("gpu", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", "MIG-1"),
        Device("gpu", "NVIDIA H100 80GB HBM3", "MIG-1"),
    ],
    ids=str,
)
def test_others_are_unknown(device):
    assert nominal.peaks_of(device) is None


@pytest.mark.parametrize("name", nominal.PEAKS)
def test_peaks_are_plausible_and_have_a_source(name):
    """A slip between units, columns or sparse and dense figures would break one of these."""
    peaks = nominal.PEAKS[name]
    assert peaks.source
    assert peaks.fp32 < peaks.fp16
    assert 0.2 < peaks.memory < 10
    if peaks.tf32:
        assert peaks.bf16 == peaks.fp16
        assert peaks.bf16 / peaks.tf32 == pytest.approx(2, rel=0.03)
