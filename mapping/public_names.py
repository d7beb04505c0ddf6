"""The public names of this library, found by importing it.

`twilio_compat` and `acs_core` say in `__all__` what is public; of the former, public members of its
classes count as well. An alias in Twilio's spelling is the name it stands for, and a member of an
enumeration is a value of it, so neither is a name of its own here.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Any, is_typeddict

import twilio_compat

__all__ = ["bases", "members", "public_names", "resolve", "snake"]


def resolve(package: str, path: str) -> Any:
    """What a dotted path below a package names; None if there is nothing.

    Modules are imported on the way. Of a class, what its body declares counts: attributes, methods,
    annotated fields, keys of typed dictionaries; a declared name without a value gives True.
    """
    found: Any = importlib.import_module(package)
    for part in path.split("."):
        if isinstance(found, ModuleType):
            found = _of_module(found, part)
        elif inspect.isclass(found):
            found = _of_class(found, part)
        else:
            return None
        if found is None:
            return None
    return found


def public_names(package: str, *, with_members: bool) -> Iterator[str]:
    """The names of `__all__`, each with its members as `Class.member` if they are wanted."""
    module = importlib.import_module(package)
    for name in module.__all__:
        value = getattr(module, name)
        yield name
        if with_members and inspect.isclass(value) and not issubclass(value, Enum):
            yield from (f"{name}.{member}" for member in members(value))


def members(kind: type) -> Iterator[str]:
    """The public members that the body of a class declares; of two spellings, Python's."""
    names = {**vars(kind), **vars(kind).get("__annotations__", {})}
    public = [name for name in names if not name.startswith("_") and not name.isupper()]
    for name in public:
        if snake(name) == name or snake(name) not in names:
            yield name


def bases(kind: type) -> Iterator[type]:
    """A class and what it inherits from.

    A typed dictionary has the keys of those it extends and forgets them, so each public one whose
    keys it has counts.
    """
    yield from kind.__mro__
    if is_typeddict(kind):
        keys = kind.__annotations__.keys()
        public = (value for value in vars(twilio_compat).values() if is_typeddict(value))
        yield from (other for other in public if other.__annotations__.keys() <= keys)


def snake(name: str) -> str:
    """Python's spelling of a name."""
    if name == "toJSON":
        return "to_json"
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()


def _of_module(module: ModuleType, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    try:
        return importlib.import_module(f"{module.__name__}.{name}")
    except ModuleNotFoundError:
        return None


def _of_class(kind: type, name: str) -> Any:
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
        if name in vars(base).get("__annotations__", {}):
            return True
    return None
