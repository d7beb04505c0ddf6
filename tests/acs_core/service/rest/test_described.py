from __future__ import annotations

from acs_core.service.openapi import JSON, make_document
from acs_core.service.rest.described import azure_family
from acs_core.service.rest.messages import AzureAnswer, AzureRequest, AzureRoute


async def _answer(_: AzureRequest) -> AzureAnswer:
    return AzureAnswer(204)


ROUTES = [
    AzureRoute("POST", "/identities/{user}/:issueAccessToken", _answer, ("2023-10-01",)),
    AzureRoute("DELETE", "/rooms/{id}", _answer, ("2024-04-15", "2025-03-13")),
    AzureRoute("POST", "/calling/callConnections/{id}:terminate", _answer, ("2026-03-12",)),
]


def test_known_routes_say_what_they_take_and_answer() -> None:
    paths = make_document([azure_family(ROUTES)], title="T", version="1", url="")["paths"]
    issue = paths["/identities/{user}/:issueAccessToken"]["post"]
    assert issue["operationId"] == "IssueAccessToken"
    assert issue["requestBody"]["content"][JSON]["schema"]["required"] == ["scopes"]
    assert set(issue["responses"]) == {"200", "default"}
    version = next(item for item in issue["parameters"] if item["name"] == "api-version")
    assert (version["in"], version["required"]) == ("query", True)
    assert version["schema"]["enum"] == ["2023-10-01"]
    delete = paths["/rooms/{id}"]["delete"]
    assert delete["operationId"] == "DeleteAcsRoom"
    assert "content" not in delete["responses"]["204"]


def test_other_routes_are_named_after_their_path() -> None:
    paths = make_document([azure_family(ROUTES)], title="T", version="1", url="")["paths"]
    end = paths["/calling/callConnections/{id}:terminate"]["post"]
    assert end["operationId"] == "postCallingCallConnectionsIdTerminate"
    assert set(end["responses"]) == {"2XX", "default"}
