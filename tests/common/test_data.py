import hashlib
import io
import os
import shutil
import tarfile

import numpy as np
import pytest

from common import data, load_cifar10, load_images, load_imdb, quick, sources
from common.files import DataError, digest

IMAGES_PER_FILE = 2


def sha256(*arrays):
    checksum = hashlib.sha256()
    for array in arrays:
        little = array.astype(array.dtype.newbyteorder("<"))
        checksum.update(repr(array.shape).encode() + little.tobytes())
    return checksum.hexdigest()


# CIFAR-10


@pytest.fixture
def cifar10_files(python2_pickle, monkeypatch):
    """Name -> content of a tiny CIFAR-10, whose checksums pass for the official ones.

    Image i over all files, the test's last, is red i, green its row and blue its column.
    """
    names = sorted(sources.CIFAR10_FILES)
    files = {}
    for number, name in enumerate(names):
        indices = [IMAGES_PER_FILE * number + i for i in range(IMAGES_PER_FILE)]
        green = bytes(row for row in range(32) for _ in range(32))
        blue = bytes(range(32)) * 32
        pixels = [bytes([20 * i]) * 1024 + green + blue for i in indices]
        files[name] = python2_pickle(pixels, [i % 10 for i in indices])
    checksums = {name: hashlib.sha256(files[name]).hexdigest() for name in names}
    monkeypatch.setattr(sources, "CIFAR10_FILES_SHA256", checksums)
    return files


@pytest.fixture
def cifar10(cifar10_files, data_folder):
    """The folder that holds the tiny CIFAR-10."""
    folder = data_folder / "cifar-10-batches-py"
    folder.mkdir()
    for name, content in cifar10_files.items():
        (folder / name).write_bytes(content)
    return folder


def pack(files, compression):
    """The content of an archive of these files in CIFAR-10's folder; text makes a link to it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:" + compression) as tar:
        for name, content in sorted(files.items()) + [("batches.meta", b"")]:
            member = tarfile.TarInfo("cifar-10-batches-py/" + name)
            if isinstance(content, bytes):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
    return packed.getvalue()


@pytest.fixture
def cifar10_archive(cifar10_files, server, monkeypatch):
    """Let the server have the tiny CIFAR-10's archive; return its content."""
    server.content = pack(cifar10_files, "gz")
    url = server.url.replace("file.bin", "cifar-10-python.tar.gz")
    monkeypatch.setattr(sources, "CIFAR10_URL", url)
    checksum = hashlib.sha256(server.content).hexdigest()
    monkeypatch.setattr(sources, "CIFAR10_SHA256", checksum)
    monkeypatch.delenv("ROSETTA_DOWNLOAD")
    return server.content


def test_cifar10_keeps_the_order_of_files_and_their_labels(cifar10):
    x_train, y_train, x_test, y_test = load_cifar10()
    reds = np.rint(x_train[:, 0, 0, 0] * 255 / 20).astype(int).tolist()
    assert reds == list(range(10))
    assert y_train.tolist() == list(range(10)) and y_test.tolist() == [0, 1]
    assert np.rint(x_test[:, 0, 5, 5] * 255).tolist() == [200, 220]
    assert y_train.dtype == y_test.dtype == np.int64


@pytest.mark.parametrize(
    "channels_first, shape", [(True, (10, 3, 32, 32)), (False, (10, 32, 32, 3))]
)
def test_cifar10_layouts(cifar10, channels_first, shape):
    x = load_cifar10(channels_first=channels_first)[0]
    assert x.shape == shape and x.dtype == np.float32 and x.flags.c_contiguous
    image = x[1] if channels_first else x[1].transpose(2, 0, 1)
    red, green, blue = np.rint(image * 255)
    assert (red == 20).all()
    assert green[7, 9] == 7 and blue[7, 9] == 9


def test_cifar10_pixels_are_divided_by_255(python2_pickle, cifar10, monkeypatch):
    content = python2_pickle([bytes([0, 51, 255]) * 1024], [0])
    (cifar10 / "test_batch").write_bytes(content)
    monkeypatch.setitem(
        sources.CIFAR10_FILES_SHA256, "test_batch", hashlib.sha256(content).hexdigest()
    )
    x = load_cifar10()[2]
    assert sorted(set(x.ravel().tolist())) == [0, np.float32(0.2), 1]


def test_corrupt_cifar10_is_refused_by_name(cifar10):
    path = cifar10 / "data_batch_3"
    content = path.read_bytes()
    path.write_bytes(content[:-10] + b"X" + content[-9:])
    with pytest.raises(DataError) as error:
        load_cifar10()
    assert str(path) in str(error.value) and "remove" in str(error.value)


def test_corrupt_files_are_never_unpickled(cifar10, data_folder, monkeypatch):
    def opened(*_):
        raise AssertionError("was read before it was verified")

    monkeypatch.setattr(data, "load_arrays", opened)
    monkeypatch.setattr(data, "load_npz", opened)
    (cifar10 / "test_batch").write_bytes(b"not it")
    (data_folder / "imdb.npz").write_bytes(b"nor this")
    for load in (load_cifar10, load_images, load_imdb):
        with pytest.raises(DataError):
            load()


def test_incomplete_cifar10_is_refused_by_name(cifar10):
    (cifar10 / "test_batch").unlink()
    with pytest.raises(DataError, match=r"test_batch .*missing"):
        load_cifar10()


@pytest.mark.parametrize(
    "load, name", [(load_cifar10, "cifar-10-python.tar.gz"), (load_imdb, "imdb.npz")]
)
def test_missing_data_says_what_to_do(load, name, data_folder):
    with pytest.raises(DataError) as error:
        load()
    for hint in (name, str(data_folder), "ROSETTA_DATA"):
        assert hint in str(error.value)


def test_failed_download_says_why_and_what_to_do(cifar10_archive, server):
    server.faults = [{"status": 404}]
    with pytest.raises(DataError, match=r"404.*ROSETTA_DATA"):
        load_cifar10()


def test_cifar10_is_downloaded_once(cifar10_archive, server, data_folder):
    first = load_cifar10()
    assert first[0].shape == (10, 3, 32, 32)
    for before, after in zip(first, load_cifar10()):
        assert (before == after).all()
    assert len(server.ranges) == 1


def test_an_archive_in_the_data_folder_is_used(cifar10_archive, server, data_folder):
    (data_folder / "cifar-10-python.tar.gz").write_bytes(cifar10_archive)
    assert load_cifar10()[0].shape == (10, 3, 32, 32)
    assert not server.ranges


@pytest.mark.parametrize(
    "name", ["cifar-10-python.tar.gz", "cifar-10-batches-py.tar.xz"]
)
def test_an_archive_that_was_compressed_anew_is_used(cifar10_files, data_folder, name):
    (data_folder / name).write_bytes(pack(cifar10_files, name[-2:]))
    assert load_cifar10()[0].shape == (10, 3, 32, 32)
    left = {path.name for path in data_folder.iterdir()}
    assert left == {name, "cifar-10-batches-py"}


def another_file(files):
    return pack(dict(files, data_batch_3=b"something else"), "gz")


def no_test_batch(files):
    return pack({name: files[name] for name in files if name != "test_batch"}, "gz")


def cut_short(files):
    return pack(files, "gz")[:-100]


def no_archive(files):
    return b"<html>404</html>"


def a_link(files):
    return pack(dict(files, data_batch_3="/etc/passwd"), "gz")


def a_link_to_itself(files):
    return pack(dict(files, data_batch_3="data_batch_3"), "gz")


def a_huge_file(files):
    return pack(dict(files, data_batch_3=bytes(1 << 26)), "gz")


@pytest.mark.parametrize(
    "damage, said",
    [
        (another_file, "data_batch_3 is not the official file"),
        (no_test_batch, "cannot unpack"),
        (cut_short, "cannot unpack"),
        (no_archive, "cannot unpack"),
        (a_link, "data_batch_3 is not the official file"),
        (a_link_to_itself, "data_batch_3 is not the official file"),
        (a_huge_file, "data_batch_3 is not the official file"),
    ],
)
def test_an_archive_that_is_wrong_is_said_to_be(
    cifar10_files, cifar10_archive, server, data_folder, damage, said
):
    archive = data_folder / "cifar-10-python.tar.gz"
    archive.write_bytes(damage(cifar10_files))
    with pytest.raises(DataError) as error:
        load_cifar10()
    assert str(archive) in str(error.value) and said in str(error.value)
    assert not server.ranges, "the user's file is neither ignored nor replaced"
    assert list(data_folder.iterdir()) == [archive]


def test_an_archive_that_may_be_downloaded_has_a_largest_size(
    cifar10_archive, server, data_folder, monkeypatch
):
    monkeypatch.setattr(sources, "CIFAR10_BYTES", 100)
    with pytest.raises(DataError, match="sends more than 110 bytes"):
        load_cifar10()
    assert list(data_folder.iterdir()) == []


def test_a_full_disk_is_told_when_unpacking(
    cifar10_files, data_folder, small_disk, fill
):
    small_disk(data_folder)
    archive = data_folder / "cifar-10-batches-py.tar.xz"
    archive.write_bytes(pack(cifar10_files, "xz"))
    fill(data_folder, 12)
    with pytest.raises(DataError) as error:
        load_cifar10()
    expected = "cannot unpack {}: No space left on device".format(archive)
    assert str(error.value) == expected
    assert sorted(p.name for p in data_folder.iterdir()) == ["ballast", archive.name]


def test_a_read_only_folder_is_told_when_unpacking(
    cifar10_files, data_folder, small_disk
):
    small_disk(data_folder)
    archive = data_folder / "cifar-10-python.tar.gz"
    archive.write_bytes(pack(cifar10_files, "gz"))
    small_disk(data_folder, "remount,ro")
    with pytest.raises(DataError) as error:
        load_cifar10()
    expected = "cannot unpack {}: Read-only file system".format(archive)
    assert str(error.value) == expected


def test_unpacked_data_are_read_where_nothing_can_be_written(
    cifar10_files, data_folder, small_disk
):
    small_disk(data_folder)
    folder = data_folder / "cifar-10-batches-py"
    folder.mkdir()
    for name, content in cifar10_files.items():
        (folder / name).write_bytes(content)
    small_disk(data_folder, "remount,ro")
    assert load_cifar10()[0].shape == (10, 3, 32, 32)


def test_another_process_may_unpack_first(cifar10_files, data_folder, monkeypatch):
    (data_folder / "cifar-10-python.tar.gz").write_bytes(pack(cifar10_files, "gz"))
    rename = os.rename

    def slow(source, target):
        shutil.copytree(source, target)
        rename(source, target)

    monkeypatch.setattr(sources.os, "rename", slow)
    assert load_cifar10()[0].shape == (10, 3, 32, 32)


def test_images_that_cannot_be_are_refused_by_name(
    python2_pickle, cifar10, monkeypatch
):
    content = python2_pickle([bytes(3072)], [10])
    path = cifar10 / "test_batch"
    path.write_bytes(content)
    monkeypatch.setitem(
        sources.CIFAR10_FILES_SHA256, "test_batch", hashlib.sha256(content).hexdigest()
    )
    with pytest.raises(DataError, match=r"test_batch: its labels are not"):
        load_cifar10()


# IMDB


@pytest.fixture
def imdb(data_folder, monkeypatch):
    """A function of reviews (lists of ranks) to the file that holds them."""

    def write(reviews):
        arrays = np.empty(len(reviews), object)
        arrays[:] = reviews
        labels = np.arange(len(reviews)) % 2
        path = data_folder / "imdb.npz"
        np.savez(
            str(path), x_train=arrays, y_train=labels, x_test=arrays, y_test=labels
        )
        monkeypatch.setattr(sources, "IMDB_SHA256", digest(path, "sha256"))
        return path

    return write


def test_imdb_encoding(imdb):
    reviews = {
        (4, 9): [1, 7, 12, 0, 0],
        (1, 2, 3, 4): [1, 4, 5, 6, 7],
        (1, 2, 3, 4, 5): [4, 5, 6, 7, 8],
        (1, 2, 3, 4, 5, 6, 7): [6, 7, 8, 9, 10],
        (16, 17, 500): [1, 19, 2, 2, 0],
        (): [1, 0, 0, 0, 0],
    }
    imdb([list(ranks) for ranks in reviews])
    x_train, y_train, x_test, y_test = load_imdb(vocabulary=20, length=5)
    assert x_train.tolist() == x_test.tolist() == list(reviews.values())
    assert x_train.dtype == x_test.dtype == np.int32
    assert y_train.tolist() == y_test.tolist() == [0, 1, 0, 1, 0, 1]
    assert y_train.dtype == y_test.dtype == np.int64


def test_imdb_keeps_the_last_150_of_30000_words(imdb):
    imdb([list(range(1, 201)), [29996, 29997]])
    x = load_imdb()[0]
    assert x[0].tolist() == list(range(54, 204))
    assert x[1, :4].tolist() == [1, 29999, 2, 0]


def test_corrupt_imdb_is_refused_by_name(imdb):
    path = imdb([[1]])
    path.write_bytes(path.read_bytes() + b"X")
    with pytest.raises(DataError) as error:
        load_imdb()
    assert str(path) in str(error.value) and "remove" in str(error.value)


def test_reviews_that_cannot_be_are_refused_by_name(imdb):
    path = imdb([[1, -5], [2]])
    with pytest.raises(DataError) as error:
        load_imdb()
    assert str(error.value).startswith("{}: review 0 of x_train".format(path))


@pytest.mark.parametrize(
    "find, name",
    [
        (sources.find_imdb, "imdb.npz"),
        (sources.find_resnet50, "resnet50-0676ba61.pth"),
        (sources.find_cifar10, "cifar-10-batches-py/data_batch_1"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_data_error(find, name, data_folder):
    (data_folder / name).mkdir(parents=True)
    with pytest.raises(DataError, match="cannot read .*{}: Is a dir".format(name)):
        find()


def test_imdb_is_downloaded_once(imdb, server, monkeypatch):
    path = imdb([[5]])
    server.content = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(sources, "IMDB_URL", server.url)
    monkeypatch.delenv("ROSETTA_DOWNLOAD")
    assert load_imdb()[0][0, :3].tolist() == [1, 8, 0]
    load_imdb()
    assert len(server.ranges) == 1
    assert path.read_bytes() == server.content


def test_digest_of_a_run_tells_the_files_apart(imdb, monkeypatch):
    path = imdb([[5]])
    imdb_digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert data.data_digest("RNN", "real") == imdb_digest
    before = data.data_digest("CNN", "real")
    assert before == (  # as in the records that there are
        "sha256:f7358627169f1877eecbb58c77ed05e8dd6e9f2ff600e2b010918bda47e7110e"
    )
    monkeypatch.setitem(sources.CIFAR10_FILES, "test_batch", 32 * "0")
    assert len({before, data.data_digest("CNN", "real"), imdb_digest}) == 3
    assert data.data_digest("CNN", "quick") == quick.DIGEST


# Images for inference


@pytest.mark.parametrize("kind", ["real", "quick"])
def test_images_are_the_test_images_enlarged_and_normalised(cifar10, kind):
    x = load_images(kind)
    small = load_cifar10(kind)[2][: len(x)]
    assert x.dtype == np.float32 and x.flags.c_contiguous
    assert x.shape == ({"real": 2, "quick": 64}[kind], 3, 224, 224)
    mean, std = np.float32([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    for row, column in [(0, 0), (6, 6), (7, 13), (223, 217)]:
        seen = x[:, :, row, column] * std + mean
        expected = small[:, :, row // 7, column // 7]
        assert np.allclose(seen, expected, rtol=0, atol=1e-6)


def test_images_with_channels_last_are_the_same_images(cifar10):
    x = load_images("real", channels_first=False)
    assert x.flags.c_contiguous
    assert (x.transpose(0, 3, 1, 2) == load_images("real")).all()


# Generated data


def test_quick_images_are_the_same_on_every_version():
    # Where these bytes change on purpose, quick.DIGEST has to change with them.
    assert (quick.DIGEST, sha256(*load_cifar10("quick"))) == (
        "quick-2",
        "cdd3be0607d1574e00836160dfcab8926940e836dd6724ef8e59813d3ed29e7d",
    )


def test_quick_reviews_are_the_same_on_every_version():
    assert (quick.DIGEST, sha256(*load_imdb("quick"))) == (
        "quick-2",
        "debd64034663c408ff6bb53c57b99fd8a2b5949e97dc8bebe3a9399be854fec0",
    )


def test_quick_images_have_the_form_of_the_real_ones(cifar10):
    for channels_first in (True, False):
        real = load_cifar10("real", channels_first)
        generated = load_cifar10("quick", channels_first)
        for a, b in zip(real, generated):
            assert a.dtype == b.dtype and a.shape[1:] == b.shape[1:]
        assert generated[0].min() >= 0 and 0.9 < generated[0].max() <= 1


def test_quick_reviews_have_the_form_of_the_real_ones():
    x = load_imdb("quick", vocabulary=500, length=40)[0]
    assert x.shape[1] == 40 and x.dtype == np.int32
    assert (x[:, 0] == 1).all() and x.max() < 500 and 3 not in x
    ends = (x != 0).sum(axis=1)
    assert ends.min() < 40 and ends.max() == 40
    assert all((row[:end] > 0).all() for row, end in zip(x, ends))  # zeros at the end


def test_quick_images_can_be_learned():
    x_train, y_train, x_test, y_test = load_cifar10("quick")
    means = np.stack([x_train[y_train == y].mean(axis=0) for y in range(10)])
    distances = [((x_test - mean) ** 2).sum(axis=(1, 2, 3)) for mean in means]
    assert (np.argmin(distances, axis=0) == y_test).mean() > 0.95
    assert set(y_test) == set(range(10))


def test_quick_reviews_can_be_learned_by_their_words():
    x_train, y_train, x_test, y_test = load_imdb("quick")
    positive, negative = (
        np.bincount(x_train[y_train == y].ravel(), minlength=30000) for y in (1, 0)
    )
    score = (np.log1p(positive) - np.log1p(negative))[x_test].sum(axis=1)
    assert ((score > 0) == y_test).mean() > 0.95
    assert 0.4 < y_test.mean() < 0.6


def test_data_are_looked_for_beside_the_package_by_default(monkeypatch):
    monkeypatch.delenv("ROSETTA_DATA")
    package = os.path.dirname(os.path.abspath(sources.__file__))
    assert sources.data_folder() == os.path.join(os.path.dirname(package), "data")
