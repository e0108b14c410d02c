#!/usr/bin/env python3
"""grating.h for languages that call C without a compiler (Python's ctypes).

usage: test_ffi.py HEADER COMPILER [LIBRARY MODEL]

Reads the structs of the header as text, lays them out with ctypes, and lets a C program say
where the compiler puts each field: both must agree, and no struct may hold another one.  With a
shared library and a model's directory it ranks through them, too."""
import ctypes
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import header_structs


def probe_of(structs):
    """A C program that prints "struct field offset size" for each field."""
    lines = ['#include "grating.h"', "#include <stdio.h>", "int main(void)", "{"]
    for name, struct in structs.items():
        lines.append(f'    printf("{name} - %zu 0\\n", sizeof({name}));')
        for field, _ in struct._fields_:
            lines.append(f'    printf("{name} {field} %zu %zu\\n", offsetof({name}, {field}), '
                         f"sizeof((({name} *)0)->{field}));")
    return "\n".join([*lines, "    return 0;", "}", ""])


def run_probe(structs, header, compiler):
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder) / "probe.c", pathlib.Path(folder) / "probe"
        source.write_text(probe_of(structs), encoding="ascii")
        subprocess.run([*compiler.split(), "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic",
                        "-I", str(header.parent), str(source), "-o", str(program)], check=True)
        return subprocess.run([str(program)], check=True, capture_output=True,
                              text=True).stdout.split("\n")


def check_layout(structs, header, compiler):
    n_fields = 0
    for line in filter(None, run_probe(structs, header, compiler)):
        name, field, offset, size = line.split()
        struct = structs[name]
        if field == "-":
            assert ctypes.sizeof(struct) == int(offset), f"{name}: {offset} bytes in C"
            continue
        found = getattr(struct, field)
        assert (found.offset, found.size) == (int(offset), int(size)), \
            f"{name}.{field}: byte {offset}, {size} bytes in C"
        n_fields += 1
    assert n_fields > 100, f"only {n_fields} fields found"
    for name, struct in structs.items():
        first = struct._fields_[0]
        if name != "grt_error":
            assert first == ("struct_size", ctypes.c_size_t), f"{name} has no struct_size"
    print(f"{len(structs)} structs, {n_fields} fields as in C")


def check_call(library, error, status):
    assert status == 0, f"status {status}: {error.text.decode()}"


def rank(structs, path, model_path):
    """The call that every binding makes."""
    library = ctypes.CDLL(path)
    request_type = structs["grt_request"]
    error, model, result = structs["grt_error"](), ctypes.c_void_p(), ctypes.c_void_p()
    for name, kind in {"indices": ctypes.c_size_t, "scores": ctypes.c_float,
                       "states": ctypes.c_int32}.items():
        function = getattr(library, f"grt_result_{name}")
        function.restype, function.argtypes = ctypes.POINTER(kind), [ctypes.c_void_p]
    library.grt_result_count.restype = library.grt_result_top.restype = ctypes.c_size_t
    library.grt_version.restype = ctypes.c_char_p
    texts = [b"Steam engines heat water in a boiler.", b"Owls hunt at night by sound.",
             b"Bread rises because of yeast."]
    check_call(library, error, library.grt_model_open(
        ctypes.byref(model), None, model_path.encode(), None, ctypes.byref(error)))
    documents = (ctypes.c_char_p * 3)(*texts)
    query = ctypes.create_string_buffer(b"how do owls hunt")
    never = ctypes.c_size_t(-1).value
    request = request_type(struct_size=ctypes.sizeof(request_type), query_bytes=never,
                           query=ctypes.addressof(query), n_documents=3, k=1,
                           documents=ctypes.addressof(documents), instruction_bytes=never)
    check_call(library, error, library.grt_rank(
        ctypes.byref(result), model, ctypes.byref(request), ctypes.byref(error)))
    count, top = library.grt_result_count(result), library.grt_result_top(result)
    indices = library.grt_result_indices(result)[:count]
    scores = library.grt_result_scores(result)[:count]
    assert (count, top, indices[0]) == (3, 1, 1), (count, top, indices)
    assert sorted(indices) == [0, 1, 2] and scores == sorted(scores, reverse=True)
    stats = structs["grt_stats"](struct_size=ctypes.sizeof(structs["grt_stats"]))
    library.grt_result_stats(result, ctypes.byref(stats))
    assert stats.n_documents == 3 and stats.total_ns > 0
    request.struct_size = 3
    status = library.grt_rank(ctypes.byref(result), model, ctypes.byref(request),
                              ctypes.byref(error))
    assert status == -1 and error.status == -1 and b"struct_size" in error.text, error.text
    library.grt_result_free(result)
    library.grt_model_close(model)
    print(f"ranked with {library.grt_version().decode()}: best is document {indices[0]}")


def main():
    header = pathlib.Path(sys.argv[1])
    structs = header_structs.ctypes_of(header_structs.structs_of(header))
    check_layout(structs, header, sys.argv[2])
    if len(sys.argv) > 4:
        rank(structs, sys.argv[3], sys.argv[4])


if __name__ == "__main__":
    main()
