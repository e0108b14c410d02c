#!/usr/bin/env python3
"""Writes bindings/python/src/grating/_abi.py: structs, constants and prototypes of grating.h.

usage: make_python_abi.py [--check] [ROOT]
With --check it writes nothing, and fails when the file is not what it would write."""
import pathlib
import sys

import header_structs

HEAD = '''"""Structs, constants and prototypes of grating.h, for ctypes.

Written by tools/make_python_abi.py; `tools/make_python_abi.py --check` is a test.  The test
header.ffi holds sizes and offsets against a C compiler's."""
import ctypes
from typing import Any

'''
CTYPES = {"size_t": "c_size_t", "int32_t": "c_int32", "uint32_t": "c_uint32",
          "int64_t": "c_int64", "uint64_t": "c_uint64", "float": "c_float", "char": "c_char",
          "char *": "c_char_p", "*": "c_void_p"}


def field(kind, count):
    return f"ctypes.{CTYPES[kind]}" + (f" * {count}" if count else "")


def argument(kind, structs):
    """The ctypes type of a parameter: numbers as they are, structs by reference, else void *."""
    base, _, stars = kind.partition(" ")
    if not stars:
        return f"ctypes.{CTYPES[base]}" if base in CTYPES else "ctypes.c_int32"
    if kind == "char *":
        return "ctypes.c_char_p"
    if stars == "*" and base in structs:
        return f"ctypes.POINTER({base})"
    return "ctypes.c_void_p"


def returned(kind):
    if kind == "void":
        return "None"
    base, _, stars = kind.partition(" ")
    if stars and kind != "char *":
        return "ctypes.c_void_p"
    if base in CTYPES:
        return f"ctypes.{CTYPES[kind if stars else base]}"
    return "ctypes.c_int32"


def write(header):
    structs = header_structs.structs_of(header)
    constants, statuses = header_structs.constants_of(header)
    lines = [HEAD.rstrip("\n"), ""]
    for name, value in constants.items():
        lines.append(f"{name} = {value}")
    lines += ["", "STATUS_TEXTS = {"]
    lines += [f'    {value}: "{text}",' for value, (_, text) in statuses.items()]
    lines.append("}")
    for name, fields in structs.items():
        lines += ["", "", f"class {name}(ctypes.Structure):", "    _fields_ = ["]
        lines += [f'        ("{one}", {field(kind, count)}),' for one, kind, count in fields]
        lines.append("    ]")
    lines += ["", "", "# function: (result, arguments)",
              "FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {"]
    for name, (kind, arguments) in header_structs.prototypes_of(header).items():
        listed = ", ".join(argument(one, structs) for one in arguments)
        line = f'    "{name}": ({returned(kind)}, [{listed}]),'
        if len(line) > 100:
            line = f'    "{name}": ({returned(kind)}, [\n        ' + ",\n        ".join(
                argument(one, structs) for one in arguments) + "]),"
        lines.append(line)
    lines.append("}")
    return "\n".join(lines) + "\n"


def main():
    arguments = [one for one in sys.argv[1:] if one != "--check"]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).resolve().parents[1])
    path = root / "bindings/python/src/grating/_abi.py"
    text = write(root / "include/grating.h")
    if "--check" in sys.argv:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is not what grating.h says; run tools/make_python_abi.py")
        return
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
