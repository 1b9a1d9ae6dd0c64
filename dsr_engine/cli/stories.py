"""A case as tables on a terminal: what was found, what will happen and why, what happened, what remains."""

from typing import Any, cast

from dsr_engine.cli.terminal import print_heading, print_line, print_table, print_verbatim

_IDENTITIES = {"kind": "kind", "where": "learnt from", "via": "reached from"}
_COVERAGE = {"system": "system", "collection": "collection", "extent": "looked", "reason": "why not further"}
_FINDINGS = {"system": "system", "collection": "collection", "match": "match", "confidence": "confidence", "count": "findings"}
_ITEMS = {"system": "system", "collection": "collection", "how": "what happens", "records": "records", "number": "rule"}
_RESULTS = {"system": "system", "collection": "collection", "how": "what", "result": "result", "records": "records"}
_POSSIBLE = {"finding": "id", "system": "system", "collection": "collection", "locator": "where", "selector": "by", "match": "match"}


def print_case(report: dict[str, object]) -> None:
    """The report of a case, section by section; sections that have nothing to say are left out."""
    told = cast("dict[str, Any]", report)
    outcome = f", {told['outcome'].replace('_', ' ')}" if told["outcome"] else ""
    print_heading(f"Case {told['case']} — {told['stage'].replace('_', ' ')}{outcome} (round {told['round']})")
    if told["due"]:
        print_line(f"  {_due(told['due'])}", "red" if told["due"]["days_left"] < 0 else "dim")
    _print_identities(told["identities"])
    _print_found(told["findings"], told["coverage"])
    if told.get("all"):
        print_heading("Every finding")
        print_table(told["all"], _POSSIBLE | {"confidence": "confidence", "decided": "decided"}, empty="")
    if told.get("possible"):
        print_heading("Possible findings that wait for a decision")
        print_table(told["possible"], _POSSIBLE, empty="")
    if told["plan"]:
        print_plan(told["plan"])
    if told["results"]:
        print_heading("Results")
        print_table(told["results"], _RESULTS, empty="")
    if told["wait"]:
        print_heading(f"It waits: {told['wait']['code']}")
        print_line(f"  {told['wait']['reason']}")
        print_verbatim(f"  needed: {told['wait']['needs']}")
    if told["certificate"]:
        print_heading("Certificate")
        print_verbatim(f"  {told['certificate']}")


def _due(limits: dict[str, Any]) -> str:
    left = limits["days_left"]
    state = f"{-left} days overdue" if left < 0 else "today" if left == 0 else f"{left} days left"
    others = [f"{name} by {limits[name]}" for name in ("acknowledge", "erase", "refusal") if name in limits]
    return f"answer by {limits['answer']} ({state}); {', '.join(others)}"


def _print_identities(identities: list[dict[str, Any]]) -> None:
    if identities:
        print_heading("Known by")
        print_table(identities, _IDENTITIES, empty="")


def _print_found(findings: list[dict[str, Any]], coverage: list[dict[str, Any]]) -> None:
    if not coverage:
        return
    print_heading("Findings")
    print_table(findings, _FINDINGS, empty="nothing was found")
    gaps = [row for row in coverage if row["extent"] != "full"]
    print_line(f"  {len(coverage) - len(gaps)} of {len(coverage)} collections were looked at in full", "dim")
    if gaps:
        print_table(gaps, _COVERAGE, empty="")


def print_plan(plan: dict[str, Any]) -> None:
    """What will happen, how, why (file:line) and until when; and what stands in the way. Rules are numbered: most are the reason of many rows."""
    print_heading(f"Plan {plan['digest'][:16]} — {plan['affected']} records affected")
    rules = list(dict.fromkeys(_rule(item) for item in plan["items"]))
    print_table([{**item, "number": str(rules.index(_rule(item)) + 1)} for item in plan["items"]], _ITEMS, empty="nothing would be changed")
    for number, rule in enumerate(rules, start=1):
        print_line(f"  rule {number}: {rule}")
    if plan["notices"]:
        print_heading("To know before it is approved")
        print_table(plan["notices"], {"where": "where", "message": "what", "code": "code"}, empty="")
    if plan["obstacles"]:
        print_heading("In the way of this plan")
        print_table(plan["obstacles"], {"where": "where", "count": "records", "message": "why", "code": "code"}, empty="")


def _rule(item: dict[str, Any]) -> str:
    """Why something happens, in one line: the rule, where it stands, what keeps the data and until when."""
    ground = f", {item['ground']}" if item["ground"] else ""
    until = f", until {item['until']}" if item["until"] else ""
    return f"{item['rule']} ({item['why']}){ground}{until}"
