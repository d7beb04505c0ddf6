from __future__ import annotations

from acs_core.service.openapi import (
    FLAG,
    JSON,
    NUMBER,
    TEXT,
    ApiFamily,
    ApiOperation,
    make_document,
    nullable,
    one_of,
)

READ = ApiOperation(
    name="ReadThing",
    method="GET",
    path=r"/things/{thing:[^/]+}",
    answer="thing",
    fields={"Colour": one_of("red", "blue"), "Full": FLAG},
    required=frozenset({"Colour"}),
)
CHANGE = ApiOperation(
    name="ChangeThing",
    method="PATCH",
    path="/things/{thing}",
    answer="thing",
    fields={"size": NUMBER},
    body_type=JSON,
    query={"api-version": TEXT},
)
DROP = ApiOperation(name="DropThing", method="DELETE", path="/things/{thing}", status=204)
FAMILY = ApiFamily(
    name="vendor",
    operations=(READ, CHANGE, DROP),
    schemas={"thing": {"type": "object"}, "problem": nullable(TEXT)},
    error="problem",
    security={"type": "http", "scheme": "basic"},
)


def test_every_row_is_an_operation_of_the_document() -> None:
    made = make_document([FAMILY], title="T", version="1", url="http://here")
    assert made["openapi"] == "3.1.0"
    assert made["servers"] == [{"url": "http://here"}]
    thing = made["paths"]["/things/{thing}"]
    assert {name: item["operationId"] for name, item in thing.items()} == {
        "get": "ReadThing",
        "patch": "ChangeThing",
        "delete": "DropThing",
    }
    assert made["components"]["securitySchemes"] == {"vendor": FAMILY.security}
    assert set(made["components"]["schemas"]) == {"thing", "problem"}


def test_fields_are_in_the_query_or_the_body_as_the_method_has_it() -> None:
    thing = make_document([FAMILY], title="T", version="1", url="")["paths"]["/things/{thing}"]
    found = {(item["in"], item["name"], item["required"]) for item in thing["get"]["parameters"]}
    assert found == {("path", "thing", True), ("query", "Colour", True), ("query", "Full", False)}
    assert "requestBody" not in thing["get"]
    assert [item["name"] for item in thing["patch"]["parameters"]] == ["thing", "api-version"]
    body = thing["patch"]["requestBody"]
    assert body["content"][JSON]["schema"]["properties"] == {"size": NUMBER}
    assert not body["required"]


def test_answers_and_refusals_are_described() -> None:
    thing = make_document([FAMILY], title="T", version="1", url="")["paths"]["/things/{thing}"]
    content = thing["get"]["responses"]["200"]["content"]
    assert content[JSON]["schema"] == {"$ref": "#/components/schemas/thing"}
    assert "content" not in thing["delete"]["responses"]["204"]
    refusal = thing["delete"]["responses"]["default"]["content"]
    assert refusal[JSON]["schema"] == {"$ref": "#/components/schemas/problem"}
