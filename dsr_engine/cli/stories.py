"""A case as tables on a terminal: what was found, what will happen and why, what happened, what remains."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from dsr_engine.cli.terminal import print_heading, print_line, print_table, print_verbatim
from dsr_engine.domain.case import Stage

_IDENTITIES = {"kind": "kind", "where": "learnt from", "via": "reached from"}
_GROUNDS = {"category": "data", "ground": "ground", "law": "law", "reason": "because"}
_VERIFIED = {"method": "what was done", "matched": "kinds that matched", "at": "when"}
_EXEMPTIONS = {"collection": "what", "records": "records", "provision": "exemption", "law": "statute", "until": "until", "approved_by": "approved by"}
_LETTERS = {"letter": "letter", "state": "state", "sent_at": "sent", "answer": "answer"}
_COVERAGE = {"system": "system", "collection": "collection", "extent": "looked", "reason": "why not further"}
_FINDINGS = {"system": "system", "collection": "collection", "match": "match", "confidence": "confidence", "count": "findings"}
_ITEMS = {"system": "system", "collection": "collection", "how": "what happens", "records": "records", "number": "rule"}
#: What a plan does to a record; where the result is that it was kept, a hold was placed after the plan was made.
_EFFECTS = frozenset({"delete", "anonymize", "redact"})
_RESULTS = {"system": "system", "collection": "collection", "how": "what", "result": "result", "records": "records"}
_UNREAD = {"system": "system", "collection": "collection", "locator": "where", "reason": "why", "when": "when"}
_POSSIBLE = {
    "finding": "finding",
    "system": "system",
    "collection": "collection",
    "locator": "where",
    "selector": "by",
    "match": "match",
    "mail": "mail",
}


#: Stages before a plan is approved.
_PLANNING = frozenset(
    stage.value for stage in (Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE)
)


def print_case(report: dict[str, object]) -> None:
    """The report of a case, section by section; sections that have nothing to say are left out."""
    told = cast("dict[str, Any]", report)
    outcome = f", {told['outcome'].replace('_', ' ')}" if told["outcome"] else ""
    print_heading(f"Case {told['case']} — {told['stage'].replace('_', ' ')}{outcome} (round {told['round']})")
    if told["due"]:
        print_line(f"  {_due(told['due'])}", "red" if told["due"]["days_left"] < 0 else "dim")
    _print_past(told)
    _print_reasons(told)
    _print_identities(told["identities"])
    _print_found(told["findings"], told["coverage"])
    _print_listed(told)
    if told["plan"]:
        print_plan(told["plan"], is_past=told["stage"] not in _PLANNING)
        _print_exemptions(told["exemptions"])
    if told["results"]:
        print_heading("Results")
        print_table(told["results"], _RESULTS, empty="")
        if any(row["result"] == "kept" and row["how"] in _EFFECTS for row in told["results"]):
            print_line("  what the plan wanted gone and was kept lies under a legal hold: `dsr restricted` lists it, and so does the certificate")
    _print_letters(told["letters"], told["letters_wanting"])
    if told["wait"]:
        print_heading(f"It waits: {told['wait']['code']}")
        print_line(f"  {told['wait']['reason']}")
        print_verbatim(f"  needed: {told['wait']['needs']}")
    if told["certificate"]:
        print_heading("Certificate")
        print_verbatim(f"  {told['certificate']}")
        if told["withdrawn"]:
            print_line("  it was withdrawn: `dsr incident list` says why", "red")
    _print_after(told["after"])


def _print_after(after: dict[str, Any]) -> None:
    """What comes after the certificate, and what the case has to do with others."""
    if not after:
        return
    print_heading("Afterwards")
    lines = [f"it repeats case {after['repeats']}"] if "repeats" in after else []
    lines += [f"case {case} repeats it" for case in after.get("repeated_by", ())]
    lines += [after["backups"]] if "backups" in after else []
    lines += [f"look after {look['look']} day(s), {look['on']}: {look['result']}" for look in after.get("looks", ())]
    for line in lines:
        print_line(f"  {line}")
    for note in after.get("notes", ()):
        print_line(f"  {note}", "yellow")


def _print_reasons(told: dict[str, Any]) -> None:
    """Who wants the erasure: an authority, or somebody of whom it is known who they are; and why it is due."""
    if told["order"]:
        print_line(f"  ordered by an authority ({told['order']['reference'] or 'reference forgotten'}), to be done by {told['order']['due']}")
    if told["verifications"]:
        print_heading("Who asked")
        print_table(told["verifications"], _VERIFIED, empty="")
    if told["grounds"]:
        print_heading("Why it is due")
        print_table(told["grounds"], _GROUNDS, empty="")


def _print_listed(told: dict[str, Any]) -> None:
    """Single findings, where somebody asked for them."""
    if told.get("all"):
        print_heading("Every finding")
        print_table(with_mail(told["all"]), _POSSIBLE | {"confidence": "confidence", "decided": "decided"}, empty="")
    if told.get("possible"):
        print_heading("Findings that wait for a decision")
        print_table(with_mail(told["possible"]), _POSSIBLE, empty="")
    if told.get("unread"):
        print_heading("Examples of what could not be read wholly")
        print_table(told["unread"], _UNREAD, empty="")


def with_mail(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with what is told of mail in one cell: its sort, and where in it the person stands."""
    return [{**row, "mail": ": ".join(filter(None, (row["message"], ", ".join(row["roles"]).replace("mail.", ""))))} for row in rows]


def _print_letters(letters: list[dict[str, Any]], wanting: list[dict[str, Any]]) -> None:
    if letters:
        print_heading("Letters")
        print_table(letters, _LETTERS, empty="")
    for row in wanting:
        print_line(f"  {row['limit']} since {row['day']}", "yellow")
        print_verbatim(f"    needed: {row['needs']}")


def _print_exemptions(rows: list[dict[str, Any]]) -> None:
    if rows:
        print_heading("What stays by law")
        named = [{**row, "collection": f"{row['system']}.{row['collection']}", "approved_by": row["approved_by"] or "nobody yet"} for row in rows]
        print_table(named, _EXEMPTIONS, empty="")


def _due(limits: dict[str, Any]) -> str:
    left = limits["days_left"]
    state = f"{-left} days overdue" if left < 0 else "today" if left == 0 else f"{left} days left"
    state = f"{limits['answer_by']}, {state}"
    others = [f"{name} by {limits[name]}{_other_law(limits, name)}" for name in ("acknowledge", "erase", "refusal") if name in limits]
    moving = "; the clock waits for the requester, so the day moves on" if limits["is_moving"] else ""
    shown = f"; after the pause a supervisory authority may accept {limits['shown']}" if limits["shown"] else ""
    return f"answer by {limits['answer']} ({state}){moving}{shown}; {', '.join(others)}"


def _other_law(limits: dict[str, Any], name: str) -> str:
    """Names the law that sets a limit where it is another than that of the answer."""
    return f" ({limits[f'{name}_by']})" if limits[f"{name}_by"] != limits["answer_by"] else ""


def _print_past(told: dict[str, Any]) -> None:
    """What stopped the clock, and what became of a refusal."""
    for stop in told["pauses"]:
        until = f"came on {stop['ended']}" if stop["ended"] else "has not come yet"
        doubt = f" ({stop['doubt'].replace('_', ' ')})" if stop["doubt"] else ""
        print_line(f"  asked for {stop['why']} on {stop['asked']}{doubt}: {until}", "dim")
    if told["late_days"]:
        print_line(f"  the refusal came {told['late_days']} day(s) after its limit, which no extension moves", "red")
    if told["appeal_of"]:
        print_line(f"  opened because of an appeal against case {told['appeal_of']}", "dim")
    for entry in told["appeals"]:
        state = f"{entry['decision']} on {entry['decided_on']}" if entry["decision"] else f"to be answered by {entry['due']} ({entry['set_by']})"
        more = f", new case {entry['new_case']}" if entry["new_case"] else ""
        print_line(f"  appeal of {entry['received']}: {state}{more}")


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


def print_plan(plan: dict[str, Any], *, is_past: bool) -> None:
    """What will happen, how, why (file:line) and until when; and what stands in the way. Rules are numbered: most are the reason of many rows."""
    print_heading(f"Plan {plan['digest'][:16]} — {plan['affected']} records affected")
    rules = list(dict.fromkeys(_rule(item) for item in plan["items"]))
    print_table([{**item, "number": str(rules.index(_rule(item)) + 1)} for item in plan["items"]], _ITEMS, empty="nothing would be changed")
    for number, rule in enumerate(rules, start=1):
        print_line(f"  rule {number}: {rule}")
    if plan["notices"]:
        print_heading("What was known before it was approved" if is_past else "To know before it is approved")
        print_table(plan["notices"], {"where": "where", "message": "what", "code": "code"}, empty="")
    if plan["obstacles"]:
        print_heading("In the way of this plan")
        print_table(plan["obstacles"], {"where": "where", "count": "records", "message": "why", "code": "code"}, empty="")


def _rule(item: dict[str, Any]) -> str:
    """Why something happens, in one line: the rule, where it stands, what keeps the data and until when."""
    ground = f", {item['ground']}" if item["ground"] else ""
    until = f", until {item['until']}" if item["until"] else ""
    return f"{item['rule']} ({item['why']}){ground}{until}"
