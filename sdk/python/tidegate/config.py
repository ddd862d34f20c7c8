"""The configuration: JSON from the host, decoded into a dataclass, with errors that name the key."""

import dataclasses
import json
import types as python
import typing

from .error import Error

NAMES = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a map"}


def decode(config, text):
    """Decodes JSON into the dataclass `config`; none at all is the same as an empty one. A `dict` takes what there is."""
    value = json.loads(text) if text.strip() else None
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise Error("the configuration has to be a map of keys and their values")
    return value if config is dict else _dataclass(config, value, "")


def _dataclass(kind, value, path):
    hints, fields = typing.get_type_hints(kind), dataclasses.fields(kind)
    names = [field.name for field in fields]
    for key in value:
        if key not in names:
            there_is = "there is " + ", ".join(names) if names else "there are no keys"
            raise Error.at(path + key, f"no such key; {there_is}")
    for field in fields:
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in value:
            raise Error.at(path + field.name, "has to be set")
    return kind(**{key: _value(hints[key], given, path + key) for key, given in value.items()})


def _value(kind, value, path):
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, _typed(dict, value, path), path + ".")
    if origin in (typing.Union, python.UnionType):
        return _one_of(arguments, value, path)
    if origin is typing.Literal:
        if value not in arguments:
            raise Error.at(path, "has to be one of " + ", ".join(map(str, arguments)))
        return value
    if origin is list:
        return [_value(arguments[0], item, f"{path}[{at}]") for at, item in enumerate(_typed(list, value, path))]
    if origin is dict:
        return {key: _value(arguments[1], item, f"{path}.{key}") for key, item in _typed(dict, value, path).items()}
    return _typed(kind, value, path)


def _one_of(kinds, value, path):
    if value is None and type(None) in kinds:
        return None
    problem = None
    for kind in kinds:
        try:
            return _value(kind, value, path)
        except Error as error:
            problem = problem or error
    raise problem


def _typed(kind, value, path):
    if kind is float and type(value) is int:
        return float(value)
    # A truth value is an int, too.
    if type(value) is not kind:
        raise Error.at(path, f"has to be {NAMES.get(kind, kind.__name__)}")
    return value
