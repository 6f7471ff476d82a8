"""Planted faults are named, sound runs pass, and what cannot be known is said to be unknown."""

import json
import subprocess

import numpy as np
import pytest

from common.files import digest
from support import cli, expectations, records, registry, verify
from support.devices import Device
from support.expectations import References
from support.jobs import Settings

FRAMEWORK = next(iter(registry.load().values()))
RUN = {
    "framework": FRAMEWORK.key,
    "model": "CNN",
    "status": "ok",
    "device": "Toy CPU (2 cores)",
    "device_kind": "cpu",
    "data": "real",
    "epochs": 1,
    "precision": "fp32",
    "seconds": 100.0,
    "epoch_seconds": [100.0],
    "throughput": 499.84,
    "accuracy": 0.49,
    "versions": {"Toy": "1.0", "Fast kernels": "2.0"},
    "hardware": {"cores": 2},
    "threads": {},
    "load": {"others": 0.01, "stolen": 0.0, "own": 0.97, "disturbed": []},
    "digests": dict.fromkeys(expectations.CHANGES, "a"),
}
CEILINGS = {"matmul": {"fp32": 400e9}}  # of which 499.84 images/s are 46 %


def run(**changes):
    return {**RUN, **changes}


def slow(**changes):
    """A run that takes twice the time of the reference."""
    return run(seconds=200.0, epoch_seconds=[200.0], throughput=249.92, **changes)


def judged(*runs, same=(RUN,), elsewhere=(), kind="cpu", ceiling=None):
    subject = verify.Subject(FRAMEWORK, runs[0]["model"], list(runs))
    references = References(list(same), list(elsewhere))
    return verify.judge(subject, references, kind, ceiling or {}, {})


def said(finding):
    return "; ".join([*finding.evidence, *finding.causes])


def test_a_run_like_those_on_record_is_as_expected():
    finding = judged(run(seconds=110.0, epoch_seconds=[110.0]))
    assert finding.status == verify.EXPECTED
    assert "first epoch 110 s; 80–125 s expected (1 run on record" in said(finding)
    assert "accuracy 49.0%; 46.0%–52.0% expected" in said(finding)
    assert not finding.causes


def test_a_slow_run_is_slower_than_expected():
    assert judged(slow()).status == verify.SLOWER
    assert judged(run(epoch_seconds=[124.0])).status == verify.EXPECTED
    assert judged(run(epoch_seconds=[126.0])).status == verify.SLOWER


def examples_run(folder, kind, model="CNN", on_record=()):
    """How many examples are run for the purpose, with references of so many each."""
    settings = Settings(Device(kind, "Toy device"), results=folder)
    pair = (FRAMEWORK, model)
    verification = verify.Verification([pair], settings)
    verification._selected = [pair]  # whatever this machine lacks
    runs = [run(model=model, examples_limit=limit) for limit in on_record]
    verification._references = References(runs, [])
    (job,) = verification.jobs()
    assert job.settings.epochs == 1
    return job.settings.examples


@pytest.mark.parametrize("kind, examples", [("cpu", 9600), ("gpu", None)])
def test_what_is_run_for_the_purpose_is_short_on_a_cpu(tmp_path, kind, examples):
    assert examples_run(tmp_path, kind) == examples


@pytest.mark.parametrize(
    "on_record, examples",
    [([9600, None], 9600), ([None], None), ([None, 19200], 19200)],
)
def test_what_is_run_is_as_long_as_what_is_on_record(tmp_path, on_record, examples):
    assert examples_run(tmp_path, "cpu", "CNN", on_record) == examples


def test_inference_is_short_whatever_is_on_record(tmp_path):
    """Its time is per 1,000 images, however many there were."""
    assert examples_run(tmp_path, "cpu", "Inference", [None]) == 256


def test_runs_of_another_number_of_examples_are_no_reference():
    limited = run(examples_limit=9600)
    assert judged(limited).status == verify.UNKNOWN
    assert judged(limited, same=[limited]).status == verify.EXPECTED


@pytest.mark.parametrize(
    "fault, cause",
    [
        (
            {"threads": {"OMP_NUM_THREADS": "1"}},
            "1 thread where there are 2 cores (OMP_NUM_THREADS=1)",
        ),
        (
            {"load": {"own": 0.5, "disturbed": []}},
            "one thread where there are 2 cores: it kept 1.0 of them busy",
        ),
        ({"versions": {"Toy": "1.0"}}, "Fast kernels is missing, 2.0 was there"),
        (
            {"versions": {**RUN["versions"], "Toy": "0.9"}},
            "Toy is 0.9, and was 1.0",
        ),
    ],
)
def test_the_cause_is_named_where_the_record_shows_it(fault, cause):
    assert judged(slow(**fault)).causes == [cause]


def test_a_slow_device_is_told_from_a_slow_framework():
    subject = verify.Subject(FRAMEWORK, "CNN", [slow()])
    half = {"matmul": {"fp32": 200e9}}
    finding = verify.judge(subject, References([RUN], []), "cpu", half, CEILINGS)
    assert "the device itself: a matrix product reaches 200 GFLOP/s" in said(finding)


def test_a_cpu_build_on_a_machine_with_a_gpu():
    fault = slow(versions={"Toy": "1.0+cpu"})
    gpu_run = run(device_kind="gpu", versions={"Toy": "1.0", "cuDNN": "9"})
    finding = judged(fault, same=[gpu_run], kind="gpu")
    assert finding.status == verify.SLOWER
    assert "ran on the CPU, and was to run on the GPU" in finding.evidence[0]
    assert "a build for the CPU (Toy 1.0+cpu)" in finding.causes[0]


@pytest.mark.parametrize("reference", [(RUN,), ()], ids=["known", "unknown"])
def test_a_model_that_does_not_learn(reference):
    finding = judged(run(accuracy=0.1), same=reference)
    assert finding.status == verify.OFF
    assert "accuracy 10.0%" in said(finding)


def test_a_notebook_that_failed_on_record_too_says_nothing_of_the_installation():
    failed = run(status="failed", reason="did not learn: accuracy 0.1")
    subject = verify.Subject(FRAMEWORK, "CNN", [run(accuracy=0.1)])
    references = References([RUN], [], [failed])
    finding = verify.judge(subject, references, "cpu", {}, {})
    assert finding.status == verify.UNKNOWN
    assert "on record it failed as well: did not learn" in said(finding)


def test_an_accuracy_that_is_too_good_is_off_too():
    assert judged(run(accuracy=0.7)).status == verify.OFF


def test_a_stale_expectation_judges_nothing():
    stale = run(digests={**RUN["digests"], "notebook": "b", "environment": "b"})
    finding = judged(slow(), same=[stale])
    assert finding.status == verify.UNKNOWN
    said_of_it = "stale: its notebook and the pins changed since"
    assert said_of_it in said(finding)


def test_other_load_makes_slow_runs_impossible_to_judge_but_not_fast_ones():
    busy = "other processes used 76% of the processors meanwhile"
    load = {"load": {"disturbed": [busy]}}
    finding = judged(slow(**load))
    assert finding.status == verify.UNKNOWN
    assert f"cannot judge: {busy}" in said(finding)
    assert judged(run(**load)).status == verify.EXPECTED
    assert judged(slow(**load), run()).status == verify.EXPECTED, "the undisturbed"


def test_epochs_are_compared_where_their_number_differs():
    protocol = run(
        epochs=10,
        seconds=510.0,
        epoch_seconds=[60.0] + [50.0] * 9,
        digests={**RUN["digests"], "settings": "ten epochs"},
    )
    assert "first epoch 100 s; 48–75 s" in said(judged(run(), same=[protocol]))
    assert judged(run(epoch_seconds=[70.0]), same=[protocol]).status == "as expected"
    slower = {**protocol, "epoch_seconds": [60.0] + [100.0] * 9}
    assert "later epochs 100 s; 40–62.5 s" in said(judged(slower, same=[protocol]))


def test_without_records_of_the_device_others_shares_of_the_ceiling_count():
    other = run(device="Another CPU (8 cores)")
    four_times = {"matmul": {"fp32": 1600e9}}
    here = {"same": (), "ceiling": CEILINGS}
    assert judged(slow(), **here).status == verify.UNKNOWN
    finding = judged(run(), elsewhere=[(other, CEILINGS)], **here)
    assert finding.status == verify.EXPECTED
    assert "46.3% to 46.3% of the ceiling" in said(finding)
    finding = judged(slow(), elsewhere=[(other, four_times)], **here)
    assert finding.status == verify.EXPECTED, "a small share is usual for it"
    late = run(seconds=250.0, epoch_seconds=[250.0], throughput=200)
    assert judged(late, elsewhere=[(other, CEILINGS)], **here).status == verify.SLOWER
    on_gpu = (run(device_kind="gpu"), CEILINGS)
    assert judged(late, elsewhere=[on_gpu], **here).status == verify.UNKNOWN


def test_inference_has_a_time_alone():
    images = {"model": "Inference", "epochs": None, "accuracy": None, "seconds": 20.0}
    reference = run(**images)
    finding = judged(run(**{**images, "seconds": 30.0}), same=[reference])
    assert finding.status == verify.SLOWER
    assert len(finding.evidence) == 1 and "1,000 images 30 s" in finding.evidence[0]


@pytest.mark.parametrize(
    "statuses, status",
    [
        ([verify.EXPECTED, verify.EXPECTED], 0),
        ([verify.EXPECTED, verify.SLOWER], 1),
        ([verify.UNKNOWN, verify.OFF], 1),
        ([verify.EXPECTED, verify.UNKNOWN], 2),
        ([], 2),
    ],
)
def test_the_exit_status_tells_good_from_bad_and_from_unknown(statuses, status):
    findings = [verify.Finding("CNN", each) for each in statuses]
    assert verify.exit_status({FRAMEWORK: findings}) == status


def test_the_verdict_of_a_framework_is_that_of_its_worst_model():
    findings = [
        verify.Finding("CNN", verify.EXPECTED, ["fine"]),
        verify.Finding("RNN", verify.SLOWER, ["late"], ["one thread"]),
    ]
    text = verify.as_text({FRAMEWORK: findings}, {(FRAMEWORK, "Inference"): "a lathe"})
    assert text.splitlines() == [
        f"{FRAMEWORK.label}: slower than expected",
        "  CNN: fine",
        "  RNN: late",
        "    likely cause: one thread",
        f"left out: {FRAMEWORK.label} Inference: needs a lathe",
    ]


def test_what_git_has_is_the_reference_and_the_rest_was_made_here(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(expectations, "ROOT", tmp_path)
    folder = tmp_path / "results" / "toy"
    (folder / "records").mkdir(parents=True)

    def write(name, seconds):
        path = folder / "records" / f"{name}.json"
        path.write_text(json.dumps(run(seconds=seconds)))

    def git(*arguments):
        settings = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(tmp_path), *settings, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def times():
        found = expectations.committed_and_own(folder)
        return [[record["seconds"] for record in part] for part in found]

    write("kept", 1.0)
    write("repeated", 2.0)
    assert times() == [[1.0, 2.0], []], "without git nothing is known to be ours"
    git("init")
    git("add", ".")
    git("commit", "-m", "records")
    write("repeated", 3.0)
    write("new", 4.0)
    assert times() == [[1.0, 2.0], [4.0, 3.0]]


@pytest.mark.parametrize(
    "arguments, answer",
    [
        (["verify", "--quick"], "generated data compare nothing"),
        (["verify", "-f", "Nothing"], "unknown framework 'Nothing'"),
        (["--json"], "--json is for verify"),
    ],
)
def test_a_command_that_makes_no_sense_is_told_so(arguments, answer, capsys):
    assert cli.main(["--gpu", "none", *arguments]) == 2
    assert answer in capsys.readouterr().err


@pytest.fixture
def with_data(checkout):
    """The checkout with a stand-in for IMDB's file, so that real runs are possible."""
    reviews = np.empty(2, object)
    reviews[:] = [[1, 2, 3]] * 2
    labels = np.array([0, 1])
    path = checkout.root / "data" / "imdb.npz"
    path.parent.mkdir()
    arrays = {"x_train": reviews, "x_test": reviews}
    np.savez(path, y_train=labels, y_test=labels, **arrays)
    expected = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    checkout.replace("common/data.py", expected, digest(path, "sha256"))
    checkout.replace("support/probes/cpu.py", "SECONDS = 2 ", "SECONDS = 0.1 ")
    return checkout


def test_an_installation_is_run_and_judged_and_no_reference_is_touched(with_data):
    command = ("verify", "-f", "Good", "--json")
    first = with_data.run(*command)
    verdicts = json.loads(first.stdout)
    assert verdicts["left_out"] == {"Good CNN": "needs notebook Good_CNN.ipynb"}
    verdict = verdicts["frameworks"]["Good"]
    assert first.returncode == 2, first.stderr
    assert verdict["status"] == "unknown"
    assert "no record of this device" in verdict["findings"][0]["evidence"][0]
    assert "Good RNN" in first.stderr, "progress is told apart from the verdict"

    [made] = (with_data.root / "results").glob("*/verify/records/*.json")
    machine = made.parents[2]
    assert not records.read_all(machine), "kept apart from the records"
    assert not list(machine.glob("quick/ceilings.json")), "not for generated data"
    ceilings = json.loads((machine / "verify" / "ceilings.json").read_text())
    assert ceilings["matmul"]["fp32"] > 1e8 and ceilings["copy"] > 1e7
    assert ceilings["threads"] and ceilings["date"] and "load" in ceilings

    record = json.loads(made.read_text())
    record["epoch_seconds"] = [10 * seconds for seconds in record["epoch_seconds"]]
    reference = machine / "records" / made.name
    reference.parent.mkdir()
    reference.write_text(json.dumps(record))
    before = reference.read_bytes()
    second = with_data.run(*command[:-1])
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Good: as expected" in second.stdout
    assert reference.read_bytes() == before


def test_a_run_that_fails_is_unknown_and_says_why(with_data):
    done = with_data.run("verify", "-f", "Raises", "-m", "RNN")
    assert done.returncode == 2
    assert "Raises: unknown" in done.stdout
    assert "its run failed: ValueError: the loss is not a number" in done.stdout
