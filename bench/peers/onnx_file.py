"""Writes ONNX files: just enough of protobuf and of onnx.proto for a network of our own.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Large
tensors go into a second file beside the model ("external data"), so that no message comes
near protobuf's limit of 2 GiB."""
import os
import struct

import numpy as np

ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
FLOAT, INT64 = 1, 7
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS = 1, 2, 7
LARGE_BYTES = 1024
ALIGNMENT = 4096  # of external data, so that a reader can map it


def varint(n):
    n &= 0xFFFFFFFFFFFFFFFF  # negative numbers: ten bytes
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, float):
        body = varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, ATTRIBUTE_FLOAT)
    elif isinstance(value, int):
        body = number(3, value) + number(20, ATTRIBUTE_INT)
    else:
        body = b"".join(number(8, n) for n in value) + number(20, ATTRIBUTE_INTS)
    return data(1, name) + body


def value_info(name, element_type, dimensions):
    """Dimensions are numbers, or names of what is not known before a run."""
    shape = b"".join(data(1, number(1, d) if isinstance(d, int) else data(2, d))
                     for d in dimensions)
    return data(1, name) + data(2, data(1, number(1, element_type) + data(2, shape)))


class Graph:
    """Nodes in the order of computation, and the tensors that they read."""

    def __init__(self, path):
        self.path = path
        self.nodes, self.initializers, self.values = [], [], []
        self.n_names, self.small = 0, {}
        self.payload_name = os.path.basename(path) + ".data"
        self.payload = open(path + ".data", "wb")

    def node(self, operator, inputs, n_outputs=1, **attributes):
        """Adds a node; returns the name of its output, or of each of them."""
        outputs = []
        for _ in range(n_outputs):
            self.n_names += 1
            outputs.append("%s_%d" % (operator, self.n_names))
        body = b"".join(data(1, name) for name in inputs)
        body += b"".join(data(2, name) for name in outputs)
        body += data(3, "node_%d" % self.n_names) + data(4, operator)
        self.nodes.append(body + b"".join(data(5, attribute(k, v))
                                          for k, v in attributes.items()))
        return outputs[0] if n_outputs == 1 else outputs

    def tensor(self, name, values):
        values = np.asarray(values, order="C")
        body = b"".join(number(1, n) for n in values.shape)
        body += number(2, ELEMENT_TYPES[values.dtype.name]) + data(8, name)
        if values.nbytes < LARGE_BYTES:
            body += data(9, values.tobytes())
        else:
            self.payload.write(b"\0" * (-self.payload.tell() % ALIGNMENT))
            place = {"location": self.payload_name, "offset": str(self.payload.tell()),
                     "length": str(values.nbytes)}
            body += b"".join(data(13, data(1, k) + data(2, v)) for k, v in place.items())
            body += number(14, 1)
            values.tofile(self.payload)
        self.initializers.append(body)
        return name

    def constant(self, value, dtype="float32"):
        """A number or a short list; equal ones are stored once."""
        key = (str(value), dtype)
        if key not in self.small:
            name = "constant_%d" % len(self.small)
            self.small[key] = self.tensor(name, np.array(value, dtype))
        return self.small[key]

    def write(self, inputs, output, opset):
        """inputs: [(name, element type, dimensions)]; output: the same for one."""
        name, element_type, dimensions = output
        graph = b"".join(data(1, node) for node in self.nodes) + data(2, "reranker")
        graph += b"".join(data(5, tensor) for tensor in self.initializers)
        graph += b"".join(data(11, value_info(*i)) for i in inputs)
        graph += data(12, value_info(name, element_type, dimensions))
        model = number(1, 8) + data(2, "grating bench/peers") + data(7, graph)
        model += data(8, data(1, "") + number(2, opset))
        self.payload.close()
        with open(self.path, "wb") as file:
            file.write(model)
