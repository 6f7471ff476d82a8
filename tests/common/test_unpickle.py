import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest

from common import archives
from common.archives import read_npz
from common.files import DataError
from common.unpickle import load_arrays, load_npz, load_torch

REVIEWS = [[1, 2, 3], [], [70000]]


def object_array(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def npy(header, content, version=1):
    header = (header if isinstance(header, str) else repr(header)).encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content


def write_npz(path, **members):
    with zipfile.ZipFile(str(path), "w") as archive:
        for name, content in members.items():
            archive.writestr(name + ".npy", content)
    return path


# CIFAR-10's files


def cifar10(**parts):
    """An open file of two images; DELETED parts are not in it."""
    content = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 9]}
    content.update((name.encode(), value) for name, value in parts.items())
    content = {name: part for name, part in content.items() if part is not DELETED}
    return io.BytesIO(pickle.dumps(content, 4))


DELETED = object()


def test_images_and_labels_are_loaded():
    content = load_arrays(cifar10())
    assert content[b"data"].shape == (2, 3072) and content[b"labels"] == [0, 9]


@pytest.mark.parametrize(
    "part, value, problem",
    [
        ("labels", [0, 10], "labels are not"),
        ("labels", [-1, 0], "labels are not"),
        ("labels", [0, 1.0], "labels are not"),
        ("labels", [True, 1], "labels are not"),
        ("labels", ["0", "1"], "labels are not"),
        ("labels", (0, 1), "labels are not"),
        ("labels", np.zeros(2, np.int64), "labels are not"),
        ("labels", DELETED, "no data and labels"),
        ("labels", [1], "not 1 rows of 3,072 bytes"),
        ("data", DELETED, "no data and labels"),
        ("data", np.zeros((2, 3072), np.int8), "not 2 rows of 3,072 bytes"),
        ("data", np.zeros((2, 3072), np.float32), "not 2 rows of 3,072 bytes"),
        ("data", np.zeros((3, 3072), np.uint8), "not 2 rows of 3,072 bytes"),
        ("data", np.zeros((2, 3071), np.uint8), "not 2 rows of 3,072 bytes"),
        ("data", np.zeros((3, 2, 32, 32), np.uint8), "not 2 rows of 3,072 bytes"),
        ("data", bytes(6144), "not 2 rows of 3,072 bytes"),
    ],
)
def test_images_and_labels_that_cifar10_cannot_have_are_refused(part, value, problem):
    with pytest.raises(DataError, match="^a pickle: .*" + problem):
        load_arrays(cifar10(**{part: value}))


def test_a_file_of_something_else_is_refused_by_name(tmp_path):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps([1, 2, 3]))
    with path.open("rb") as file, pytest.raises(DataError, match=r"data_batch_1: "):
        load_arrays(file)


# IMDB's file


def imdb(path, **parts):
    """IMDB's file of three reviews, with these parts in place of its own."""
    content = {x: object_array(REVIEWS) for x in ("x_train", "x_test")}
    content.update((y, np.array([0, 1, 1])) for y in ("y_train", "y_test"))
    content.update(parts)
    np.savez(str(path), **{n: part for n, part in content.items() if part is not None})
    return path


def test_reviews_and_labels_are_loaded(tmp_path):
    arrays = load_npz(imdb(tmp_path / "imdb.npz"))
    assert arrays["x_test"].tolist() == REVIEWS
    assert arrays["y_train"].tolist() == [0, 1, 1]


@pytest.mark.parametrize("set_", ["train", "test"])
@pytest.mark.parametrize(
    "part, value, problem",
    [
        ("x", object_array([[1], [-1], []]), "review 1 of {} has a rank"),
        ("x", object_array([[1], [2], [2**31 - 3]]), "review 2 of {} has a rank"),
        ("x", object_array([[1 << 70], [2], []]), "review 0 of {} has a rank"),
        ("x", object_array([[1.5], [2], []]), "review 0 of {} has a rank"),
        ("x", object_array([[True], [2], []]), "review 0 of {} has a rank"),
        ("x", object_array([["1"], [2], []]), "review 0 of {} has a rank"),
        ("x", object_array([[[1]], [2], []]), "review 0 of {} has a rank"),
        ("x", object_array([{1: 2}, [2], []]), "review 0 of {} has a rank"),
        ("x", np.zeros((3, 2), np.int64), "{} has no lists of ranks"),
        ("x", object_array(REVIEWS[:2]), "y_.* has not a whole number for each"),
        ("x", None, "{} or y_.* is missing"),
        ("y", np.array([0, 1, 2]), "{} has other labels than 0 and 1"),
        ("y", np.array([0, 1, -1]), "{} has other labels than 0 and 1"),
        ("y", np.array([0.0, 1, 1]), "{} has not a whole number for each"),
        ("y", np.array([[0], [1], [1]]), "{} has not a whole number for each"),
        ("y", object_array([[0], [], []]), "{} has not a whole number for each"),
        ("y", None, "x_.* or {} is missing"),
    ],
)
def test_reviews_and_labels_that_imdb_cannot_have_are_refused(
    tmp_path, set_, part, value, problem
):
    name = "{}_{}".format(part, set_)
    path = imdb(tmp_path / "imdb.npz", **{name: value})
    with pytest.raises(DataError, match=r"imdb\.npz: " + problem.format(name)):
        load_npz(path)


def test_the_largest_rank_is_read(tmp_path):
    largest = object_array([[2**31 - 4], [0], []])
    arrays = load_npz(imdb(tmp_path / "imdb.npz", x_train=largest))
    assert arrays["x_train"][0] == [2**31 - 4]


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
    assert read_npz(path)["x_train"].tolist() == REVIEWS


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
    arrays = read_npz(path)
    assert sorted(arrays) == ["floats", "fortran", "reviews", "scalar"]
    assert arrays["reviews"].tolist() == REVIEWS
    for name in ("floats", "fortran"):
        assert arrays[name].dtype == ">f8"
        assert arrays[name].tolist() == floats.tolist()
    assert arrays["scalar"].shape == () and arrays["scalar"] == 7


def test_fortran_order_is_honoured(tmp_path):
    header = {"descr": "|u1", "fortran_order": True, "shape": (2, 3)}
    path = write_npz(tmp_path / "x.npz", x=npy(header, bytes([1, 4, 2, 5, 3, 6])))
    assert read_npz(path)["x"].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_hostile_npz_is_refused_without_running(tmp_path, hostile, marker):
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    for content in hostile:
        path = write_npz(tmp_path / "x.npz", x=npy(header, content))
        with pytest.raises(DataError, match="refused"):
            read_npz(path)
        assert not marker.exists(), content


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format_is_read(tmp_path, version):
    header = {"descr": "<u2", "fortran_order": False, "shape": (2,)}
    member = npy(header, b"\x01\x00\x02\x00", version)
    path = write_npz(tmp_path / "x.npz", x=member)
    assert read_npz(path)["x"].tolist() == [1, 2]


def header(descr="<f4", shape=(3,)):
    return {"descr": descr, "fortran_order": False, "shape": shape}


OBJECT = pickle.dumps(object_array(REVIEWS), 4)


@pytest.mark.parametrize(
    "member",
    [
        b"not an array",
        npy(header(), bytes(8)),
        npy(header(), bytes(11)),
        npy(header(), bytes(16)),
        npy({"descr": "<f4"}, bytes(8)),
        npy({}, bytes(8)),
        npy("[]", bytes(8)),
        npy("__import__('os').getcwd()", bytes(8)),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        npy(header("|O", (1,)), b""),
        npy(header("|O", (2,)), OBJECT),
        npy(header("|O", (3, 1)), OBJECT),
        npy(header("|O", None), pickle.dumps({"shape": None}, 4)),
        npy(header("<f4", (-3,)), bytes(12)),
        npy(header("<f4", (-1, -3)), bytes(12)),
        npy(header("<f4", (1 << 62, 4)), bytes(0)),
        npy(header("<f4", (1 << 40, 1 << 40)), bytes(12)),
        npy(header("<f4", [3]), bytes(12)),
        npy(header("<f4", (3.0,)), bytes(12)),
        npy(header("<f4", (True, 3)), bytes(12)),
        npy(header([("a", "<f4")]), bytes(12)),
        npy(header([("a", "O")]), bytes(24)),
        npy(header("|V4"), bytes(12)),
        npy(header("|S4"), bytes(12)),
        npy(header("<U1"), bytes(12)),
        npy(header("<M8[s]"), bytes(24)),
        npy(header("<c8"), bytes(24)),
        npy(header("f4,O"), bytes(36)),
        npy(header("(3,)f4", (1,)), bytes(12)),
        npy(" " * 20000 + repr(header()), bytes(12)),
        npy("(" * 9000, bytes(12)),
    ],
)
def test_an_array_that_is_damaged_or_not_plain_is_refused_by_name(tmp_path, member):
    path = write_npz(tmp_path / "reviews.npz", x=member)
    with pytest.raises(DataError, match=r"reviews\.npz(: (refused|not a)| is damaged)"):
        load_npz(path)


def test_a_truncated_npz_is_a_data_error_that_names_the_file(tmp_path):
    path = imdb(tmp_path / "reviews.npz")
    content = path.read_bytes()
    for end in range(0, len(content), 37):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"reviews\.npz"):
            load_npz(path)


def test_a_file_that_cannot_be_read_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot read .*: Is a directory"):
        load_npz(tmp_path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(str(path), x=np.zeros(100000), y=np.zeros(100000))
    monkeypatch.setattr(archives, "LIMIT", 1000000)
    with pytest.raises(DataError, match=r"bomb\.npz: refused to unpack 1600\d\d\d"):
        load_npz(path)


def test_a_member_that_is_longer_than_the_archive_says_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    size = 4 << 20
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(size))
    content = path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", 10))
    path.write_bytes(content)
    with zipfile.ZipFile(str(path)) as archive, pytest.raises(zipfile.BadZipFile):
        archives.unpacked(archive, "x.npy")
    with pytest.raises(DataError, match=r"bomb\.npz is damaged"):
        load_npz(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_without_a_limit_is_refused(tmp_path, compression):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(str(path), "w", compression) as archive:
        archive.writestr("x.npy", npy(header(), bytes(12)))
    with pytest.raises(DataError, match=r"x\.npz: refused a compression"):
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
        with pytest.raises(DataError, match=r"x\.pth: refused"):
            load_torch(path)
        with zipfile.ZipFile(str(path), "w") as archive:
            archive.writestr("x/data.pkl", content)
        with pytest.raises(DataError, match=r"x\.pth: refused"):
            load_torch(path)
        assert not marker.exists(), content


class Storage:
    """What a checkpoint says of a storage: its type, and its name in the file."""

    def __init__(self, type_="FloatStorage", name="0"):
        self.type, self.name = type_, name


@pytest.fixture
def torch_pickle(monkeypatch):
    """Pickle what `tensor` makes, under the names that PyTorch would use."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def _rebuild_tensor_v2():
        pass

    class FloatStorage:
        pass

    _rebuild_tensor_v2.__module__, FloatStorage.__module__ = "torch._utils", "torch"
    for named in (_rebuild_tensor_v2, FloatStorage):
        named.__qualname__ = named.__name__
    utils._rebuild_tensor_v2, torch.FloatStorage = _rebuild_tensor_v2, FloatStorage

    class Tensor:
        def __init__(self, *arguments):
            self.arguments = arguments

        def __reduce__(self):
            return _rebuild_tensor_v2, self.arguments

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                known = FloatStorage if value.type == "FloatStorage" else value.type
                return "storage", known, value.name, "cpu", 2
            return None

    def pickled(*arguments):
        buffer = io.BytesIO()
        Pickler(buffer, 2).dump({"w": Tensor(*arguments)})
        return buffer.getvalue()

    return pickled


def write_checkpoints(folder, pickled, storage=bytes(8), count=2):
    """The paths of one dictionary in both formats, with a storage of two numbers."""
    zipped, sequence = folder / "zip.pth", folder / "sequence.pth"
    with zipfile.ZipFile(str(zipped), "w") as archive:
        archive.writestr("x/data.pkl", pickled)
        archive.writestr("x/data/0", storage)
    plain = [pickle.dumps(value, 2) for value in (1, 1001, {})]
    keys = pickle.dumps(["0"], 2) + struct.pack("<q", count) + storage
    sequence.write_bytes(b"".join(plain) + pickled + keys)
    return zipped, sequence


def test_checkpoints_of_this_test_are_read(tmp_path, torch_pickle):
    pickled = torch_pickle(Storage(), 0, (2,), (1,))
    for path in write_checkpoints(tmp_path, pickled, struct.pack("<2f", 3, 4)):
        assert load_torch(path)["w"].tolist() == [3, 4]


@pytest.mark.parametrize(
    "offset, shape, strides",
    [
        (0, (3,), (1,)),
        (1, (2,), (1,)),
        (0, (2,), (-1,)),
        (-1, (1,), (1,)),
        (0, (2,), ()),
        (0.0, (2,), (1,)),
        (0, (1000,), (0,)),
        (0, (1 << 40,), (0,)),
        (0, (1 << 61,), (1 << 3,)),
        (0, (1 << 28, 1), (0, 0)),
    ],
)
def test_tensors_that_reach_outside_their_storage_are_refused(
    tmp_path, torch_pickle, offset, shape, strides
):
    pickled = torch_pickle(Storage(), offset, shape, strides)
    for path in write_checkpoints(tmp_path, pickled):
        reason = "(outside its storage|refused to unpack more)"
        with pytest.raises(DataError, match=path.name + ": .*" + reason):
            load_torch(path)


@pytest.mark.parametrize("shape", [(-1,), (-2, -1), (1 << 64,), (2.0,), [2], "2"])
def test_tensors_of_impossible_shapes_are_refused(tmp_path, torch_pickle, shape):
    for path in write_checkpoints(tmp_path, torch_pickle(Storage(), 0, shape, (1,))):
        with pytest.raises(DataError, match=path.name + ": refused the shape"):
            load_torch(path)


@pytest.mark.parametrize("kind", ["O", "V4", "M8", ("f4", (1 << 40,)), [("a", "O")], 4])
def test_storages_of_other_types_are_refused(tmp_path, torch_pickle, kind):
    pickled = torch_pickle(Storage(kind), 0, (1,), (1,))
    for path in write_checkpoints(tmp_path, pickled):
        with pytest.raises(DataError, match=path.name + ": refused the storage"):
            load_torch(path)


@pytest.mark.parametrize("storage", [("<f4", "0"), ("V4", "0"), ("O", "0"), [], None])
def test_storages_that_a_pickle_made_itself_are_refused(
    tmp_path, torch_pickle, storage
):
    pickled = torch_pickle(storage, 0, (1,), (1,))
    for path in write_checkpoints(tmp_path, pickled):
        with pytest.raises(DataError, match=path.name + ": refused the storage"):
            load_torch(path)


@pytest.mark.parametrize("count", [-1, -(1 << 63), 1 << 40, (1 << 63) - 1])
def test_a_storage_of_an_impossible_size_is_refused(tmp_path, torch_pickle, count):
    pickled = torch_pickle(Storage(), 0, (2,), (1,))
    sequence = write_checkpoints(tmp_path, pickled, count=count)[1]
    with pytest.raises(DataError, match="refused to read"):
        load_torch(sequence)


def test_what_is_no_tensor_is_refused(tmp_path):
    for path in write_checkpoints(tmp_path, pickle.dumps({"w": [1, 2]}, 2)):
        with pytest.raises(DataError, match="refused what is no tensor"):
            load_torch(path)
