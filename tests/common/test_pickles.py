import io
import pickle

import numpy as np
import pytest

from common import pickles
from common.files import DataError

RECONSTRUCT = np.zeros(1).__reduce__()[0]
UNSIGNED = np.dtype("u1")
REFUSALS = "refused|not a pickle of plain values"  # by a check of ours, or by the unpickler itself


class Call:
    """Its pickle calls a function, and may give the result a state."""

    def __init__(self, function, *arguments, **options):
        self.reduced = function, arguments
        if "state" in options:
            self.reduced += (options["state"],)

    def __reduce__(self):
        return self.reduced


def array(dtype=UNSIGNED, shape=(4,), content=b"four"):
    """The pickle of an array, as NumPy writes it."""
    state = (1, shape, dtype, False, content)
    return Call(RECONSTRUCT, np.ndarray, (0,), b"b", state=state)


def dtype(code, *state):
    """The pickle of a type with this state: order, subtype, names, fields, size, alignment, flags."""
    return Call(np.dtype, code, False, True, state=(3,) + state)


def load(value, protocol=4):
    return pickles.load(io.BytesIO(pickle.dumps(value, protocol)))


def refused(value):
    """Load a pickle, which fails."""
    with pytest.raises(DataError, match="refused"):
        load(value)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_an_array_of_numbers_is_loaded(protocol):
    found = load(array(), protocol)
    assert type(found) is np.ndarray and found.dtype == np.uint8
    assert found.tolist() == list(b"four")


@pytest.mark.parametrize("order, first", [(">", 1), ("<", 256)])
def test_the_order_of_bytes_is_heeded(order, first):
    swapped = dtype("u2", order, None, None, None, -1, -1, 0)
    assert load(array(swapped, (2,), b"\x00\x01\x00\x02"))[0] == first


OBJECT = ("|", None, None, None, -1, -1)
FIELDS = {"a": (np.dtype("O"), 0)}


@pytest.mark.parametrize(
    "kind",
    [
        # Objects whose flags, which tell that they are, are hidden: their bytes are addresses.
        dtype("O8", *(OBJECT + (0,))),
        dtype("V8", "|", None, ("a",), FIELDS, 8, 1, 0),
        dtype("V8", "|", None, ("a",), {"a": (UNSIGNED, 0)}, 8, 1, 16),
        dtype("V8", "|", (UNSIGNED, (8,)), None, None, 8, 1, 0),
        dtype("u1", "|", None, None, None, 1 << 40, 1, 0),
        dtype("u1", "|", None, None, None, -8, 1, 0),
        dtype("u1", "|", None, None, None, -1, 1 << 20, 0),
        Call(np.dtype, [("a", "O")]),
        Call(np.dtype, {"names": ["a"], "formats": ["O"], "offsets": [0]}),
        Call(np.dtype, ("u1", (1 << 40,))),
        "u1",
        None,
    ],
)
def test_types_with_objects_fields_or_sizes_of_their_own_are_refused(kind):
    refused(array(kind, (1,), b"\x08" * 8))


@pytest.mark.parametrize(
    "code",
    ["O", "V8", "S8", "U2", "M8[s]", "m8", "c8", "c16", "u3", "f16", "u1,O", "a"],
)
def test_types_other_than_whole_and_floating_point_numbers_are_refused(code):
    refused(array(Call(np.dtype, code, False, True), (1,), b"\x08" * 8))


@pytest.mark.parametrize(
    "shape",
    [
        (-4,),
        (-2, -2),
        (3,),
        (5,),
        (1 << 62,),
        (1 << 32, 1 << 32),
        (1 << 64, 0),
        (4.0,),
        (True, 4),
        [4],
        4,
        None,
        (1,) * 33 + (4,),
    ],
)
def test_shapes_that_do_not_fit_the_data_are_refused(shape):
    refused(array(shape=shape))


@pytest.mark.parametrize("content", ["four", [1, 2, 3, 4], bytearray(4), None])
def test_numbers_that_are_not_bytes_are_refused(content):
    refused(array(content=content))


@pytest.mark.parametrize(
    "shape, content",
    [((2,), [[1]]), ((-1,), [[1]]), ((1, 1), [[1]]), ((1,), b"\x08" * 8), ((1,), None)],
)
def test_objects_that_do_not_fit_their_shape_are_refused(shape, content):
    refused(array(dtype("O8", *(OBJECT + (63,))), shape, content))


@pytest.mark.parametrize(
    "value",
    [
        Call(RECONSTRUCT, np.ndarray, (1 << 20,), b"b"),
        {"data": Call(RECONSTRUCT, np.ndarray, (1 << 20,), b"O")},
    ],
)
def test_an_array_without_data_is_refused(value):
    refused(value)


@pytest.mark.parametrize(
    "value",
    [
        Call(np.ndarray, (4,), "u1"),  # whatever lies in memory
        Call(np.ndarray, (1,), "O", b"\x08" * 8),
        Call(np.ndarray, (1 << 33,), "u1"),
    ],
)
def test_arrays_are_built_in_no_other_way(value):
    content = pickle.dumps(value, 4)
    with pytest.raises(DataError, match=REFUSALS):
        pickles.load(io.BytesIO(content))


def state_for(name):
    """A pickle that gives what stands for this name attributes of its own."""
    attributes = pickle.dumps((None, {"__defaults__": ("latin1",), "also": 1}), 2)
    return b"\x80\x02c" + name + b"\n" + attributes[2:-1] + b"b."


@pytest.mark.parametrize(
    "name",
    [
        b"_codecs\nencode",
        b"numpy\nndarray",
        b"numpy\ndtype",
        b"numpy.core.multiarray\n_reconstruct",
    ],
)
def test_what_arrays_are_built_with_cannot_be_changed(name):
    with pytest.raises(DataError, match=REFUSALS):
        pickles.load(io.BytesIO(state_for(name)))


def test_elements_cannot_be_set_afterwards():
    content = pickle.dumps(array(), 2)[:-1] + b"K\x00K\x07s."
    with pytest.raises(DataError, match=REFUSALS):
        pickles.load(io.BytesIO(content))


def test_python2_pickles_are_read(python2_pickle):
    pixels = [bytes(range(6)), bytes(range(250, 256))]
    content = pickles.load(io.BytesIO(python2_pickle(pixels, [3, 9])))
    assert content[b"labels"] == [3, 9]
    assert content[b"batch_label"] == b"a batch"
    assert content[b"data"].dtype == np.uint8
    assert content[b"data"].tolist() == [list(row) for row in pixels]


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_arrays_of_every_protocol_are_read(protocol):
    array = np.array([[1.5, 2], [3, 4]], np.float32)
    content = pickles.load(io.BytesIO(pickle.dumps({"x": array, "n": 1}, protocol)))
    assert content["n"] == 1
    assert content["x"].dtype == np.float32
    assert content["x"].tolist() == array.tolist()


def test_hostile_pickles_are_refused_without_running(hostile, marker):
    for content in hostile:
        with pytest.raises(DataError, match="refused"):
            pickles.load(io.BytesIO(content))
        assert not marker.exists(), content


def test_the_hostile_pickles_are_dangerous_elsewhere(hostile, marker):
    pickle.loads(hostile[0])
    assert marker.exists()


@pytest.mark.parametrize("codec", ["rot13", "zlib", "idna"])
def test_only_the_codec_of_byte_strings_is_admitted(codec):
    content = "c_codecs\nencode\n(Vabc\nV{}\ntR.".format(codec).encode()
    with pytest.raises(DataError, match="refused"):
        pickles.load(io.BytesIO(content))


def test_references_to_outside_the_file_are_refused():
    with pytest.raises(DataError, match="refused"):
        pickles.load(io.BytesIO(b"Panother file\n."))


def test_a_truncated_pickle_is_a_data_error(python2_pickle):
    content = python2_pickle([bytes(20)], [1])
    for end in range(len(content)):
        with pytest.raises(DataError):
            pickles.load(io.BytesIO(content[:end]))
