"""Install the packages of an environment's Julia project, Project.toml, into the environment.

Run by the environment's own Python after its pins are installed; needs julia on the PATH and a
network that reaches Julia's package server. Nothing is written to the user's own ~/.julia.
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    project = os.path.join(sys.prefix, "julia")
    os.makedirs(project, exist_ok=True)
    source = os.path.join(HERE, "Project.toml")
    shutil.copy(source, os.path.join(project, "Project.toml"))
    os.environ["JULIA_DEPOT_PATH"] = os.path.join(os.environ["ROSETTA_CACHES"], "julia")
    code = "using Pkg; Pkg.instantiate(); Pkg.precompile()"
    done = subprocess.run(["julia", "--project=" + project, "-e", code])
    if done.returncode:
        sys.exit("error: Julia could not install the packages of " + source)


main()
