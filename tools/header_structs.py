"""Reads grating.h as text: structs, enums and prototypes, for what calls C without a compiler."""
import ctypes
import re

SCALARS = {
    "size_t": ctypes.c_size_t, "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64, "float": ctypes.c_float,
    "char": ctypes.c_char,
}
STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\}\s*(\w+);", re.S)
ENUM = re.compile(r"(?:typedef )?enum(?: \w+)? \{([^}#]*)\}", re.S)
STATUS = re.compile(r'X\((\w+),\s*(-?\d+),\s*"([^"]*)"\)')
PROTOTYPE = re.compile(r"GRT_API\s+(?:GRT_NODISCARD\s+)?([\w\s]+?[\s*]+)(grt_\w+)\(([^;]*)\);", re.S)


class HeaderError(Exception):
    """The header holds something that bindings cannot express."""


def code_of(path):
    """The header's text without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
    return text, re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*\n", "", text, flags=re.M)


def fields_of(body):
    """(name, type, count) of each field of a struct's text; count 0: one.  A pointer's type is
    "char *" or "*"."""
    for statement in re.sub(r"\s+", " ", body).split(";"):
        statement = statement.strip()
        if not statement:
            continue
        if "*" in statement:
            kind = "char *" if re.fullmatch(r"(const )?char \*\w+", statement) else "*"
            yield re.search(r"(\w+)$", statement)[1], kind, 0
            continue
        kind, rest = statement.split(" ", 1)
        if kind not in SCALARS:
            raise HeaderError(
                f"{statement}: a field of type {kind}; structs hold numbers and pointers only")
        for name in rest.split(","):
            found = re.fullmatch(r"\s*(\w+)(?:\[(\d+)\])?\s*", name)
            if not found:
                raise HeaderError(f"{statement}: not understood")
            yield found[1], kind, int(found[2] or 0)


def structs_of(path):
    """{struct: [(field, type, count), ...]}, in the header's order."""
    structs = {}
    for name, body, again in STRUCT.findall(code_of(path)[1]):
        if name != again:
            raise HeaderError(f"struct {name} is called {again}")
        structs[name] = list(fields_of(body))
    return structs


def ctypes_of(structs):
    """The same as ctypes classes."""
    classes = {}
    for name, fields in structs.items():
        laid_out = []
        for field, kind, count in fields:
            one = ctypes.c_void_p if "*" in kind else SCALARS[kind]
            laid_out.append((field, one * count if count else one))
        classes[name] = type(name, (ctypes.Structure,), {"_fields_": laid_out})
    return classes


def constants_of(path):
    """{name: value} of all enums, and {value: (name, text)} of the statuses."""
    whole, code = code_of(path)
    statuses = {int(value): (name, text) for name, value, text in STATUS.findall(whole)}
    constants = {f"GRT_{name}": value for value, (name, _) in statuses.items()}
    for body in ENUM.findall(code):
        for entry in filter(None, (part.strip() for part in body.split(","))):
            found = re.fullmatch(r"(GRT_\w+)\s*=\s*(-?\w+)", entry)
            if found and not found[1].endswith("FORCE_INT32"):
                constants[found[1]] = int(found[2], 0)
    return constants, statuses


def prototypes_of(path):
    """{function: (returned type, [argument types])}; types as in C, without const and names."""
    found = {}
    for returned, name, arguments in PROTOTYPE.findall(code_of(path)[1]):
        listed = [] if arguments.strip() in ("", "void") else arguments.split(",")
        found[name] = (type_of(returned + " x"), [type_of(argument) for argument in listed])
    return found


def type_of(declaration):
    """"const char *const *documents" -> "char **"; the last word is the name."""
    words = re.sub(r"\bconst\b", " ", declaration)
    words = re.sub(r"\w+\s*$", "", words.strip())
    stars = words.count("*")
    return words.replace("*", " ").strip() + (" " + "*" * stars if stars else "")
