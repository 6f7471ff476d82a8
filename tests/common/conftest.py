"""What the tests of common/ share. They run on every Python from 3.6 on, with NumPy and pytest."""

import contextlib
import http.server
import os
import pickle
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """An empty data folder in place of the real one, and no network, for every test."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("ROSETTA_DATA", str(folder))
    monkeypatch.setenv("ROSETTA_DOWNLOAD", "no")
    for name in ("ROSETTA_REPORT", "ROSETTA_DEVICE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return folder


@pytest.fixture
def small_disk():
    """Mount a file system of 256 KiB on a folder, or change how it is mounted; needs the right to."""
    mounted = []

    def mount(folder, options="size=256k"):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.call(command, stderr=subprocess.DEVNULL):
            pytest.skip("no right to mount a small file system here")
        mounted.append(folder)

    yield mount
    for folder in set(mounted):
        subprocess.check_call(["umount", str(folder)])


@pytest.fixture
def fill():
    """Fill the file system of a folder but for some KiB."""

    def full(folder, free):
        with open(str(folder / "ballast"), "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while ballast.write(bytes(4096)):
                    pass
            ballast.truncate(ballast.tell() - 1024 * free)

    return full


@pytest.fixture
def checkpoint():
    """Returns the path of a stored file: files/README.md says how they were made."""
    return lambda name: os.path.join(HERE, "files", name)


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put an nvidia-smi on an otherwise empty PATH that prints these lines, then runs a command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(*lines, then="exit 0"):
        program = folder / "nvidia-smi"
        echoes = "".join('echo "{}"\n'.format(line) for line in lines)
        program.write_text("#!/bin/sh\n{}{}\n".format(echoes, then))
        program.chmod(0o755)

    return install


@pytest.fixture
def python2_pickle():
    """A function of one CIFAR-10 batch to its file, as Python 2 with NumPy 1 wrote it."""

    def string(content):
        return b"T" + struct.pack("<i", len(content)) + content

    def number(n):
        return b"J" + struct.pack("<i", n)

    def pickled(pixels, labels):
        """`pixels`: a list of rows of bytes, of one length."""
        shape = number(len(pixels)) + number(len(pixels[0])) + b"\x86"
        dtype = b"cnumpy\ndtype\n" + string(b"u1") + b"K\x00K\x01\x87R"
        dtype += b"(K\x03" + string(b"|") + b"NNN" + 2 * number(-1) + b"K\x00tb"
        array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        array += string(b"b") + b"\x87R(K\x01" + shape + dtype + b"\x89"
        array += string(b"".join(pixels)) + b"tb"
        return b"".join(
            [b"\x80\x02}(", string(b"batch_label"), string(b"a batch")]
            + [string(b"labels"), b"](", b"".join(map(number, labels)), b"e"]
            + [string(b"data"), array, b"u."]
        )

    return pickled


class Hostile:
    """Its pickle calls a function when it is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def marker(tmp_path):
    """A file that hostile pickles make if they run."""
    return tmp_path / "marker"


@pytest.fixture
def hostile(marker):
    """Pickles in several protocols that make `marker`."""
    make = Hostile(eval, "open({!r}, 'w')".format(str(marker)))
    system = Hostile(os.system, "touch '{}'".format(marker))
    save = Hostile(np.ndarray.tofile, np.zeros(1), str(marker))
    found = [
        pickle.dumps(value, protocol)
        for value in (make, system, save, {"a list": [1, make]})
        for protocol in (2, 4)
    ]
    # Names as Python 2 wrote them, in its protocol 0, and what looks like NumPy's own.
    call = "\n(S'{}'\ntR.".format(marker)
    for name in ("__builtin__\nopen", "numpy\nsave", "numpy.core.multiarray\nfromfile"):
        found.append(("c" + name + call).encode())
    return found


class Server:
    """Serves `content` under every path; `faults` say how it fails the next requests.

    A fault is {"status": code} and maybe {"reason": text}, {"redirect": address}, or {"cut": n} to close the connection after n
    bytes, with {"chunked": True} if the length shall not be told before (and "length": text for that of the
    chunk), {"headers": {…}} to tell
    other headers (None leaves one out), or {"endless": True} to go on sending after the content.
    `ranges` holds what was asked for, `sent` how many bytes of endless answers went out.
    """

    ENOUGH = 1 << 25  # bytes after which an endless answer ends all the same

    def __init__(self):
        self.content = bytes(range(256)) * 20
        self.faults, self.ranges, self.sent = [], [], 0
        self.resumes = True
        self._http = http.server.HTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = "http://127.0.0.1:{}/file.bin".format(self._http.server_port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _handler(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            wanted = self.headers.get("Range")
            server.ranges.append(wanted)
            fault = server.faults.pop(0) if server.faults else {}
            start = int(wanted[len("bytes=") : -1]) if wanted and server.resumes else 0
            if start and start >= len(server.content):
                fault = {"status": 416}
            if "status" in fault:
                self.send_error(fault["status"], fault.get("reason"))
                return
            self.start(fault, start)
            self.wfile.write(server.content[start:][: fault.get("cut")])
            if "endless" in fault:
                self.go_on()

        def start(self, fault, start):
            size = len(server.content)
            headers = {"Content-Length": str(size - start)}
            if start:
                told = "bytes {}-{}/{}".format(start, size - 1, size)
                headers["Content-Range"] = told
            if "chunked" in fault:
                headers = {"Transfer-Encoding": "chunked"}
            if "redirect" in fault:
                headers = {"Location": fault["redirect"]}
            headers.update(fault.get("headers", {}))
            self.send_response(302 if "redirect" in fault else 206 if start else 200)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            if "chunked" in fault:
                length = fault.get("length", "{:x}".format(size - start))
                self.wfile.write((length + "\r\n").encode())

        def go_on(self):
            with contextlib.suppress(OSError):  # until the other side has had enough
                while server.sent < server.ENOUGH:
                    server.sent += self.wfile.write(bytes(1 << 16))
            self.close_connection = True

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()
