"""The part of JSON Schema that our OpenAPI document uses: checked, and made values of."""
import random
import re
import string

TYPES = {"string": str, "boolean": bool, "null": type(None), "object": dict, "array": list}
KNOWN = {"type", "properties", "required", "items", "anyOf", "$ref", "enum", "description",
         "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
         "minLength", "maxLength", "pattern"}


def is_type(value, name):
    if name in ("number", "integer"):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and \
            (name == "number" or value == int(value))
    return isinstance(value, TYPES[name])


class Schemas:
    def __init__(self, document):
        self.document = document

    def place(self, value):
        """What a reference leads to, or the value itself."""
        if "$ref" not in value:
            return value
        place = self.document
        for name in value["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        return self.place(place)

    def resolve(self, schema):
        schema = self.place(schema)
        unknown = set(schema) - KNOWN
        if unknown:
            raise ValueError(f"members that this does not know: {unknown}")
        return schema

    def problems(self, value, schema, where="$"):
        """What is wrong with a value, one line each."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            all_of_them = [list(self.problems(value, one, where)) for one in schema["anyOf"]]
            if all(all_of_them):
                yield from min(all_of_them, key=len)
            return
        types = schema.get("type", [])
        types = types if isinstance(types, list) else [types]
        if types and not any(is_type(value, name) for name in types):
            yield f"{where}: {value!r} is not {types}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is not one of {schema['enum']}"
        if isinstance(value, dict):
            for name in schema.get("required", []):
                if name not in value:
                    yield f"{where}: {name} is missing"
            for name, one in schema.get("properties", {}).items():
                if name in value:
                    yield from self.problems(value[name], one, f"{where}.{name}")
        elif isinstance(value, list):
            for i, one in enumerate(value):
                yield from self.problems(one, schema["items"], f"{where}[{i}]")

    def make(self, schema, random_of):
        """A value that a schema allows."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            return self.make(random_of.choice(schema["anyOf"]), random_of)
        if "enum" in schema:
            return random_of.choice(schema["enum"])
        types = schema["type"]
        name = random_of.choice(types) if isinstance(types, list) else types
        if name == "object":
            return {key: self.make(one, random_of) for key, one in schema["properties"].items()
                    if key in schema.get("required", []) or random_of.random() < 0.5}
        if name == "array":
            n = random_of.randint(schema.get("minItems", 0), schema.get("maxItems", 3))
            return [self.make(schema["items"], random_of) for _ in range(n)]
        if name == "string":
            return self.make_string(schema, random_of)
        if name == "boolean":
            return random_of.random() < 0.5
        if name == "null":
            return None
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1000))
        most = schema.get("maximum", schema.get("exclusiveMaximum", 1000))
        if name == "integer":
            return random_of.randint(least, most)
        return least + (most - least) * random_of.uniform(0.001, 0.999)

    @staticmethod
    def make_string(schema, random_of):
        letters = string.ascii_letters + string.digits + " \n\t\"\\/\0\x7f<>&{}[]'" + "\u00e9\u4e2d\U0001f989\u202e"
        while True:
            n = random_of.randint(schema.get("minLength", 0), schema.get("maxLength", 40))
            letters_here = string.digits if schema.get("pattern", "").startswith("^[0-9]") else letters
            text = "".join(random_of.choice(letters_here) for _ in range(min(n, 4) if letters_here is
                           string.digits else n))
            if re.search(schema.get("pattern", ""), text):
                return text


def maker(seed):
    return random.Random(seed)
