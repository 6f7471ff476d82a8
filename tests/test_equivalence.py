"""Proofs can fail: errors are measured as they are, mistakes fit their notebooks, kinds are not mixed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from common.weights import GRUS, seeded_weights
from support import registry
from support.basics.errors import UsageError
from support.basics.paths import PRIVATE, ROOT
from support.contributing.check import concerns
from support.devices import choose
from support.environments import Installed
from support.equivalence import answers, mistakes, parity, reference, transfer
from support.execution.settings import Settings
from support.records import machines

FRAMEWORKS = registry.frameworks()
# Apart from the results that are committed, of which there may be some of this very machine.
OWN = PRIVATE / "tests"
CPU = choose.cpu()
SETTINGS = Settings(CPU, machines.folder_for(OWN, CPU), data="quick")
ARRAYS = [
    pytest.param(lambda a: a, "", id="the same"),
    pytest.param(lambda a: a * (1 + 9e-5), "", id="within what float32 explains"),
    pytest.param(lambda a: a * (1 + 2e-4), "outputs", id="twice as far"),
    pytest.param(lambda a: a * np.nan, "outputs", id="not a number"),
    pytest.param(lambda a: a[:, :1], "outputs", id="another shape"),
    pytest.param(lambda a: a[::-1], "outputs", id="another order"),
]


@pytest.fixture
def judged(tmp_path):
    """What a parity job says of a run that left these arrays."""

    def judge(framework, weights, outputs):
        job = parity.ParityJob(FRAMEWORKS[framework], "RNN", SETTINGS)
        (tmp_path / "0").mkdir()
        np.savez(tmp_path / "0" / "weights.npz", **weights)
        np.save(tmp_path / "0" / "outputs.npy", outputs)
        report = {
            "status": "ok",
            "reason": "",
            "device_kind": SETTINGS.device.kind,
            "data": "quick",
            "model": "RNN",
            "accuracy": 0.99,
        }
        assert not job.find_problem(report, tmp_path)
        return report

    return judge


def to_tf32(values):
    """float32 with its mantissa rounded from 23 bits to ten, as tensor cores take their operands."""
    bits = np.asarray(values, np.float32).view(np.uint32) + np.uint32(1 << 12)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)


def in_tf32(layer):
    """The layer of the reference with operands in TF32."""

    def rounded(x, *args, **weights):
        args = [to_tf32(a) if isinstance(a, np.ndarray) else a for a in args]
        for name in weights:
            if name.startswith("weight"):
                weights[name] = to_tf32(weights[name])
        return layer(to_tf32(x), *args, **weights)

    return rounded


@pytest.mark.parametrize("model", parity.OUTPUTS)
def test_products_in_tf32_are_not_taken_for_float32(monkeypatch, model):
    """So that a GPU's `parity` shows whether fp32 means fp32; on this CPU, it does in every notebook."""
    count = 2 if model == "Inference" else 64
    weights = seeded_weights(model, 42, "reset_after")
    if model != "Inference":
        weights = answers.given_weights(model, "reset_after")
    exact = answers.reference_outputs(model, weights, "reset_after", count)
    for name in ("_convolve", "dense", "gated_recurrent"):
        monkeypatch.setattr(reference, name, in_tf32(getattr(reference, name)))
    x = answers.load(model)[2][:count]
    forward = {
        "CNN": reference.cnn,
        "RNN": partial(reference.rnn, gru="reset_after"),
        "Inference": reference.resnet50,
    }[model]
    assert parity.relative(forward(weights, x), exact) > 2 * parity.OUTPUTS[model]


@pytest.fixture(scope="module")
def outputs():
    """Some weights, and the reference's logits with them."""
    weights = answers.given_weights("RNN", "reset_after")
    return weights, answers.reference_outputs("RNN", weights, "reset_after", 64)


@pytest.mark.parametrize("change, missed", ARRAYS)
def test_outputs_are_held_to_the_reference(judged, outputs, change, missed):
    weights, expected = outputs
    report = judged("PyTorch", weights, change(expected))
    failed = [check["check"] for check in report["checks"] if not check["passed"]]
    assert failed == [missed] * bool(missed)
    assert report["status"] == ("failed" if missed else "ok")
    assert missed in report["reason"]


def test_a_softmax_in_the_model_is_part_of_what_is_compared(judged, outputs):
    weights, expected = outputs
    del weights["gru.bias_recurrent"]
    expected = answers.reference_outputs("RNN", weights, "reset_after_one_bias", 64)
    report = judged("Lasagne", weights, reference.softmax(expected))
    assert report["status"] == "ok"


def test_weights_of_another_model_are_counted(judged, outputs):
    weights, expected = outputs
    fewer = {**weights, "gru.bias_recurrent": np.zeros(3)}
    report = judged("PyTorch", fewer, expected)
    assert report["reason"] == "parameters: error 3.0e+02, 0 allowed"
    assert [check["error"] for check in report["checks"]] == [297]


def test_every_framework_says_what_it_does_in_each_trap():
    for name, trap in mistakes.traps().items():
        for framework in FRAMEWORKS.values():
            option = mistakes.convention(framework, name)
            if concerns(name, framework) or option:
                assert option in trap["options"], (framework.key, name)
    assert set(mistakes.traps()["gru_kind"]["options"]) == set(GRUS)


def test_every_mistake_fits_its_notebook_and_belongs_to_a_trap():
    pairs = [(f, model) for f in FRAMEWORKS.values() for model in parity.OUTPUTS]
    jobs = mistakes.jobs(pairs, SETTINGS)
    assert len(jobs) == sum(len(f.mistakes) for f in FRAMEWORKS.values()) >= 10
    for job in jobs:
        assert job.mistake["trap"] in mistakes.traps()
        assert job.notebook.read_text() != job.framework.notebook(job.model).read_text()
    assert len({job.key.stem for job in jobs}) == len(jobs)


def test_an_edit_that_no_longer_fits_is_named(tmp_path):
    path = FRAMEWORKS["PyTorch"].notebook("CNN")
    edits = (("optimizer", "no such text", ""),)
    with pytest.raises(
        UsageError, match="PyTorch_CNN.ipynb has no 'no such text' in its cell"
    ):
        mistakes._mistaken(path, tmp_path / "x.ipynb", edits)


def framework(gru):
    return SimpleNamespace(key=gru, gru=gru)


@pytest.mark.parametrize("source", GRUS)
@pytest.mark.parametrize("target", GRUS)
def test_weights_move_between_kinds_of_gru_only_if_the_model_stays_the_same(
    source, target
):
    """Whatever is allowed computes the same; whatever is refused does not."""
    weights = answers.given_weights("RNN", source)
    x = answers.load("RNN")[2][:8]
    before = reference.rnn(weights, x, source)
    after = reference.rnn(transfer.fit(weights, target), x, target)
    refused = transfer.obstacle(framework(source), framework(target), "RNN")
    assert np.allclose(before, after, atol=1e-12) != bool(refused)
    assert not transfer.obstacle(framework(source), framework(target), "CNN")


@pytest.mark.parametrize(
    "agreement, accuracy, passes",
    [(1, 0.9, True), (0.9991, 0.9009, True), (0.998, 0.9, False), (1, 0.902, False)],
)
def test_a_transfer_must_agree_and_be_as_accurate(agreement, accuracy, passes):
    pair = {"agreement": agreement, "accuracy_there": 0.9, "accuracy_here": accuracy}
    assert transfer._passed({**pair, "obstacle": ""}) == passes
    assert transfer._passed({**pair, "obstacle": "another kind of GRU"})


@pytest.mark.parametrize(
    "other",
    [
        {"precision": "bf16"},
        {"epochs": 1},
        {"data": "real"},
        {"installed": Installed(("python",))},
    ],
    ids=str,
)
def test_a_transfer_with_other_settings_has_files_of_its_own(other):
    jobs = [
        transfer.TrainingJob(FRAMEWORKS["PyTorch"], "CNN", settings)
        for settings in (SETTINGS, replace(SETTINGS, **other))
    ]
    evaluations = [
        transfer.EvaluationJob(job.framework, "CNN", job.settings, sources=(job,))
        for job in jobs
    ]
    records = {job.record_path for job in [*jobs, *evaluations]}
    assert len(records) == 4
    assert len({job.weights_path for job in jobs}) == 2
    assert len({job.outputs_path for job in jobs}) == 2


def run_all(command, *arguments):
    command = [str(ROOT / "run_all.py"), command, "--gpu", "none", *arguments]
    variables = {**os.environ, "ROSETTA_RESULTS": str(OWN)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments, answer",
    [
        (["transfer"], "transfer needs --from and --to, or --all"),
        (["transfer", "--from", "Jaks", "--to", "CNTK"], "did you mean JAX"),
        (
            ["transfer", "--from", "CNTK", "--to", "PyTorch", "-m", "RNN"],
            "CNTK's GRU is of the kind reset_before, PyTorch's reset_after; "
            "--anyway shows what the mistake costs",
        ),
        (["transfer", "--all", "-m", "Inference"], "nothing is trained"),
        (
            ["parity", "--precision", "bf16"],
            "--precision is an option of run, verify, transfer, not of parity",
        ),
        (["mistakes", "-f", "Gluon"], "no framework or model matches"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, answer):
    done = run_all(*arguments)
    assert done.returncode == 2
    assert answer in done.stderr
    assert done.stderr.count("\n") == 1


def test_trained_weights_move_and_are_not_trained_again():
    """From one framework to two others and back to itself; a second run has nothing to do."""
    move = ["transfer", "--quick", "-m", "RNN", "--from", "PyTorch", "--to"]
    targets = ["PyTorch", "TensorFlow", "Gluon"]
    done = run_all(*move, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    for key in targets:
        job = transfer.EvaluationJob(FRAMEWORKS[key], "RNN", SETTINGS)
        pair = json.loads(job.record_path.read_text())["pairs"]["PyTorch"]
        assert pair["agreement"] >= transfer.AGREEMENT
    assert "0 run, 4 unchanged, 0 failed" in run_all(*move, *targets).stdout
