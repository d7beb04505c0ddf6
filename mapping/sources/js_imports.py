"""Imports and exports of JavaScript, in every form that applications use."""

from __future__ import annotations

from mapping.sources.descriptors import describe, undescribe
from mapping.sources.js_scopes import Analysis, Scope, visits
from mapping.sources.js_tree import Node
from mapping.sources.types import api_of_package, is_foreign, table
from mapping.sources.uses import UseKind
from mapping.sources.values import FOREIGN, Kind, Value, likely

__all__ = ["module_member", "module_member_default", "module_of"]

_DEFAULTS = {"@videosdk.live/js-sdk": "VideoSDK"}
"""Packages whose one class applications import as the default."""


def module_of(analysis: Analysis, specifier: str) -> Value | None:
    """What `import` of a specifier gives, or None for a module nobody knows."""
    if not analysis.is_resolving:
        return None
    api = api_of_package(specifier)
    if api is not None:
        analysis.apis.add(api)
        if specifier.endswith("/AccessToken"):
            return Value(api, Kind.CLASS, "AccessToken")
        return Value(api, Kind.MODULE, specifier)
    if is_foreign(specifier):
        return FOREIGN
    exports = analysis.modules.get(specifier)
    if not exports:
        return None
    fields: list[tuple[str, Value]] = []
    for name, description in exports.items():
        value = undescribe(description)
        is_name = value is not None and value.kind in (Kind.MODULE, Kind.FUNCTION, Kind.CLASS)
        # A name of a package handed on by a file right there is that name; all else is followed.
        if not is_name or not specifier.startswith("."):
            value = likely(value, f"exported by {specifier}")
        if value is not None:
            analysis.apis.add(value.api)
            fields.append((name, value))
    return Value(fields[0][1].api, Kind.RECORD, fields=tuple(fields)) if fields else None


def module_member(module: Value | None, name: str) -> Value | None:
    """What a module exports under a name."""
    if module is None or module is FOREIGN:
        return module
    if module.kind is Kind.RECORD:
        return module.field(name)
    if module.kind is Kind.CLASS:
        own = table(module.api).member(module.name, name, static=True)
        return module if name == "default" else own.value
    if module.kind is not Kind.MODULE:
        return None
    if name == "default":
        return module_member_default(module)
    found = table(module.api).exported(name)
    value = found or Value(module.api, Kind.CLASS, name)
    return likely(value, module.why, least=module.confidence)


def note_import(
    analysis: Analysis, module: Value | None, name: str, node: Node, whole: Node, specifier: str
) -> None:
    """Record the import of one name."""
    if module is not None and module.kind is Kind.MODULE:
        analysis.record(
            module,
            name,
            UseKind.IMPORT,
            analysis.span(node),
            analysis.span(whole),
            module=specifier,
        )


def _specifier(analysis: Analysis, node: Node) -> tuple[str, Node] | None:
    source = node.first("string")
    if source is None:
        clause = node.first("import_require_clause")
        source = clause.first("string") if clause is not None else None
    text = analysis.string_of(source)
    return (text[0], source) if text is not None and source is not None else None


@visits("import_statement")
def _import(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    found = _specifier(analysis, node)
    if found is None:
        return None
    specifier, source = found
    module = module_of(analysis, specifier)
    clause = node.first("import_clause") or node.first("import_require_clause")
    if clause is None:
        note_import(analysis, module, "*", source, node, specifier)
        return None
    for child in clause.children:
        if child.kind == "identifier":
            analysis.bind(scope.declare(analysis.text_of(child)), module_member_default(module))
            note_import(analysis, module, "*", child, node, specifier)
        elif child.kind == "namespace_import" and child.children:
            name = child.children[0]
            analysis.bind(scope.declare(analysis.text_of(name)), module)
            note_import(analysis, module, "*", name, node, specifier)
        elif child.kind == "named_imports":
            _named(analysis, child, scope, module, node, specifier)
    return None


def module_member_default(module: Value | None) -> Value | None:
    """What a default import gives: of a package all of it, of a file its default export."""
    if module is None or module is FOREIGN:
        return module
    if module.kind is Kind.RECORD:
        return module.field("default")
    name = _DEFAULTS.get(module.name)
    return module if name is None else Value(module.api, Kind.CLASS, name)


def _named(
    analysis: Analysis,
    names: Node,
    scope: Scope,
    module: Value | None,
    whole: Node,
    specifier: str,
) -> None:
    for each in names.children:
        if each.kind != "import_specifier" or not each.children:
            continue
        imported = analysis.text_of(each.children[0])
        local_name = analysis.text_of(each.children[-1])
        analysis.bind(scope.declare(local_name), module_member(module, imported))
        note_import(analysis, module, imported, each.children[0], whole, specifier)


@visits("export_statement")
def _export(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    found = _specifier(analysis, node) if node.field("source") is not None else None
    module = module_of(analysis, found[0]) if found is not None else None
    if found is not None:
        clause = node.first("export_clause")
        if clause is None:
            note_import(analysis, module, "*", found[1], node, found[0])
            _export_all(analysis, module, node)
            return None
        for each in clause.children:
            name = analysis.text_of(each.children[0])
            note_import(analysis, module, name, each.children[0], node, found[0])
            _offer(analysis, analysis.text_of(each.children[-1]), module_member(module, name))
        return None
    for child in node.children:
        value = analysis.visit(child, scope)
        if child.kind == "export_clause":
            for each in child.children:
                binding = scope.find(analysis.text_of(each.children[0]))
                _offer(
                    analysis,
                    analysis.text_of(each.children[-1]),
                    binding.value if binding else None,
                )
        elif node.has_token("default"):
            _offer(analysis, "default", value)
        else:
            _offer_declared(analysis, child, scope)
    return None


def _export_all(analysis: Analysis, module: Value | None, node: Node) -> None:
    if module is None:
        return
    namespace = node.first("namespace_export")
    if namespace is not None and namespace.children:
        _offer(analysis, analysis.text_of(namespace.children[0]), module)
    elif module.kind is Kind.RECORD:
        for name, value in module.fields:
            _offer(analysis, name, value)
    else:
        names = table(module.api)
        for name in (*names.functions, *names.constants, *names.types):
            _offer(analysis, name, names.exported(name))


def _offer_declared(analysis: Analysis, node: Node, scope: Scope) -> None:
    names = [child.children[0] for child in node.children if child.kind == "variable_declarator"]
    if node.kind in ("function_declaration", "class_declaration", "generator_function_declaration"):
        names = [
            child for child in node.children if child.kind in ("identifier", "type_identifier")
        ]
    for name in names:
        binding = scope.find(analysis.text_of(name))
        if binding is not None:
            _offer(analysis, analysis.text_of(name), binding.value)


def _offer(analysis: Analysis, name: str, value: Value | None) -> None:
    if value is not None:
        analysis.exports[name] = value


def described(analysis: Analysis) -> dict[str, str]:
    """The exports as other files may be told of them."""
    found: dict[str, str] = {}
    for name, value in analysis.exports.items():
        plain = value
        if value.kind is Kind.LOCAL:
            result = analysis.call_local(value, [], "")
            if result is None:
                continue
            plain = Value(result.api, Kind.METHOD, items=(result,))
        text = describe(plain)
        if text:
            found[name] = text
    return found
