"""The OpenAPI document of the REST interfaces, made from the tables that also make the routes.

Every interface describes its operations by `ApiOperation`; whoever adds a route adds a row, so that
nothing is served that the document does not name.

Source: OpenAPI 3.1.0; its schemas are JSON Schema 2020-12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

__all__ = [
    "FLAG",
    "FORM",
    "JSON",
    "NUMBER",
    "TEXT",
    "ApiFamily",
    "ApiOperation",
    "Schema",
    "make_document",
    "nullable",
    "one_of",
]

OPENAPI_VERSION: Final = "3.1.0"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
_PATH_NAME: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")

Schema: TypeAlias = Mapping[str, Any]
"""JSON Schema."""

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
NUMBER: Final[Schema] = {"type": "integer"}


def one_of(*values: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def nullable(schema: Schema) -> Schema:
    """What is described, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOperation:
    """One operation as its callers see it.

    Attributes:
        name: Unique in its interface, for instance `CreateRoom`.
        method: Of HTTP, in capitals.
        path: From the root; what is in braces is a parameter, a pattern behind a colon is left out.
        status: Of the answer when it worked; None: 200 to 299.
        answer: Name of a schema of the family; None where no body is answered.
        fields: What may be sent: in the query of GET and DELETE, else in the body.
        required: Names of fields without which it is refused.
        body_type: Media type of the body.
        query: Parameters that are in the query whatever the method.
        required_query: Those of them that must be given.
    """

    name: str
    method: str
    path: str
    status: int | None = 200
    answer: str | None = None
    fields: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    body_type: str = FORM
    query: Mapping[str, Schema] = field(default_factory=dict)
    required_query: frozenset[str] = frozenset()

    @property
    def has_body(self) -> bool:
        """Whether the fields are sent in a body."""
        return self.method not in ("GET", "DELETE") and bool(self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFamily:
    """The operations of one vendor's interface.

    Attributes:
        name: How the document groups them.
        operations: Its table.
        schemas: What is answered, by name.
        error: Name of the schema of every refusal.
        security: How callers say who they are: a security scheme of OpenAPI.
    """

    name: str
    operations: tuple[ApiOperation, ...]
    schemas: Mapping[str, Schema]
    error: str
    security: Schema


def make_document(
    families: Iterable[ApiFamily], *, title: str, version: str, url: str
) -> dict[str, Any]:
    """The document, ready to be written as JSON.

    Args:
        families: Whose operations it lists; names of schemas are unique among them.
        title: Of the document.
        version: Of the service.
        url: Where the service is, without a slash at the end.
    """
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    security: dict[str, Any] = {}
    for family in families:
        schemas.update(family.schemas)
        security[family.name] = family.security
        for operation in family.operations:
            path = _PATH_NAME.sub(r"{\1}", operation.path)
            paths.setdefault(path, {})[operation.method.lower()] = _operation(family, operation)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": title, "version": version},
        "servers": [{"url": url}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas, "securitySchemes": security},
    }


def _operation(family: ApiFamily, operation: ApiOperation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "It worked."}
    if operation.answer is not None:
        answer["content"] = _content(JSON, {"$ref": _ref(operation.answer)})
    refusal = {
        "description": "It was refused; the body says why.",
        "content": _content(JSON, {"$ref": _ref(family.error)}),
    }
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [family.name],
        "security": [{family.name: []}],
        "parameters": _parameters(operation),
        "responses": {str(operation.status or "2XX"): answer, "default": refusal},
    }
    if operation.has_body:
        body = {"type": "object", "properties": dict(operation.fields)}
        if operation.required:
            body["required"] = sorted(operation.required)
        made["requestBody"] = {
            "required": bool(operation.required),
            "content": _content(operation.body_type, body),
        }
    return made


def _parameters(operation: ApiOperation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PATH_NAME.findall(operation.path)
    ]
    in_query, required = dict(operation.query), operation.required_query
    if not operation.has_body:
        in_query |= operation.fields
        required |= operation.required
    return in_path + [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in in_query.items()
    ]


def _content(media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": dict(schema)}}


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"
