"""What the tests of common/ share. They run on every Python from 3.6 on, with NumPy and pytest."""

import http.server
import os
import struct
import sys
import threading

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
    monkeypatch.delenv("ROSETTA_REPORT", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return folder


@pytest.fixture
def checkpoint():
    """Returns the path of a stored file: files/README.md says how they were made."""
    return lambda name: os.path.join(HERE, "files", name)


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put an nvidia-smi on an otherwise empty PATH that prints these lines."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(*lines, status=0):
        program = folder / "nvidia-smi"
        echoes = "".join("echo '{}'\n".format(line) for line in lines)
        program.write_text("#!/bin/sh\n{}exit {}\n".format(echoes, status))
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


class Server:
    """Serves `content` under every path; `faults` say how it fails the next requests.

    A fault is {"status": code}, or {"cut": n} to close the connection after n bytes, with
    {"chunked": True} if the length shall not be told before. `ranges` holds what was asked for.
    """

    def __init__(self):
        self.content = bytes(range(256)) * 20
        self.faults, self.ranges = [], []
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
                self.send_error(fault["status"])
                return
            body = server.content[start:]
            self.send_response(206 if start else 200)
            if "chunked" in fault:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write("{:x}\r\n".format(len(body)).encode())
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
            self.wfile.write(body[: fault.get("cut")])

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()
