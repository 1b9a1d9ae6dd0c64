"""`dsr incident`: what went wrong, who has to be told of it until when, and from where lost data can be brought back."""

import click

from dsr_engine.cli.dates import moment_of
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table
from dsr_engine.domain.incident import Incident, IncidentKind, Risk, Told
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import CLOSINGS, close_incident, judge_risk, open_incident, record_told, recoveries

Row = dict[str, str | int | bool | None]
_MOMENT = "A day, or a moment with its zone (2026-11-21T14:30+01:00)."


@click.group()
def incident() -> None:
    """Incidents: erasures that went beyond what was approved, of the wrong person, or that were not complete."""


@incident.command("open")
@click.argument("case_id", metavar="CASE")
@click.option("--kind", type=click.Choice([kind.value for kind in IncidentKind if kind.is_breach]), required=True, help="What went wrong.")
@click.option("--aware", metavar="WHEN", help=f"When somebody first knew of it; now if left out. {_MOMENT}")
@by_whom
@click.pass_context
def open_(context: click.Context, case_id: str, kind: str, aware: str | None, by: str) -> int:
    """Opens an incident about what CASE did. The certificate of the case is withdrawn."""
    with house_of(context) as house:
        at = house.clock.now() if aware is None else moment_of(aware, "--aware", house.calendar.zone)
        opened = open_incident(house, IncidentKind(kind), case_id, at, by)
        _print(house, opened)
    return WAITING


@incident.command("list")
@click.option("--open", "is_open", is_flag=True, help="Only those that are not closed.")
@as_json
@click.pass_context
def list_(context: click.Context, is_open: bool, is_json: bool) -> int:
    """Lists the incidents. Exit code 3: somebody still has to be told of one."""
    with house_of(context) as house, house.store.snapshot() as tx:
        found = tx.incidents.list(open_only=is_open)
        rows = [_row(house, entry) for entry in found]
    if is_json:
        print_json(rows)
    else:
        columns = {"incident": "incident", "kind": "what", "case": "case", "opened": "opened", "risk": "risk", "owed": "not told yet"}
        print_table(rows, columns | {"tell_authority_by": "authority by", "left": "left"}, empty="no incident")
    return WAITING if any(entry.owed for entry in found) else DONE


@incident.command()
@click.argument("incident_id", metavar="INCIDENT")
@as_json
@click.pass_context
def show(context: click.Context, incident_id: str, is_json: bool) -> int:
    """Tells what was lost, where it may still be brought back from, and who has to be told."""
    with house_of(context) as house:
        with house.store.snapshot() as tx:
            entry = tx.incidents.get(incident_id)
        if is_json:
            back = [{"system": each.system, "what": each.what, "until": each.until.isoformat()} for each in recoveries(house, entry)]
            print_json({**_row(house, entry), "lost": dict(entry.lost), "recoveries": back})
        else:
            _print(house, entry)
    return WAITING if entry.owed else DONE


@incident.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.option("--risk", type=click.Choice([risk.value for risk in Risk if risk is not Risk.NOT_JUDGED]), required=True)
@by_whom
@click.pass_context
def judge(context: click.Context, incident_id: str, risk: str, by: str) -> int:
    """Records how you judge the risk for the people concerned: it decides who must be told (GDPR Art. 33, 34)."""
    with house_of(context) as house:
        _print(house, judge_risk(house, incident_id, Risk(risk), by))
    return DONE


@incident.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("who", type=click.Choice([who.value for who in Told]))
@click.option("--on", "at", metavar="WHEN", help=f"When; now if left out. {_MOMENT}")
@by_whom
@click.pass_context
def told(context: click.Context, incident_id: str, who: str, at: str | None, by: str) -> int:
    """Records that the authority, the people or the controller were told."""
    with house_of(context) as house:
        moment = house.clock.now() if at is None else moment_of(at, "--on", house.calendar.zone)
        _print(house, record_told(house, incident_id, Told(who), moment, by))
    return DONE


@incident.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.option("--reason", type=click.Choice(CLOSINGS), required=True)
@by_whom
@click.pass_context
def close(context: click.Context, incident_id: str, reason: str, by: str) -> int:
    """Closes an incident. It stays on record."""
    with house_of(context) as house:
        close_incident(house, incident_id, reason, by)
    print_line(f"incident {incident_id} is closed")
    return DONE


def _row(house: House, entry: Incident) -> Row:
    by = entry.tell_authority_by
    left = by - house.clock.now() if by is not None else None
    hours = int(left.total_seconds() // 3600) if left is not None else None
    return {
        "incident": entry.id,
        "kind": entry.kind.value,
        "case": entry.case,
        "aware": entry.aware_at.isoformat(timespec="minutes"),
        "opened": entry.opened_at.isoformat(timespec="minutes"),
        "by": entry.opened_by,
        "risk": entry.risk.value,
        "owed": ", ".join(who.value for who in entry.owed),
        "tell_authority_by": by.isoformat(timespec="minutes") if by is not None else None,
        "left": None if hours is None else f"{hours} h" if hours >= 0 else f"{-hours} h late",
        "closed": entry.closed_at.isoformat(timespec="minutes") if entry.closed_at is not None else None,
    }


def _print(house: House, entry: Incident) -> None:
    row = _row(house, entry)
    print_heading(f"Incident {entry.id} — {entry.kind.value.replace('_', ' ')}, case {entry.case}")
    print_line(f"  aware since {row['aware']}; risk: {entry.risk.value.replace('_', ' ')}")
    lost: list[Row] = [{"where": where, "records": count} for where, count in entry.lost.items()]
    if lost:
        print_table(lost, {"where": "where", "records": "records"}, empty="")
    for each in recoveries(house, entry):
        print_line(f"  may still be in: {each.what} of {each.system}, until {each.until}", "yellow")
    if entry.tell_authority_by is not None:
        print_line(f"  the authority has to be told by {row['tell_authority_by']} ({row['left']}), later only with the reasons for the delay", "red")
    if Told.PEOPLE in entry.owed:
        print_line("  the people concerned have to be told without undue delay", "red")
    for who, at in entry.told.items():
        print_line(f"  told: {who.value}, {at.isoformat(timespec='minutes')}")
    if entry.kind.is_breach and entry.risk is Risk.NOT_JUDGED:
        print_line(f"  next: dsr incident judge {entry.id} --risk unlikely|likely|high")
