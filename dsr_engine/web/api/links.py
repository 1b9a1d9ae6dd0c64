"""Which call gives what another one takes, as OpenAPI links: a program, or a tester, walks from a case that it opened to its plan and certificate."""

from typing import Any

#: What a path takes → the calls that give one: operation, status, and where in the answer it stands (a runtime expression, OpenAPI 3.1 § 4.8.20).
_GIVEN = {
    "case_id": (
        ("cases.open", "201", "$response.body#/case"),
        ("cases.list", "200", "$response.body#/cases/0/case"),
        ("sweeps.start", "202", "$response.body#/case"),
    ),
    "hold_id": (("holds.place", "201", "$response.body#/hold"), ("holds.list", "200", "$response.body#/holds/0/hold")),
    "serial": (("certificates.list", "200", "$response.body#/certificates/0/serial"),),
    "index": (("ledger.list_leaves", "200", "$response.body#/leaves/0/index"),),
}


def add_links(document: dict[str, Any]) -> None:
    """Adds the links to an OpenAPI document that has every operation."""
    operations: dict[str, dict[str, Any]] = {}
    takers: dict[str, list[str]] = {name: [] for name in _GIVEN}
    for path, methods in document["paths"].items():
        for operation in (each for method, each in methods.items() if method in ("get", "post")):
            operations[operation["operationId"]] = operation
            for name in takers:
                if f"{{{name}}}" in path:
                    takers[name].append(operation["operationId"])
    for name, givers in _GIVEN.items():
        for giver, status, place in givers:
            links = operations[giver]["responses"][status].setdefault("links", {})
            links |= {taker.replace(".", "-"): {"operationId": taker, "parameters": {name: place}} for taker in takers[name]}
