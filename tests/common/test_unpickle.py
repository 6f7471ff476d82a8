import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from common.files import DataError
from common.unpickle import load_arrays, load_npz, load_torch

REVIEWS = [[1, 2, 3], [], [70000]]


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


def object_array(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def npy(header, content):
    header = repr(header).encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def write_npz(path, **members):
    with zipfile.ZipFile(str(path), "w") as archive:
        for name, content in members.items():
            archive.writestr(name + ".npy", content)
    return path


# Plain pickles


def test_python2_pickles_are_read(python2_pickle):
    pixels = [bytes(range(6)), bytes(range(250, 256))]
    content = load_arrays(io.BytesIO(python2_pickle(pixels, [3, 9])))
    assert content[b"labels"] == [3, 9]
    assert content[b"batch_label"] == b"a batch"
    assert content[b"data"].dtype == np.uint8
    assert content[b"data"].tolist() == [list(row) for row in pixels]


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_arrays_of_every_protocol_are_read(protocol):
    array = np.array([[1.5, 2], [3, 4]], np.float32)
    content = load_arrays(io.BytesIO(pickle.dumps({"x": array, "n": 1}, protocol)))
    assert content["n"] == 1
    assert content["x"].dtype == np.float32
    assert content["x"].tolist() == array.tolist()


def test_hostile_pickles_are_refused_without_running(hostile, marker):
    for content in hostile:
        with pytest.raises(DataError, match="refused"):
            load_arrays(io.BytesIO(content))
        assert not marker.exists(), content


def test_the_hostile_pickles_are_dangerous_elsewhere(hostile, marker):
    pickle.loads(hostile[0])
    assert marker.exists()


@pytest.mark.parametrize("codec", ["rot13", "zlib", "idna"])
def test_only_the_codec_of_byte_strings_is_admitted(codec):
    content = "c_codecs\nencode\n(Vabc\nV{}\ntR.".format(codec).encode()
    with pytest.raises(DataError, match="refused"):
        load_arrays(io.BytesIO(content))


def test_references_to_outside_the_file_are_refused():
    with pytest.raises(DataError, match="refused"):
        load_arrays(io.BytesIO(b"Panother file\n."))


def test_a_truncated_pickle_is_a_data_error(python2_pickle):
    content = python2_pickle([bytes(20)], [1])
    for end in range(len(content)):
        with pytest.raises(DataError):
            load_arrays(io.BytesIO(content[:end]))


# NumPy's archives


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("module", ["numpy.core", "numpy._core"])
def test_npz_with_lists_of_numbers_by_old_and_new_numpy(tmp_path, protocol, module):
    header = {"descr": "|O", "fortran_order": False, "shape": (3,)}
    content = pickle.dumps(object_array(REVIEWS), protocol)
    for here in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        there = module.encode() + b".multiarray"
        if protocol == 4:  # strings carry their length
            here, there = (bytes([len(name)]) + name for name in (here, there))
        content = content.replace(here, there)
    if protocol == 4:  # frames do too: go without
        assert content[2:3] == b"\x95"
        content = content[:2] + content[11:]
    path = write_npz(tmp_path / "x.npz", x_train=npy(header, content))
    assert load_npz(path)["x_train"].tolist() == REVIEWS


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_this_numpy(tmp_path, save):
    path = str(tmp_path / "x.npz")
    floats = np.array([[1, 2, 3], [4, 5, 6]], ">f8")
    save(
        path,
        reviews=object_array(REVIEWS),
        floats=floats,
        fortran=np.asfortranarray(floats),
        scalar=np.int64(7),
    )
    arrays = load_npz(path)
    assert sorted(arrays) == ["floats", "fortran", "reviews", "scalar"]
    assert arrays["reviews"].tolist() == REVIEWS
    for name in ("floats", "fortran"):
        assert arrays[name].dtype == ">f8"
        assert arrays[name].tolist() == floats.tolist()
    assert arrays["scalar"].shape == () and arrays["scalar"] == 7


def test_fortran_order_is_honoured(tmp_path):
    header = {"descr": "|u1", "fortran_order": True, "shape": (2, 3)}
    path = write_npz(tmp_path / "x.npz", x=npy(header, bytes([1, 4, 2, 5, 3, 6])))
    assert load_npz(path)["x"].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_hostile_npz_is_refused_without_running(tmp_path, hostile, marker):
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    for content in hostile:
        path = write_npz(tmp_path / "x.npz", x=npy(header, content))
        with pytest.raises(DataError, match="refused"):
            load_npz(path)
        assert not marker.exists(), content


@pytest.mark.parametrize(
    "member",
    [
        b"not an array",
        npy({"descr": "<f4", "fortran_order": False, "shape": (3,)}, bytes(8)),
        npy({"descr": "<f4", "fortran_order": False, "shape": (3,)}, bytes(11)),
        npy({"descr": "<f4"}, bytes(8)),
        b"\x93NUMPY\x01\x00\xff\xff{",
        npy({"descr": "|O", "fortran_order": False, "shape": (1,)}, b""),
    ],
)
def test_a_damaged_array_is_a_data_error_that_names_the_file(tmp_path, member):
    path = write_npz(tmp_path / "reviews.npz", x=member)
    with pytest.raises(DataError, match=r"reviews\.npz"):
        load_npz(path)


def test_a_truncated_npz_is_a_data_error_that_names_the_file(tmp_path):
    path = tmp_path / "reviews.npz"
    np.savez(str(path), x=np.arange(100), reviews=object_array(REVIEWS))
    content = path.read_bytes()
    for end in range(0, len(content), 37):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"reviews\.npz"):
            load_npz(path)


# PyTorch's checkpoints


@pytest.mark.parametrize("name", ["zip.pth", "legacy.pth"])
def test_torch_checkpoints_are_read_without_torch(checkpoint, name):
    tensors = load_torch(checkpoint(name))
    expected = {
        "conv1.weight": ((np.arange(12).reshape(3, 4) / 8).T, np.float32),
        "bn1.running_var": ([6 / 8, 10 / 8], np.float32),
        "bn1.num_batches_tracked": (7, np.int64),
        "fc.bias": ([0.5, -2], np.float64),
    }
    assert list(tensors) == list(expected)
    for key, (values, dtype) in expected.items():
        assert tensors[key].dtype == dtype, key
        assert tensors[key].shape == np.shape(values), key
        assert tensors[key].tolist() == np.asarray(values).tolist(), key
    tensors["conv1.weight"] += 1  # a copy of its own, that can be written
    assert tensors["bn1.running_var"].tolist() == [6 / 8, 10 / 8]


@pytest.mark.parametrize("name", ["zip.pth", "legacy.pth"])
def test_a_truncated_checkpoint_is_a_data_error_that_names_the_file(
    checkpoint, tmp_path, name
):
    with open(checkpoint(name), "rb") as file:
        content = file.read()
    path = tmp_path / "cut.pth"
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"cut\.pth"):
            load_torch(path)


def test_hostile_checkpoints_are_refused_without_running(tmp_path, hostile, marker):
    path = tmp_path / "x.pth"
    for content in hostile:
        path.write_bytes(content)
        with pytest.raises(DataError, match="refused"):
            load_torch(path)
        with zipfile.ZipFile(str(path), "w") as archive:
            archive.writestr("x/data.pkl", content)
        with pytest.raises(DataError, match="refused"):
            load_torch(path)
        assert not marker.exists(), content


@pytest.mark.parametrize(
    "offset, shape, strides",
    [(0, (3,), (1,)), (1, (2,), (1,)), (0, (2,), (-1,)), (-1, (1,), (1,))],
)
def test_tensors_that_reach_outside_their_storage_are_refused(
    tmp_path, offset, shape, strides
):
    class Storage(str):
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return tuple(value.split()) if isinstance(value, Storage) else None

    # Two floats, and a tensor that claims to see others; the names are put in afterwards.
    tensor = Hostile(collections.Counter, Storage("storage T 0 cpu 2"), offset)
    tensor.call = collections.Counter, (tensor.call[1][0], offset, shape, strides)
    buffer = io.BytesIO()
    Pickler(buffer, 2).dump({"w": tensor})
    path = tmp_path / "x.pth"
    content = buffer.getvalue().replace(
        b"ccollections\nCounter\n", b"ctorch._utils\n_rebuild_tensor_v2\n"
    )
    content = content.replace(b"X\x01\x00\x00\x00T", b"ctorch\nFloatStorage\n")
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("x/data.pkl", content)
        archive.writestr("x/data/0", bytes(8))
    with pytest.raises(DataError, match=r"x\.pth: .*outside its storage"):
        load_torch(path)
