"""Names of a Python text, and what imports bind to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mapping.sources.descriptors import undescribe
from mapping.sources.js_scopes import Function
from mapping.sources.py_uses import exported
from mapping.sources.types import api_of_module
from mapping.sources.values import Kind, Value, likely

__all__ = ["Names", "exports_of", "imported"]


@dataclass(slots=True)
class Names:
    """The names of a function, class or module."""

    parent: Names | None = None
    values: dict[str, Value] = field(default_factory=dict)
    own: dict[str, Value] = field(default_factory=dict)
    function: Function | None = None
    is_class: bool = False

    def find(self, name: str) -> Value | None:
        """What a name is here; a class hides its names from its functions."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.values and (scope is self or not scope.is_class):
                return scope.values[name]
            scope = scope.parent
        return None


def exports_of(exports: Mapping[str, str]) -> Value | None:
    """What `import` of one of the program's own modules gives."""
    fields = tuple(
        (name, value)
        for name, text in exports.items()
        if (value := likely(undescribe(text), "exported by a module of the program"))
    )
    return Value(fields[0][1].api, Kind.RECORD, fields=fields) if fields else None


def imported(modules: Mapping[str, Mapping[str, str]], module: str, name: str) -> Value | None:
    """What `from module import name` gives."""
    exports = modules.get(module)
    if exports:
        return (
            likely(undescribe(exports[name]), f"exported by {module}") if name in exports else None
        )
    api = api_of_module(f"{module}.{name}") or api_of_module(module)
    if api is None:
        return None
    if api_of_module(f"{module}.{name}") is not api_of_module(module) or name == "video":
        return Value(api, Kind.MODULE, f"{module}.{name}")
    return exported(api, name)
