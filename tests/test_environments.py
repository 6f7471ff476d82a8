"""Environments are made from pins, kept while these stay, and cost only their own frameworks."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from toy_checkout import VERSION

from common.files import digest
from support import registry
from support.basics.errors import NotPossible
from support.basics.paths import CACHES, PRIVATE, ROOT
from support.devices.choose import Device
from support.environments import Installed, Pinned, interpreters, kernels, uv
from support.execution import running
from support.execution.jobs import Job
from support.execution.settings import Settings

FRAMEWORKS = registry.frameworks().values()
ENTRIES = {f.environment.name: f.environment for f in FRAMEWORKS}
QUICK = ("--quick", "-m", "RNN")
GPU = Device("gpu", "Toy GPU", "GPU-aaa")


VARIANTS = [
    (name, variant)
    for name, entry in ENTRIES.items()
    for variant in ("cpu", "gpu")
    if variant == "cpu" or not entry.gpu.startswith("no pins: ")
]


@pytest.mark.parametrize("name, variant", VARIANTS)
def test_every_requirement_is_pinned_for_cpu_and_gpu_with_hashes(name, variant):
    pins = ENTRIES[name].pins(variant)
    wanted = {
        re.split(r"[\[=<>; ]", line)[0].lower()
        for line in pins.with_suffix(".in").read_text().splitlines()
    }
    lines = re.sub(r" *\\\n +", " ", pins.read_text()).splitlines()
    pinned = {re.split(r"[\[=]", line)[0] for line in lines}
    assert wanted <= pinned
    for line in lines:
        assert re.match(r"[\w.-]+(\[.*\])?==.* --hash=sha256:\w{64}", line), line


# Making one


@pytest.fixture
def toy(checkout):
    """The entry of the checkout's toy environment, which is not made yet."""
    # its own, so that the other tests' is left alone
    (checkout.root / ".rosetta" / "environments").unlink()
    return checkout.root / "support" / "registry" / "environments" / "toy"


def add(path, text):
    """Add lines to a file."""
    path.write_text(path.read_text() + text)


def pin(requirement, content=b""):
    """A line of a lock; `content` is that of the wheel."""
    return f"{requirement} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"


def test_an_environment_is_used_again_until_its_pins_change(checkout):
    again = checkout.run(*QUICK, "-f", "Good", "--force")
    assert again.returncode == 0 and "making environment" not in again.stdout


@pytest.mark.slow
def test_changed_pins_make_records_stale_and_the_environment_anew(checkout, toy):
    add(toy / "cpu.txt", "# a remark\n")
    assert not checkout.run(*QUICK, "-f", "Good", "--dry-run").stdout
    add(toy / "cpu.txt", pin("only-here==1.0 ; sys_platform == 'win32'"))
    stale = checkout.run(*QUICK, "-f", "Good", "--dry-run")
    assert stale.stdout == "Good RNN  stale\n"
    run = checkout.run(*QUICK, "-f", "Good")
    assert run.returncode == 0
    assert "making environment toy" in run.stdout


@pytest.mark.slow
def test_ctrl_c_ends_the_making_of_an_environment_and_the_next_run_makes_it(
    checkout, toy
):
    (toy / "finish.py").write_text("import time\ntime.sleep(600)\n")
    run = checkout.start(*QUICK, "-f", "Good")
    while "making environment toy" not in run.stdout.readline():
        assert run.poll() is None
    while not any("finish.py" in line for line in descendants(run.pid)):
        assert run.poll() is None
        time.sleep(0.1)
    left = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    assert not any(process.is_running() for process in left)
    (toy / "finish.py").write_text("")
    assert checkout.run(*QUICK, "-f", "Good").returncode == 0


def descendants(pid):
    """The command lines of what the process has started."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found.append(" ".join(process.cmdline()))
    return found


def test_pins_that_cannot_be_had_are_named_with_the_command_that_failed(checkout, toy):
    (toy / "cpu.txt").write_text(pin("no-such-package-of-that-name==1.0"))
    run = checkout.run(*QUICK, "-f", "Raises")
    assert run.returncode == 1
    assert "no-such-package-of-that-name was not found" in run.stderr
    assert "; to fix this: " in run.stderr and "uv pip install" in run.stderr
    listed = checkout.run(*QUICK, "-f", "Raises", "--list").stdout
    assert "blocked" in listed and "no-such-package" in listed


def apt_get(folder, *lines):
    """A folder for the PATH with an apt-get that does this."""
    folder.mkdir()
    (folder / "apt-get").write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    (folder / "apt-get").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


LATHE = 'needs = ["a lathe"]\ncheck = ["lathe"]\ndebian = ["lathe"]\n'
INSTALL = "apt-get install --yes --no-install-recommends lathe"


def test_what_the_machine_lacks_is_named_with_the_command_that_installs_it(
    checkout, toy, tmp_path
):
    add(toy / "environment.toml", LATHE)
    path = apt_get(tmp_path / "bin", "exit 1")
    run = checkout.run(*QUICK, "-f", "Good", "--force", PATH=path)
    assert run.returncode == 1
    assert "a lathe" in run.stderr or "apt-get" in run.stderr
    assert INSTALL in run.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="installs as root alone")
def test_on_debian_root_gets_what_is_lacking_installed_unless_it_is_declined(
    checkout, toy, tmp_path
):
    add(toy / "environment.toml", LATHE)
    tool = tmp_path / "bin" / "lathe"
    install = f'[ "$1" = install ] && cp /bin/true {tool}'
    path = apt_get(tmp_path / "bin", install, "exit 0")
    command = (*QUICK, "-f", "Good", "--force")
    declined = checkout.run(*command, "--no-system-packages", PATH=path)
    assert declined.returncode == 1 and not tool.exists()
    assert f"needs a lathe; to fix this: on Debian or Ubuntu: sudo {INSTALL}" in (
        declined.stderr
    )
    run = checkout.run(*command, PATH=path)
    assert run.returncode == 0, run.stderr
    assert tool.exists()
    assert "Installing Debian packages: lathe" in run.stdout


PROVIDE = """
from support.environments import system
system.provide(["a lathe"], ["lathe"], ["lathe"])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="installs as root alone")
def test_several_processes_install_one_after_the_other(tmp_path):
    """Whatever locks they have beside: apt-get fails while another one is at work."""
    tool = tmp_path / "bin" / "lathe"
    busy = tmp_path / "busy"
    path = apt_get(
        tmp_path / "bin",
        f"mkdir {busy} || exit 100",
        "sleep 0.3",
        f'[ "$1" = install ] && cp /bin/true {tool}',
        f"rmdir {busy}",
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROVIDE],
            cwd=ROOT,
            env={**os.environ, "PATH": path, "ROSETTA_LOCKS": str(tmp_path / name)},
        )
        for name in ("one", "other")
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert tool.exists()


@pytest.mark.slow
def test_wheels_that_pip_is_told_of_are_found_and_held_to_their_hashes(
    tmp_path, checkout, toy
):
    """A wheel that no index has, in the folder that PIP_FIND_LINKS names."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        "[project]\nname='only-here'\nversion='1.0'\n"
    )
    (project / "only_here.py").write_text("")
    wheels = tmp_path / "wheels"
    build = [uv.path(), "build", "--quiet", "--wheel", "--out-dir", wheels, project]
    subprocess.run(build, check=True, env=uv.settings())
    lock = (toy / "cpu.txt").read_text()
    links = {"PIP_FIND_LINKS": str(wheels)}

    (toy / "cpu.txt").write_text(lock + pin("only-here==1.0", b"another"))
    run = checkout.run(*QUICK, "-f", "Good", **links)
    assert run.returncode == 1, "not the file that was pinned"
    assert "hash mismatch for `only-here==1.0`" in run.stderr.lower()

    [wheel] = wheels.glob("*.whl")
    (toy / "cpu.txt").write_text(lock + pin("only-here==1.0", wheel.read_bytes()))
    run = checkout.run(*QUICK, "-f", "Good", **links)
    assert run.returncode == 0, run.stderr


FINISH = """import os, sys
assert os.path.isdir(os.environ["ROSETTA_CACHES"])
try:
    import stray
except ImportError:
    open(os.path.join(sys.prefix, "finished"), "w").close()
"""


def test_a_script_completes_the_environment_and_sees_no_modules_of_the_caller(
    checkout, toy, tmp_path
):
    (toy / "finish.py").write_text(FINISH)
    (tmp_path / "stray.py").write_text("")
    run = checkout.run(*QUICK, "-f", "Good", PYTHONPATH=str(tmp_path))
    assert run.returncode == 0, run.stderr
    made = checkout.root / ".rosetta" / "environments" / "toy-cpu"
    assert (made / "finished").exists()


def test_one_without_pins_cannot_be_made_and_says_why(tmp_path):
    entry = registry.EnvironmentEntry("bare", tmp_path, "3.11", gpu="CUDA 7")
    environment = Pinned(entry, "gpu")
    assert not environment.is_ready and environment.digest
    obstacle = environment.obstacle(next(iter(FRAMEWORKS)))
    assert obstacle.text == "there are no pins for gpu (CUDA 7)"
    with pytest.raises(NotPossible, match="no pins for gpu"):
        environment.prepare(print)


def test_an_interpreter_is_found_whatever_the_caller_s_own_is_told(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/opt/python")
    interpreters.installed.cache_clear()
    assert interpreters.installed(VERSION, headers=False)


def test_an_interpreter_without_c_headers_is_the_last_choice(monkeypatch, tmp_path):
    """Debian's Python without python3-dev cannot compile what torch.compile writes."""
    paths = []
    for name, headers in (("bare", "False"), ("whole", "True")):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho 3.99 {headers}\n")
        path.chmod(0o755)
        paths.append(str(path))
    monkeypatch.setattr(interpreters, "_candidates", lambda version: list(paths))
    monkeypatch.setattr(interpreters, "_from_uv", lambda version, uv: None)
    monkeypatch.setattr(interpreters, "_from_conda", lambda version: None)
    interpreters.installed.cache_clear()
    assert interpreters.find("3.99", "uv") == str(tmp_path / "whole")
    paths.pop()
    interpreters.installed.cache_clear()
    assert interpreters.find("3.99", "uv") == str(tmp_path / "bare")
    interpreters.installed.cache_clear()


# Kernels


def kernel(folder, name):
    """The kernel spec of that name."""
    return json.loads((folder / "kernels" / name / "kernel.json").read_text())


def test_a_kernel_is_registered_where_it_is_told_with_its_framework_s_settings(
    tmp_path,
):
    framework = next(f for f in FRAMEWORKS if "OMP_NUM_THREADS" in f.variables)
    pinned = Pinned(framework.environment, "cpu")
    spec = kernel(tmp_path, kernels.register(tmp_path, framework, pinned, cores=3))
    assert spec["argv"][0] == str(
        PRIVATE / "environments" / f"{pinned.name}-cpu/bin/python"
    )
    assert spec["env"]["OMP_NUM_THREADS"] in ("3", "1")
    assert spec["env"]["PYTHONNOUSERSITE"] == "1", "pins are isolated"
    assert not any("{" in value for value in spec["env"].values())


CACHING = [
    (framework, variable)
    for framework in FRAMEWORKS
    for variable, text in framework.variables.items()
    if "{caches}" in text
]


@pytest.mark.parametrize(
    "framework, variable", CACHING, ids=[f"{f.key}-{v}" for f, v in CACHING]
)
def test_what_a_framework_keeps_between_runs_is_kept_in_a_folder_of_ours(
    tmp_path, framework, variable
):
    pinned, installed = (
        Pinned(framework.environment, "cpu"),
        Installed.of(sys.executable),
    )
    folders = set()
    for environment in (pinned, installed):
        name = kernels.register(tmp_path, framework, environment, cores=1)
        value = kernel(tmp_path, name)["env"][variable]
        folders.add(re.search(rf"{re.escape(str(CACHES))}/[\w-]+/", value).group())
        assert environment.folder not in value
    assert len(folders) == 2, "each environment has its own"


@pytest.fixture
def kernel_variables(tmp_path, monkeypatch):
    """The environment variables of a job's kernel when so many run at once on a device."""
    monkeypatch.setattr(running, "LoadMonitor", lambda *_: None)
    monkeypatch.setattr(
        running.subprocess, "Popen", lambda *_, **__: SimpleNamespace(pid=1)
    )

    def started(framework, device, at_once):
        job = Job(framework, framework.models[0], Settings(device, tmp_path))
        folder = tmp_path / f"{device.kind}-{at_once}"
        running.Running(job, folder, at_once, timeout=60)
        [spec] = (folder / "jupyter" / "kernels").iterdir()
        return kernel(folder / "jupyter", spec.name)["env"]

    return started


SHARING = [framework for framework in FRAMEWORKS if framework.sharing]


@pytest.mark.parametrize("framework", SHARING, ids=[f.key for f in SHARING])
def test_several_notebooks_on_a_gpu_leave_each_other_memory(
    kernel_variables, framework
):
    wanted = framework.sharing.items()
    assert wanted <= kernel_variables(framework, GPU, at_once=2).items()
    alone = kernel_variables(framework, GPU, at_once=1)
    assert not framework.sharing.keys() & alone.keys()
    on_cpu = kernel_variables(framework, Device("cpu", "Toy CPU"), at_once=2)
    assert not framework.sharing.keys() & on_cpu.keys()


# The runner's own


@pytest.mark.parametrize("folder", ["support", "tests"])
def test_the_runner_s_own_environment_is_as_its_lock_says(folder):
    if os.environ.get("CONDA_DEFAULT_ENV") == "rosetta":
        pytest.skip("this is conda's")
    stamp = (PRIVATE / "main" / f"{folder}.sha256").read_text()
    assert stamp == digest(ROOT / folder / "requirements.txt", "sha256")
    assert sys.prefix == str(PRIVATE / "main")


@pytest.mark.parametrize("key", ["CNTK", "Keras_CNTK"])
def test_a_kernel_s_variables_let_an_old_python_start(tmp_path, key):
    """To Python 3.6 an empty PYTHONHOME is a home."""
    environment = Pinned(registry.frameworks()[key].environment, "cpu")
    kernels.register(tmp_path, registry.frameworks()[key], environment, 2)
    [spec] = (tmp_path / "kernels").glob("*/kernel.json")
    assert "PYTHONHOME" not in json.loads(spec.read_text())["env"]


@pytest.mark.slow
@pytest.mark.parametrize("part", ["bin/python", "lib/*/site-packages/ipykernel"])
def test_an_environment_of_which_a_part_is_gone_is_made_again(checkout, part):
    made = checkout.root / ".rosetta" / "environments"
    made.unlink()  # its own, so that the other tests' is left alone
    quick = ("--quick", "-m", "RNN", "-f", "Good", "--force")
    assert checkout.run(*quick).returncode == 0
    [path] = (made / "toy-cpu").glob(part)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    done = checkout.run(*quick)
    assert done.returncode == 0, done.stdout + done.stderr
