"""Many GPUs and many machines: the matrix is complete, work is shared, and nothing finished is lost.

A real scheduler and real workers on loopback, toy notebooks in real kernels, GPUs that an nvidia-smi
of the test's own lists.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from distributed import Client
from toy_checkout import GOOD, ROOT, Checkout, write_framework, write_notebook

from support.basics.errors import UsageError
from support.cluster import cluster

pytestmark = pytest.mark.slow

GPUS = (
    "0, GPU-a0, Toy A, 1, 1000",
    "1, GPU-a1, Toy A, 1, 1000",
    "2, GPU-b0, Toy B, 1, 1000",
)
# Says where it ran, takes a while, and computes "on" whatever device it is to.
NOTEBOOK = 'with open(os.environ["TOY_LOG"], "a") as log: print(FRAMEWORK, os.environ["CUDA_VISIBLE_DEVICES"], os.getpid(), file=log)\ntime.sleep(float(os.environ["TOY_SECONDS"]))\n'
NOTEBOOK += GOOD.replace('"cpu"', 'os.environ["ROSETTA_DEVICE"]')
QUICK = ("--quick", "-m", "RNN", "-f")


class Lab(Checkout):
    """A toy checkout on a machine with three toy GPUs of two kinds, and perhaps a cluster."""

    def __init__(self, checkout, folder):
        super().__init__(checkout.root)
        self.log = folder / "log"
        self.address, self.processes = "", []
        tools = folder / "tools"
        tools.mkdir()
        tool = tools / "nvidia-smi"
        lines = "\n".join(GPUS)
        tool.write_text(f'#!/bin/sh\n[ "$1" = -L ] || cat <<"E"\n{lines}\nE\n')
        tool.chmod(0o755)
        self.variables = {
            **self.variables,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "TOY_LOG": str(self.log),
            "TOY_SECONDS": "0.5",
        }
        del self.variables["CUDA_VISIBLE_DEVICES"]

    def command(self, *arguments):
        """Without the device that a checkout's own names."""
        return [sys.executable, str(self.root / "run_all.py"), *arguments]

    def start_process(self, command, **variables):
        """A process in the background, ended with the test."""
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env={**self.variables, "PYTHONPATH": str(self.root), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_scheduler(self):
        file = self.root / "scheduler.json"
        command = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        self.start_process([*program, *command, "--scheduler-file", str(file)])
        wait_for(file.exists)
        self.address = json.loads(file.read_text())["address"]

    def start_workers(self, visible="0,1,2", **variables):
        """A worker for each of these GPUs, as `run_all.py worker` starts them."""
        own = {"CUDA_VISIBLE_DEVICES": visible}
        with Client(self.address) as client:
            there = len(client.scheduler_info(n_workers=-1)["workers"])
            started = self.start_process(
                self.command("worker", self.address), **own, **variables
            )
            client.wait_for_workers(there + len(visible.split(",")), timeout=60)
        return started

    def ran(self):
        """(framework, GPU) of every notebook that was started."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(line.split()[:2]) for line in lines]

    def records(self):
        """Folder of results -> the names of its finished records."""
        found = {}
        for path in (self.root / "results").glob("toy-*/quick/records/*.json"):
            found.setdefault(path.parts[-4], []).append(path.name)
        return {folder: sorted(names) for folder, names in found.items()}

    def bytes(self):
        kept = (self.root / "results").glob("toy-*/quick/*/*")
        return {path: path.read_bytes() for path in kept}

    def kernels(self):
        """Processes of notebooks that still run."""
        pids = [int(line.split()[-1]) for line in self.log.read_text().splitlines()]
        return [pid for pid in pids if psutil.pid_exists(pid)]

    def end(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.1)


@pytest.fixture
def lab(checkout, tmp_path):
    registry = checkout.root / "support" / "registry"
    toy = registry / "environments" / "toy"
    for name in ("in", "txt"):
        (toy / f"gpu.{name}").write_text((toy / f"cpu.{name}").read_text())
    for key in ("Good", "Other"):
        write_framework(registry, key)
        write_notebook(checkout.root / "notebooks" / f"{key}_RNN.ipynb", NOTEBOOK)
    lab = Lab(checkout, tmp_path)
    yield lab
    lab.end()


@pytest.fixture
def cluster_lab(lab):
    lab.start_scheduler()
    return lab


def test_all_gpus_of_a_machine_work_and_each_kind_has_its_folder(lab):
    done = lab.run(*QUICK, "Good", "Other", "--repeats", "2", "--gpu", "all")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 run, 0 unchanged, 0 failed" in done.stdout
    records = lab.records()
    assert set(records) == {"toy-a", "toy-b"}
    assert len(records["toy-a"]) == len(records["toy-b"]) == 4
    assert {gpu for _, gpu in lab.ran()} == {"GPU-a0", "GPU-a1", "GPU-b0"}
    again = lab.run(*QUICK, "Good", "Other", "--repeats", "2", "--gpu", "all")
    assert "0 run, 8 unchanged, 0 failed" in again.stdout


def test_a_cluster_runs_every_notebook_once_per_kind_of_device(cluster_lab):
    lab = cluster_lab
    lab.start_workers()
    done = lab.run(*QUICK, "Good", "Other", "--repeats", "2", "--on", lab.address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 × Toy A: tcp://127.0.0.1" in done.stdout and "Toy B: " in done.stdout
    records = lab.records()
    assert [len(records[name]) for name in ("toy-a", "toy-b")] == [4, 4]
    assert {gpu for _, gpu in lab.ran()} == {"GPU-a0", "GPU-a1", "GPU-b0"}
    machine = json.loads((lab.root / "results/toy-b/machine.json").read_text())
    assert (machine["device"], machine["kind"]) == ("Toy B", "gpu")
    listed = lab.run("workers", "--on", lab.address, *QUICK[1:], "Good")
    assert "2 × Toy A" in listed.stdout and "Good" in listed.stdout


def test_a_killed_worker_s_notebook_is_repeated_elsewhere(cluster_lab):
    lab = cluster_lab
    first = lab.start_workers("0", TOY_SECONDS="60")
    command = lab.command(*QUICK, "Good", "--on", lab.address)
    driver = lab.start_process(command)
    wait_for(lambda: ("Good", "GPU-a0") in lab.ran())
    lab.start_workers("1")
    os.killpg(first.pid, signal.SIGKILL)
    for child in psutil.process_iter(["cmdline"]):
        # its nanny has sessions of its own
        if f"{lab.root}" in " ".join(child.info["cmdline"] or []) and (
            child.environ().get("CUDA_VISIBLE_DEVICES") == "GPU-a0"
        ):
            child.kill()
    output, _ = driver.communicate(timeout=120)
    assert driver.returncode == 0, output
    assert ("Good", "GPU-a1") in lab.ran()
    assert len(lab.records()["toy-a"]) == 1
    wait_for(lambda: not lab.kernels())


def test_a_killed_driver_leaves_whole_records_no_kernels_and_can_go_on(cluster_lab):
    lab = cluster_lab
    lab.start_workers("0")
    command = (*QUICK, "Good", "Other", "--on", lab.address)
    assert lab.run(*QUICK, "Good", "--on", lab.address).returncode == 0
    before = lab.bytes()
    lab.end()
    lab.processes = []
    (lab.root / "scheduler.json").unlink(missing_ok=True)
    lab.start_scheduler()
    lab.start_workers("0", TOY_SECONDS="60")
    command = (*QUICK, "Good", "Other", "--on", lab.address)
    driver = lab.start_process(lab.command(*command))
    wait_for(lambda: ("Other", "GPU-a0") in lab.ran())
    os.killpg(driver.pid, signal.SIGKILL)
    wait_for(lambda: not lab.kernels())
    assert lab.bytes() == before
    lab.start_workers("1")
    done = lab.run(*command, "--timeout", "20")
    assert {path: lab.bytes()[path] for path in before} == before
    # whichever worker got it: the slow one is ended at the time-out
    assert "1 unchanged" in done.stdout
    assert done.returncode == 0 or "ran longer than 20 s" in done.stderr


def test_a_worker_that_comes_later_takes_part(cluster_lab):
    lab = cluster_lab
    lab.start_workers("0", TOY_SECONDS="4")
    driver = lab.start_process(
        lab.command(*QUICK, "Good", "Other", "--repeats", "2", "--on", lab.address)
    )
    wait_for(lambda: ("Good", "GPU-a0") in lab.ran())
    lab.start_workers("1")
    output, _ = driver.communicate(timeout=120)
    assert driver.returncode == 0, output
    assert {gpu for _, gpu in lab.ran()} == {"GPU-a0", "GPU-a1"}


def test_a_kind_whose_last_worker_goes_is_named(cluster_lab):
    lab = cluster_lab
    worker = lab.start_workers("2", TOY_SECONDS="60")
    driver = lab.start_process(lab.command(*QUICK, "Good", "--on", lab.address))
    wait_for(lambda: ("Good", "GPU-b0") in lab.ran())
    os.killpg(worker.pid, signal.SIGTERM)
    output, _ = driver.communicate(timeout=120)
    assert driver.returncode == 1
    assert "failed: Good RNN: no worker with a Toy B is left" in output
    wait_for(lambda: not lab.kernels())


def test_workers_with_other_code_are_refused(cluster_lab, tmp_path):
    lab = cluster_lab
    lab.start_workers("0")
    wait_for(lambda: "Toy A" in lab.run("workers", "--on", lab.address).stdout)
    lab.replace("common/batches.py", '"""Mini', '"""Changed. Mini')
    refused = lab.run(*QUICK, "Good", "--on", lab.address)
    assert refused.returncode == 2
    assert "has other code: commit" in refused.stderr and "there" in refused.stderr


def test_a_host_that_was_shared_is_named_in_the_records(lab):
    done = lab.run(
        *QUICK, "Good", "Other", "--gpu", "all", "--jobs-per-host", "2", TOY_SECONDS="3"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    records = [
        json.loads(path.read_text())
        for path in (lab.root / "results").glob("toy-*/quick/records/*.json")
    ]
    shared = [
        r
        for r in records
        if "other notebooks ran on its host" in "".join(r["warnings"])
    ]
    assert len(records) == 4 and len(shared) >= 2


def test_an_interrupt_ends_what_runs_here_and_keeps_what_is_finished(lab):
    assert lab.run(*QUICK, "Good", "--gpu", "all").returncode == 0
    before = lab.bytes()
    driver = lab.start_process(
        lab.command(*QUICK, "Other", "--gpu", "all"), TOY_SECONDS="60"
    )
    wait_for(lambda: ("Other", "GPU-b0") in lab.ran())
    os.kill(driver.pid, signal.SIGINT)
    output, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130, output
    assert not lab.kernels() and lab.bytes() == before


def test_what_is_wrong_is_said_in_one_line(lab):
    nobody = lab.run(*QUICK, "Good", "--on", "tcp://127.0.0.1:9")
    assert nobody.returncode == 1 and nobody.stderr.count("\n") == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in nobody.stderr
    unknown = lab.run(*QUICK, "Good", "--on", "moon:1")
    assert unknown.returncode == 2 and "begins with one of tcp://" in unknown.stderr
    both = lab.run(*QUICK, "Good", "--on", "tcp://h:1", "--gpu", "0")
    assert both.returncode == 2 and "--gpu is for this machine" in both.stderr


def test_the_job_that_slurm_gets_starts_a_worker_in_this_checkout():
    made = cluster.slurm(
        "jobs=0,partition=gpu,gres=gpu:1,walltime=01:00:00,interface=lo"
    )
    with made:
        script = made.job_script()
    assert "#SBATCH -p gpu" in script and "#SBATCH --gres=gpu:1" in script
    assert "#SBATCH -t 01:00:00" in script
    assert f"cd '{ROOT}'" in script and f"export PYTHONPATH='{ROOT}'" in script
    assert "--nthreads 1" in script
    with pytest.raises(UsageError, match="NAME=VALUE"):
        cluster.slurm("gpu")


def test_slurm_runs_the_same_matrix(lab):
    """Where a Slurm answers, such as a single node of Debian's slurmctld, slurmd and munge."""
    if (
        not shutil.which("sinfo")
        or subprocess.run(["sinfo"], capture_output=True).returncode
    ):
        pytest.skip("no Slurm answers here")
    where = "slurm:interface=lo,memory=2 GB,jobs=1,walltime=00:10:00"
    done = lab.run(*QUICK, "Good", "Other", "--on", where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 run, 0 unchanged, 0 failed" in done.stdout
    (records,) = lab.records().values()
    assert len(records) == 2
    queue = ["squeue", "--noheader", "--name", "dask-worker"]
    wait_for(lambda: not subprocess.run(queue, capture_output=True).stdout.strip())
