"""Environments are made from pins, kept while these stay, and cost only their own frameworks."""

import json
import os
import re
import subprocess
import sys

import pytest

from common.files import digest
from support import environments, registry
from support.paths import KERNELS, PINS, PRIVATE

ENVIRONMENTS = {f.environment.name: f.environment for f in registry.load().values()}


VARIANTS = [
    (name, variant)
    for name, environment in ENVIRONMENTS.items()
    for variant in ("cpu", "gpu")
    if variant == "cpu" or not environment.gpu.startswith("no pins: ")
]


@pytest.mark.parametrize("name, variant", VARIANTS)
def test_every_requirement_is_pinned_for_cpu_and_gpu(name, variant):
    source = PINS / f"{name}.{variant}.in"
    wanted = {
        re.split(r"[\[=<>; ]", line)[0] for line in source.read_text().splitlines()
    }
    lines = ENVIRONMENTS[name].pins(variant).read_text().splitlines()
    pinned = {
        line.split("==")[0] for line in lines if re.match(r"[\w.-]+(\[.*\])?==", line)
    }
    assert {word.lower() for word in wanted} <= {
        re.sub(r"\[.*", "", word) for word in pinned
    }
    loose = [
        line for line in lines if line and line[0] not in " #" and "==" not in line
    ]
    assert not loose


def test_an_environment_is_used_again_until_its_pins_change(checkout):
    quick = ("--quick", "-m", "RNN", "-f", "Good")
    assert "making environment" not in checkout.run(*quick, "--force").stdout
    pins = checkout.root / "support" / "environments" / "toy.cpu.txt"
    pins.write_text(pins.read_text() + "# another day\n")
    # its own, so that the other tests' is left alone
    (checkout.root / ".rosetta" / "environments").unlink()
    assert "Good RNN  stale" in checkout.run(*quick, "--list").stdout
    run = checkout.run(*quick)
    assert run.returncode == 0
    assert "making environment toy (cpu)" in run.stdout


def test_pins_that_cannot_be_had_are_named_with_the_command_that_failed(checkout):
    pins = checkout.root / "support" / "environments" / "toy.cpu.txt"
    pins.write_text("no-such-package-of-that-name==1.0\n")
    (checkout.root / ".rosetta" / "environments").unlink()
    run = checkout.run("--quick", "-m", "RNN", "-f", "Raises")
    assert run.returncode == 1
    assert "no-such-package-of-that-name" in run.stderr
    assert "to mend: " in run.stderr and "uv pip install" in run.stderr
    listed = checkout.run("--quick", "-m", "RNN", "-f", "Raises", "--list").stdout
    assert "needs" in listed and "no-such-package" in listed


def add_system_needs(checkout, check):
    checkout.replace(
        "support/registry.toml",
        "[environments.toy]",
        f'[environments.toy]\nneeds = ["a lathe"]\ncheck = {check}\ndebian = ["lathe"]',
    )
    (checkout.root / ".rosetta" / "environments").unlink()


def apt_get(folder, *lines):
    """A folder for the PATH with an apt-get that does this."""
    folder.mkdir()
    (folder / "apt-get").write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    (folder / "apt-get").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_what_the_machine_lacks_is_named_with_the_command_that_installs_it(
    checkout, tmp_path
):
    add_system_needs(checkout, '["false"]')
    path = apt_get(tmp_path / "bin", "exit 1")
    run = checkout.run("--quick", "-m", "RNN", "-f", "Good", "--force", PATH=path)
    assert run.returncode == 1
    assert "a lathe" in run.stderr or "apt-get" in run.stderr
    assert "apt-get install --yes --no-install-recommends lathe" in run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="installs as root alone")
def test_on_debian_root_gets_what_is_lacking_installed(checkout, tmp_path):
    tool = tmp_path / "bin" / "lathe"
    add_system_needs(checkout, '["lathe"]')
    install = f'[ "$1" = install ] && cp /bin/true {tool}'
    path = apt_get(tmp_path / "bin", install, "exit 0")
    run = checkout.run("--quick", "-m", "RNN", "-f", "Good", "--force", PATH=path)
    assert run.returncode == 0, run.stderr
    assert tool.exists()


def test_wheels_that_pip_is_told_of_are_found(tmp_path, checkout):
    """A wheel that no index has, in the folder that PIP_FIND_LINKS names."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        "[project]\nname='only-here'\nversion='1.0'\n"
    )
    (project / "only_here.py").write_text("")
    uv = environments.find_uv()
    wheels = tmp_path / "wheels"
    build = [uv, "build", "--quiet", "--wheel", "--out-dir", str(wheels), str(project)]
    subprocess.run(build, check=True, env=environments.uv_settings())
    pins = checkout.root / "support" / "environments" / "toy.cpu.txt"
    pins.write_text(pins.read_text() + "only-here==1.0\n")
    (checkout.root / ".rosetta" / "environments").unlink()
    run = checkout.run("--quick", "-m", "RNN", "-f", "Good", PIP_FIND_LINKS=str(wheels))
    assert run.returncode == 0, run.stderr


def test_kernels_are_registered_privately_with_their_settings():
    framework = next(f for f in registry.load().values() if f.variables)
    name = environments.register_kernel(framework, "cpu", cores=2)
    spec = json.loads((KERNELS / "kernels" / name / "kernel.json").read_text())
    assert KERNELS.is_relative_to(PRIVATE)
    assert spec["env"] and set(spec["env"]) <= set(framework.variables)
    assert not any("{" in value for value in spec["env"].values())


def test_the_runner_s_own_environment_is_as_its_lock_says():
    if os.environ.get("CONDA_DEFAULT_ENV") == "rosetta":
        pytest.skip("this is conda's")
    stamp = (PRIVATE / "main" / "requirements.sha256").read_text()
    assert stamp == digest(PINS.parent / "requirements.txt", "sha256")
    assert sys.prefix == str(PRIVATE / "main")
