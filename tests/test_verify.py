"""Planted faults are named, sound runs pass, and what cannot be known is said to be unknown."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from common.files import digest
from support import registry
from support.basics.errors import PRECISION, Obstacle
from support.ceilings import store as ceilings_store
from support.cli import main as cli
from support.devices.choose import Device
from support.execution.jobs import DONE, READY, STALE, Job
from support.execution.settings import Settings
from support.records import installation, schema, store
from support.verdict import expectations, findings, references, verify
from support.verdict.assess import Subject, assess, assess_device
from support.verdict.findings import DeviceFinding, Finding
from support.verdict.references import References

FRAMEWORK = next(iter(registry.frameworks().values()))
HARDWARE = {
    "cpu": "Toy CPU",
    "cores": 2,
    "memory_gib": 8.0,
    "gpus": [],
    "system": "Linux 6.1",
}
RUN = {
    "schema": 1,
    "framework": FRAMEWORK.key,
    "model": "CNN",
    "tuned": False,
    "purpose": "run",
    "repeat": 1,
    "status": "ok",
    "reason": "",
    "device": "Toy CPU (2 cores)",
    "device_kind": "cpu",
    "data": "real",
    "epochs": 1,
    "examples_limit": None,
    "precision": "fp32",
    "seconds": 100.0,
    "epoch_seconds": [100.0],
    "examples": 49984,
    "throughput": 499.84,
    "accuracy": 0.49,
    "parameters": 3441592,
    "versions": {"Toy": "1.0", "Fast kernels": "2.0"},
    "hardware": HARDWARE,
    "threads": {},
    "load": {"others": 0.01, "stolen": 0.0, "own": 0.97, "disturbed": []},
    "environment": {
        "kind": "pinned",
        "name": "toy",
        "digest": "1",
        "packages": {},
    },
    "notebook": "notebooks/Toy_CNN.ipynb",
    "digests": dict.fromkeys(expectations.CHANGES, "a"),
    "date": "2026-01-01T00:00:00+00:00",
}
CEILINGS = {"matmul": {"fp32": 400e9}}  # of which 499.84 images/s are 46 %
BUSY = "other processes used 76% of the processors meanwhile"


def run(**changes):
    return {**RUN, **changes}


def slow(**changes):
    """A run that takes twice the time of the reference."""
    return run(seconds=200.0, epoch_seconds=[200.0], throughput=249.92, **changes)


def disturbed(**load):
    return {"load": {**RUN["load"], **load, "disturbed": [BUSY]}}


def installed(**versions):
    """What an installed environment's run has other than a pinned one's."""
    environment = {**RUN["environment"], "kind": "installed", "digest": "2"}
    return {"environment": environment, "versions": {**RUN["versions"], **versions}}


def judged(*runs, same=(RUN,), elsewhere=(), ceilings=None):
    subject = Subject(runs[0]["model"], list(runs))
    known = References(list(same), list(elsewhere), [], [])
    return assess(subject, known, ceilings or {})


def said(finding):
    return "; ".join([*finding.evidence, *finding.causes])


def test_the_run_of_these_tests_is_a_record():
    assert schema.problem(RUN) == ""


def test_a_run_like_those_on_record_is_as_expected():
    finding = judged(run(seconds=110.0, epoch_seconds=[110.0]))
    assert finding.status == findings.EXPECTED
    assert "first epoch 110 s; 80–125 s expected (1 run on record" in said(finding)
    assert "accuracy 49.0%; 46.0%–52.0% expected" in said(finding)
    assert len(finding.evidence) == 2 and not finding.causes


def test_a_slow_run_is_slower_than_expected():
    assert judged(slow()).status == findings.SLOWER
    assert judged(run(epoch_seconds=[124.0])).status == findings.EXPECTED
    assert judged(run(epoch_seconds=[126.0])).status == findings.SLOWER


def verification(folder, kind="cpu", model="CNN", **options):
    """Of one pair, whatever this machine lacks."""
    device = Device(kind, "Toy CPU (2 cores)" if kind == "cpu" else "Toy GPU")
    made = verify.Verification([], Settings(device, folder), **options)
    made._pairs = made._selected = [(FRAMEWORK, model)]
    return made


def examples_run(folder, kind, model="CNN", on_record=()):
    """How many examples are run for the purpose, with references of so many each."""
    made = verification(folder, kind, model)
    runs = [run(model=model, examples_limit=limit) for limit in on_record]
    made._references = References(runs)
    (job,) = made.jobs()
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
    assert judged(limited).status == findings.UNKNOWN
    assert judged(limited, same=[limited]).status == findings.EXPECTED


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
        ({"versions": {"Toy": "1.0"}}, "Fast kernels is missing here, 2.0 on record"),
        (
            {"versions": {**RUN["versions"], "Toy": "0.9"}},
            "Toy 0.9 here, 1.0 on record",
        ),
    ],
)
def test_the_cause_is_named_where_the_record_shows_it(fault, cause):
    assert judged(slow(**fault)).causes == [cause]


@pytest.mark.parametrize(
    "before, named", [([CEILINGS], True), ([], False), ([{"matmul": {}}], False)]
)
def test_a_slow_device_is_told_from_a_slow_framework(before, named):
    half = {"matmul": {"fp32": 200e9}}
    known = References([RUN], ceilings=before)
    finding = assess(Subject("CNN", [slow()]), known, half)
    cause = "the device itself: a matrix product reaches 200 GFLOP/s, and reached 400"
    assert (cause in said(finding)) == named


@pytest.mark.parametrize("reference", [(RUN,), ()], ids=["known", "unknown"])
def test_a_model_that_does_not_learn(reference):
    finding = judged(run(accuracy=0.1), same=reference)
    assert finding.status == findings.OFF
    assert "accuracy 10.0%" in said(finding)


def test_causes_of_slowness_are_named_for_slow_runs_only():
    one_thread = {"threads": {"OMP_NUM_THREADS": "1"}}
    assert judged(slow(**one_thread)).causes
    off = judged(run(accuracy=0.1, **one_thread))
    assert (off.status, off.causes) == (findings.OFF, [])
    both = judged(slow(accuracy=0.1, **one_thread))
    assert both.status == findings.OFF and len(both.causes) == 1
    other = judged(run(accuracy=0.1, **one_thread, versions={"Toy": "0.9"}))
    assert "Toy 0.9 here, 1.0 on record" in other.causes, "may change the results"
    assert not any("thread" in cause for cause in other.causes)


def test_a_disturbed_run_shows_no_cause():
    """That it kept one processor busy was the doing of the others."""
    waited = disturbed(own=0.5)
    assert judged(slow(load={**RUN["load"], "own": 0.5})).causes
    late = judged(slow(**waited))
    assert (late.status, late.causes) == (findings.UNKNOWN, [])
    off = judged(slow(accuracy=0.1, **waited))
    assert (off.status, off.causes) == (findings.OFF, [])


def test_a_notebook_that_failed_on_record_too_says_nothing_of_the_installation():
    failed = run(status="failed", reason="did not learn: accuracy 0.1")
    known = References([RUN], [], [failed])
    finding = assess(Subject("CNN", [run(accuracy=0.1)]), known, {})
    assert finding.status == findings.UNKNOWN
    assert "on record it failed as well: did not learn" in said(finding)


def test_an_accuracy_that_is_too_good_is_off_too():
    assert judged(run(accuracy=0.7)).status == findings.OFF


def test_a_stale_expectation_judges_nothing():
    stale = run(digests={**RUN["digests"], "notebook": "b", "common": "b"})
    finding = judged(slow(), same=[stale])
    assert finding.status == findings.UNKNOWN
    said_of_it = "stale: its notebook and common/ changed since"
    assert said_of_it in said(finding)


def test_an_installed_environment_is_compared_with_pinned_ones():
    """Other versions are evidence, and a likely cause if it is slower."""
    differences = [
        "environment: installed here, pinned on record",
        "Toy 0.9 here, 1.0 on record",
    ]
    finding = judged(run(**installed(Toy="0.9")))
    assert finding.status == findings.EXPECTED
    assert finding.evidence[2:] == differences and not finding.causes
    slower = judged(slow(**installed(Toy="0.9")))
    assert slower.status == findings.SLOWER
    assert len(slower.evidence) == 2 and slower.causes == differences


def test_a_version_that_is_on_record_is_no_difference():
    others = [run(versions={**RUN["versions"], "Toy": text}) for text in ("1.1", "1.2")]
    assert len(judged(run(), same=[RUN, *others]).evidence) == 2
    finding = judged(run(), same=others)
    assert finding.evidence[2:] == ["Toy 1.0 here, 1.1 and 1.2 on record"]


def test_a_gpu_in_another_host_is_the_same_device():
    on_gpu = {"device": "Toy GPU", "device_kind": "gpu"}
    host = {**HARDWARE, "cpu": "Slow CPU"}
    finding = judged(slow(**on_gpu, hardware=host), same=[run(**on_gpu)])
    assert finding.status == findings.SLOWER
    assert finding.causes == [
        "host: Slow CPU with 2 cores here, Toy CPU with 2 cores on record"
    ]


def test_other_load_makes_slow_runs_impossible_to_judge_but_not_fast_ones():
    finding = judged(slow(**disturbed()))
    assert finding.status == findings.UNKNOWN
    assert f"cannot decide: {BUSY}" in said(finding)
    assert judged(run(**disturbed())).status == findings.EXPECTED
    both = judged(slow(**disturbed()), run())
    assert both.status == findings.EXPECTED, "the undisturbed one counts"


def test_epochs_are_compared_where_their_number_differs():
    protocol = run(
        epochs=10,
        seconds=510.0,
        epoch_seconds=[60.0] + [50.0] * 9,
        digests={**RUN["digests"], "settings": "ten epochs"},
    )
    assert "first epoch 100 s; 48–75 s" in said(judged(run(), same=[protocol]))
    in_time = judged(run(epoch_seconds=[70.0]), same=[protocol])
    assert in_time.status == findings.EXPECTED
    slower = {**protocol, "epoch_seconds": [60.0] + [100.0] * 9}
    assert "later epochs 100 s; 40–62.5 s" in said(judged(slower, same=[protocol]))


def test_without_records_of_the_device_others_shares_of_the_ceiling_count():
    other = run(device="Another CPU (8 cores)")
    four_times = {"matmul": {"fp32": 1600e9}}
    here = {"same": (), "ceilings": CEILINGS}
    assert judged(slow(), **here).status == findings.UNKNOWN
    finding = judged(run(), elsewhere=[(other, CEILINGS)], **here)
    assert finding.status == findings.EXPECTED
    assert "46.3% to 46.3% of the ceiling" in said(finding)
    finding = judged(slow(), elsewhere=[(other, four_times)], **here)
    assert finding.status == findings.EXPECTED, "a small share is usual for it"
    late = run(seconds=250.0, epoch_seconds=[250.0], throughput=200)
    slower = judged(late, elsewhere=[(other, CEILINGS)], **here)
    assert slower.status == findings.SLOWER
    on_gpu = (run(device_kind="gpu"), CEILINGS)
    assert judged(late, elsewhere=[on_gpu], **here).status == findings.UNKNOWN


def test_other_devices_ceilings_are_not_what_this_one_once_reached():
    other = run(device="Another CPU (8 cores)")
    late = run(seconds=250.0, epoch_seconds=[250.0], throughput=200)
    known = References([], [(other, CEILINGS)], [], [{"matmul": {"fp32": 4e12}}])
    finding = assess(Subject("CNN", [late]), known, CEILINGS)
    assert (finding.status, finding.causes) == (findings.SLOWER, [])


def test_inference_has_a_time_alone():
    images = {"model": "Inference", "epochs": None, "accuracy": None, "seconds": 20.0}
    reference = run(**images)
    finding = judged(run(**{**images, "seconds": 30.0}), same=[reference])
    assert finding.status == findings.SLOWER
    assert len(finding.evidence) == 1 and "1,000 images 30 s" in finding.evidence[0]


H100 = Device("gpu", "NVIDIA H100 80GB HBM3", "GPU-1")
REACHED = {"matmul": {"fp32": 52e12, "bf16": 797e12}, "copy": 3e12}


def test_a_device_is_held_against_what_its_vendor_says():
    finding = assess_device(H100, REACHED)
    assert finding.status == findings.EXPECTED and not finding.causes
    assert "bf16 797 of 989 TFLOP/s (81%)" in said(finding)


@pytest.mark.parametrize(
    "measured, low, build",
    [
        ({"matmul": {"fp32": 52e12, "bf16": 400e12}}, "bf16", True),
        ({"copy": 1e12}, "memory", False),
        ({"matmul": {"fp32": 30e12}, "copy": 1e12}, "fp32 and memory", False),
    ],
    ids=["bf16", "memory", "both"],
)
def test_a_device_that_is_slow_itself_is_a_finding(measured, low, build):
    finding = assess_device(H100, {**REACHED, **measured})
    assert finding.status == findings.SLOWER
    assert "of 66.9 TFLOP/s" in finding.evidence[0]
    assert finding.evidence[1] == (
        f"the device itself is slow: it does not reach 60% of the peak of {low}"
    )
    (cause,) = finding.causes
    assert "power limit" in cause and ("tensor cores" in cause) == build


@pytest.mark.parametrize(
    "device, ceilings",
    [(H100, {}), (Device("cpu", "Toy CPU"), REACHED), (Device("gpu", "X"), REACHED)],
    ids=["not measured", "CPU", "unknown GPU"],
)
def test_nothing_is_said_of_a_device_without_ceilings_or_peaks(device, ceilings):
    assert assess_device(device, ceilings) is None


SLOW_DEVICE = DeviceFinding("Toy GPU", findings.SLOWER, ["half"], ["a fan"])


@pytest.mark.parametrize(
    "statuses, device, status",
    [
        ([findings.EXPECTED, findings.EXPECTED], None, 0),
        ([findings.EXPECTED, findings.SLOWER], None, 1),
        ([findings.UNKNOWN, findings.OFF], None, 1),
        ([findings.EXPECTED, findings.UNKNOWN], None, 2),
        ([], None, 2),
        ([findings.EXPECTED], SLOW_DEVICE, 1),
        ([findings.EXPECTED], replace(SLOW_DEVICE, status=findings.EXPECTED), 0),
        ([findings.UNKNOWN], replace(SLOW_DEVICE, status=findings.EXPECTED), 2),
    ],
)
def test_the_exit_status_tells_good_from_bad_and_from_unknown(statuses, device, status):
    found = {FRAMEWORK: [Finding("CNN", each) for each in statuses]}
    assert findings.exit_status(found, device) == status


FOUND = {
    FRAMEWORK: [
        Finding("CNN", findings.EXPECTED, ["fine"]),
        Finding("RNN", findings.SLOWER, ["late"], ["one thread"]),
    ]
}
LEFT_OUT = {(FRAMEWORK, "Inference"): Obstacle(PRECISION, "needs a lathe")}


def test_the_verdict_of_a_framework_is_that_of_its_worst_model():
    text = findings.as_text(FOUND, LEFT_OUT, SLOW_DEVICE)
    assert text.splitlines() == [
        "Toy GPU: slower than expected",
        "  half",
        "    likely cause: a fan",
        f"{FRAMEWORK.label}: slower than expected",
        "  CNN: fine",
        "  RNN: late",
        "    likely cause: one thread",
        f"left out: {FRAMEWORK.label} Inference: needs a lathe",
    ]


def test_programs_are_told_the_same():
    told = json.loads(findings.as_json(FOUND, LEFT_OUT, H100, SLOW_DEVICE))
    assert told["device"] == H100.name
    assert told["ceilings"]["causes"] == ["a fan"]
    assert told["frameworks"][FRAMEWORK.key]["status"] == findings.SLOWER
    assert told["left_out"] == {f"{FRAMEWORK.key} Inference": "needs a lathe"}
    assert json.loads(findings.as_json({}, {}, H100))["ceilings"] is None


def write(folder, name, **changes):
    path = folder / "records" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write(path, run(**changes))


def test_what_was_made_here_is_no_reference_wherever_it_is_kept(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    device = RUN["device"]
    write(here, "theirs", seconds=1.0)
    write(here, "mine", seconds=2.0, installation=installation.own())
    write(here, "of-a-friend", seconds=3.0, installation="a friend's")
    write(there, "same-device", seconds=4.0)
    write(there, "other-device", seconds=5.0, device="X")
    write(there, "mine", seconds=6.0, device="X", installation=installation.own())
    write(there, "failed", status="failed", reason="broke")
    known, own = references.gather(device, here, tmp_path)
    assert [record["seconds"] for record in known.same] == [3.0, 1.0, 4.0]
    assert [record["seconds"] for record, _ in known.elsewhere] == [5.0]
    assert [record["reason"] for record in known.failures] == ["broke"]
    assert [record["seconds"] for record in own] == [2.0]


def test_ceilings_that_were_measured_here_are_no_reference(tmp_path):
    (tmp_path / "a" / "records").mkdir(parents=True)
    measured = {
        **{"matmul": {"fp32": 1.0}, "copy": 1.0, "versions": {"Toy": "1"}},
        **{"device": "X", "date": "2026-01-01", "load": {"disturbed": []}},
    }
    for maker, count in (("a friend's", 1), (installation.own(), 0)):
        text = json.dumps({**measured, "installation": maker})
        ceilings_store.path(tmp_path / "a").write_text(text)
        known, _ = references.gather("X", tmp_path / "b", tmp_path)
        assert len(known.ceilings) == count


@pytest.mark.parametrize(
    "change, here",
    [
        ({"system": "Linux 7.0"}, True),
        ({"memory_gib": 7.5}, True),
        ({"memory_gib": 16.0}, False),
        ({"cores": 4}, False),
        ({"cpu": "Another CPU"}, False),
        ({"gpus": [{"name": "Toy GPU", "driver": "1"}]}, False),
    ],
    ids=str,
)
def test_a_run_belongs_to_the_machine_whose_hardware_it_names(
    monkeypatch, change, here
):
    monkeypatch.setattr(references, "_machine", lambda: HARDWARE)
    assert references.is_here(run(hardware={**HARDWARE, **change})) == here


def test_a_new_driver_makes_another_machine(monkeypatch):
    def with_driver(version):
        gpu = {"name": "Toy GPU", "driver": version, "uuid": version}
        return {**HARDWARE, "gpus": [gpu]}

    monkeypatch.setattr(references, "_machine", lambda: with_driver("1"))
    assert references.is_here(run(hardware=with_driver("1")))
    assert not references.is_here(run(hardware=with_driver("2")))


@pytest.fixture
def own_run(tmp_path, monkeypatch):
    """Keep a record as this checkout's runner would, in the folder of own runs or of checks."""
    monkeypatch.setattr(references, "_machine", lambda: HARDWARE)

    def keep(job, **changes):
        record = run(
            examples_limit=job.settings.examples,
            epochs=job.epochs,
            digests=job.digests(),
            environment=job.environment.describe(),
            installation=installation.own(),
            tuned=FRAMEWORK.tuned,
        )
        job.record_path.parent.mkdir(parents=True, exist_ok=True)
        store.write(job.record_path, {**copy.deepcopy(record), **changes})

    return keep


def job_for(kind, folder, **settings):
    chosen = Settings(Device("cpu", RUN["device"]), folder, epochs=1, **settings)
    return kind(FRAMEWORK, "CNN", chosen)


STALE_DIGESTS = dict.fromkeys(expectations.CHANGES, "changed")


@pytest.mark.parametrize(
    "kind, changes, runs",
    [
        (Job, {}, False),
        (verify.Check, {}, False),
        (Job, {"installation": "a friend's"}, True),
        (Job, {"digests": STALE_DIGESTS}, True),
        (Job, {"environment": {**RUN["environment"], "digest": "old"}}, True),
        (Job, {"hardware": {**HARDWARE, "cpu": "Another CPU"}}, True),
        (Job, disturbed(), True),
        (verify.Check, disturbed(), True),
    ],
    ids=[
        "own run",
        "check",
        "a friend's run",
        "notebook has changed",
        "environment has changed",
        "another machine",
        "disturbed run",
        "disturbed check",
    ],
)
def test_what_has_a_good_run_made_here_is_not_run_again(
    tmp_path, own_run, kind, changes, runs
):
    own_run(job_for(kind, tmp_path), **changes)
    assert bool(verification(tmp_path).jobs()) == runs
    assert verification(tmp_path, again=True).jobs()


def test_an_own_run_is_not_compared_with_itself(tmp_path, own_run):
    own_run(job_for(Job, tmp_path))
    made = verification(tmp_path)
    made._references = replace(made._references, elsewhere=[])
    ((finding,),) = made.findings({}).values()
    assert finding.status == findings.UNKNOWN
    assert "no record of this device" in said(finding)


def test_the_longest_of_own_runs_is_judged(tmp_path, own_run):
    short = job_for(Job, tmp_path, examples=9600)
    own_run(short, examples=9600, accuracy=0.3)
    own_run(job_for(Job, tmp_path), accuracy=0.49)
    ((finding,),) = verification(tmp_path).findings({}).values()
    assert "accuracy 49.0%" in said(finding)


def test_a_failed_run_is_unknown_and_says_why(tmp_path):
    made = verification(tmp_path)
    (job,) = made.jobs()
    ((finding,),) = made.findings({job: "no cat"}).values()
    assert finding.status == findings.FAILED
    assert finding.evidence == ["its run failed: no cat"]


def test_a_check_is_done_if_it_was_undisturbed_on_this_machine(tmp_path, own_run):
    check = job_for(verify.Check, tmp_path)
    assert check.state().kind == READY
    own_run(check)
    assert check.state().kind == DONE
    for change in (disturbed(), {"hardware": {**HARDWARE, "cores": 4}}):
        own_run(check, **change)
        assert check.state().kind == STALE


@pytest.mark.parametrize(
    "arguments, answer",
    [
        (["--quick"], "--quick is an option of run, transfer, not of verify"),
        (["-f", "Nothing"], "unknown framework 'Nothing'"),
    ],
)
def test_a_command_that_makes_no_sense_is_told_so(arguments, answer, capsys):
    assert cli.main(["verify", "--gpu", "none", *arguments]) == 2
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
    checkout.replace("common/sources.py", expected, digest(path, "sha256"))
    probe = "support/ceilings/probes/cpu.py"
    checkout.replace(probe, "SECONDS = 2 ", "SECONDS = 0.1 ")
    return checkout


def test_an_installation_is_run_and_judged_and_no_reference_is_touched(with_data):
    command = ("verify", "-f", "Good", "--json")
    first = with_data.run(*command)
    verdicts = json.loads(first.stdout)
    left_out = {"Good CNN": "there is no notebook Good_CNN.ipynb"}
    assert verdicts["left_out"] == left_out
    verdict = verdicts["frameworks"]["Good"]
    assert first.returncode == 2, first.stderr
    assert verdict["status"] == findings.UNKNOWN
    assert "no record of this device" in verdict["findings"][0]["evidence"][0]
    assert "Good RNN" in first.stderr, "progress is told apart from the verdict"

    [made] = (with_data.root / "results").glob("*/verify/records/*.json")
    machine = made.parents[2]
    assert not store.read_all(machine), "kept apart from the records"
    assert not list(machine.glob("quick/ceilings.json")), "not for generated data"
    ceilings = json.loads((machine / "verify" / "ceilings.json").read_text())
    assert ceilings["matmul"]["fp32"] > 1e8 and ceilings["copy"] > 1e7
    assert ceilings["threads"] and ceilings["date"] and "load" in ceilings

    record = json.loads(made.read_text())
    record["epoch_seconds"] = [10 * seconds for seconds in record["epoch_seconds"]]
    record["installation"] = "a friend's"
    reference = machine / "records" / made.name
    reference.parent.mkdir()
    reference.write_text(json.dumps(record))
    before = reference.read_bytes()
    second = with_data.run(*command[:-1])
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Good: as expected" in second.stdout
    assert reference.read_bytes() == before


def test_a_run_that_fails_is_a_failure_and_says_why(with_data):
    done = with_data.run("verify", "-f", "Raises", "-m", "RNN")
    assert done.returncode == 1
    assert "Raises: failed" in done.stdout
    assert "its run failed: ValueError: the loss is not a number" in done.stdout
