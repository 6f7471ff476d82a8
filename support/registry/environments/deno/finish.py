"""Fetch the npm packages that the notebook imports into the environment.

Run by the environment's own Python after its pins are installed; needs a network that reaches
npm's registry. The versions are those that the notebook names in its imports.
"""

import os
import subprocess
import sys

PACKAGES = ["npm:onnxruntime-node@1.30.0", "npm:onnx-proto@8.0.1"]


def main() -> None:
    os.environ["DENO_DIR"] = os.path.join(sys.prefix, "deno")
    deno = os.path.join(sys.prefix, "bin", "deno")
    done = subprocess.run([deno, "cache", "--no-lock", *PACKAGES])
    if done.returncode:
        sys.exit("error: deno could not fetch " + ", ".join(PACKAGES))


main()
