"""`dsr drop`: the Delete Request and Opt-out Platform, for data brokers in California (Delete Act)."""

from pathlib import Path

import click

from dsr_engine.bootstrap import pin_policy
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, home_of, house_of
from dsr_engine.cli.terminal import Cell, print_heading, print_json, print_line, print_table
from dsr_engine.content.drop_hash import RULES, self_test
from dsr_engine.domain.drop import Access, DropStatus
from dsr_engine.domain.errors import InputWrong
from dsr_engine.drivers.registry import open_columns
from dsr_engine.workflow.dropping.matching import Matched, match
from dsr_engine.workflow.dropping.matching import accept_gaps as accept
from dsr_engine.workflow.dropping.pulling import Pulled, platform_of, pull, take
from dsr_engine.workflow.dropping.reporting import Reported, handed_in, report, write_out
from dsr_engine.workflow.dropping.settling import settle
from dsr_engine.workflow.dropping.standing import Standing, drop_alarms, noticed, standing

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_HEADINGS = {
    "batch": "batch",
    "received": "received",
    "answer_by": "statuses by",
    "items": "items",
    "open": "open",
    "in_cases": "in cases",
    "deleted": "deleted",
    "exempted": "exempted",
    "opted_out": "opted out",
    "not_found": "not found",
    "to_amend": "to correct",
    "rules": "rules",
    "complete": "complete",
}


@click.group("drop")
def drop() -> None:
    """California's Delete Request and Opt-out Platform: pull lists, match them, run the cases, report. For data brokers.

    Every 45 days: `dsr drop pull`, `dsr drop match`, `dsr worker` (or `dsr case run`) until the cases are closed, `dsr drop report`.
    """


@drop.command("pull")
@click.option("--zip", "archive", type=_FILE, help="Take an archive that somebody downloaded in the platform's portal.")
@click.option("--wait", "minutes", type=click.FloatRange(0, 720), default=15.0, show_default=True, help="Minutes to wait for an archive to be made.")
@as_json
@click.pass_context
def pull_lists(context: click.Context, archive: Path | None, minutes: float, is_json: bool) -> int:
    """Fetches the lists that are there. What is kept of their hashes are keyed digests; the archive itself is not kept."""
    self_test()
    with house_of(context) as house:
        if archive is not None:
            pulled = take(house, archive.name, archive.read_bytes(), by_hand=True)
        else:
            pulled = pull(house, platform_of(house), patience=minutes * 60)
        stand = standing(house)
    if is_json:
        print_json(_pulled_report(pulled))
    else:
        _print_pulled(pulled, stand, by_hand=archive is not None)
    return WAITING if pulled.outcome is Access.PREPARING else DONE


def _pulled_report(pulled: Pulled) -> dict[str, object]:
    batch = pulled.batch
    return {
        "outcome": pulled.outcome.value,
        "batch": batch.id if batch else None,
        "lists": {entry.value: count for entry, count in pulled.lists},
        "removed": batch.removed if batch else 0,
    }


def _print_pulled(pulled: Pulled, stand: Standing, *, by_hand: bool) -> None:
    if pulled.outcome is Access.PREPARING:
        print_line("the platform is still putting the archive together: pull again in a while", "yellow")
        return
    if pulled.outcome is Access.NOTHING_NEW:
        print_line(f"nothing new; the next access is due by {stand.cadence.by}")
        return
    if pulled.batch is not None and not pulled.lists and pulled.batch.items:
        print_line(f"{pulled.batch.name} was taken in before, as batch {pulled.batch.id}; nothing was changed")
        return
    assert pulled.batch is not None
    print_line(f"batch {pulled.batch.id}: {pulled.batch.items} work item(s), {pulled.batch.removed} taken back by their consumers")
    print_table([{"list": entry.value, "items": count} for entry, count in pulled.lists], {"list": "list", "items": "items"}, empty="no lists")
    if by_hand:
        print_line("  delete the archive now: its hashes are unsalted, and with them anybody can try addresses", "yellow")
    if by_hand and stand.notice_by is not None:
        print_line(
            f"  fetching by itself had failed: unless the fault was yours, tell the agency in writing through your DROP account by {stand.notice_by} "
            "(11 CCR § 7612(b)(1)), and record it with `dsr drop noticed`",
            "yellow",
        )
    print_line(f"  next: dsr drop match; statuses are due by {stand.batches[-1].answer_by}")


@drop.command("match")
@click.option("--accept-gaps", is_flag=True, help="You answer for what could not be compared: who was not found elsewhere is reported as not found.")
@by_whom
@as_json
@click.pass_context
def match_lists(context: click.Context, accept_gaps: bool, by: str, is_json: bool) -> int:
    """Compares all declared systems with everything that is kept of the lists, old and new; opens cases for consumers who are found."""
    home = home_of(context, allow_gaps=True)
    settings = home.settings.drop
    policy = home.declared.policies.get((settings.policy if settings else "") or home.settings.policy)
    if policy is not None:
        pin_policy(home, policy)
    with house_of(context) as house:
        matched = match(house, open_columns, by=by)
        accepted = accept(house, by) if accept_gaps else 0
    if is_json:
        print_json(_matched_report(matched, accepted))
    else:
        _print_matched(matched, accepted, is_accepted=accept_gaps)
    return WAITING if _is_waiting(matched) and not accept_gaps else DONE


def _is_waiting(matched: Matched) -> bool:
    return any(not gap.accepted_by for gap in matched.gaps)


def _matched_report(matched: Matched, accepted: int) -> dict[str, object]:
    return {
        "rules": RULES,
        "compared": [
            {"system": place.system, "collection": place.collection, "lists": [entry.value for entry in place.lists], "records": place.records}
            for place in matched.compared
        ],
        "gaps": [{"system": gap.system, "collection": gap.collection, "code": gap.code, "reason": gap.reason} for gap in matched.gaps],
        "matched": matched.matched,
        "cases": list(matched.cases),
        "opted_out": matched.opted_out,
        "not_found": matched.not_found + accepted,
        "lists_without_fields": [entry.value for entry in matched.unread],
    }


def _print_matched(matched: Matched, accepted: int, *, is_accepted: bool) -> None:
    if not matched.compared and not matched.gaps:
        print_line("no work items are kept, so there is nothing to compare: dsr drop pull")
        return
    rows: list[dict[str, Cell]] = [
        {"system": place.system, "collection": place.collection, "lists": ", ".join(entry.value for entry in place.lists), "records": place.records}
        for place in matched.compared
    ]
    print_table(rows, {"system": "system", "collection": "collection", "lists": "compared with", "records": "records"}, empty="nothing was compared")
    print_line(
        f"\n{matched.matched} work item(s) are of people in these records: {len(matched.cases)} case(s) opened, {matched.opted_out} item(s) opted "
        "out because several consumers share the identifier"
    )
    print_line(f"{matched.not_found + accepted} item(s) are of nobody here")
    for entry in matched.unread:
        print_line(f"  no declared collection has the fields of {entry.value}: everybody on that list counts as not found", "yellow")
    if matched.gaps:
        print_heading("Not compared")
        gaps: list[dict[str, Cell]] = [
            {"place": f"{gap.system}.{gap.collection}", "why": gap.reason, "code": gap.code, "accepted": bool(gap.accepted_by) or is_accepted}
            for gap in matched.gaps
        ]
        print_table(gaps, {"place": "place", "why": "why", "code": "code", "accepted": "accepted"}, empty="none")
        if _is_waiting(matched) and not is_accepted:
            print_line("  until this is mended, or accepted by name (`dsr drop match --accept-gaps`), nobody is reported as not found", "yellow")
    if matched.cases:
        print_line("  next: dsr worker, or dsr case run for each; plans are approved as the policy says")
    else:
        print_line("  next: dsr drop report")


@drop.command("report")
@click.option("--partial", is_flag=True, help="Hand in what has a status now; the rest follows in files of its own.")
@click.option("--to", "folder", type=_FOLDER, help="Write the files into this folder, to be handed in through the portal.")
@click.option("--handed-in", "is_handed_in", is_flag=True, help="Record that the files of --to were handed in.")
@by_whom
@as_json
@click.pass_context
def report_statuses(context: click.Context, partial: bool, folder: Path | None, is_handed_in: bool, by: str, is_json: bool) -> int:
    """Answers every work item: 2 exempted, 3 deleted, 4 opted out, 5 not found; corrects what changed since it was reported."""
    if folder is not None and is_handed_in:
        raise InputWrong("--to writes files, --handed-in says that they were handed in", code="option.drop", hint="use one after the other")
    with house_of(context) as house:
        if is_handed_in:
            count = handed_in(house, by)
            print_json({"handed_in": count}) if is_json else print_line(f"{count} file(s) are recorded as handed in")
            return DONE
        done = write_out(house, folder, partial=partial) if folder is not None else report(house, platform_of(house), partial=partial)
    if is_json:
        print_json(_reported_report(done))
    else:
        _print_reported(done, folder)
    return WAITING if done.open_items else DONE


def _reported_report(done: Reported) -> dict[str, object]:
    files = [{"file": answer.name, "manner": answer.manner, "rows": answer.rows, "sha256": answer.sha256} for answer in done.files]
    return {"files": files, "open": done.open_items}


def _print_reported(done: Reported, folder: Path | None) -> None:
    rows: list[dict[str, Cell]] = [{"file": answer.name, "as": answer.manner, "rows": answer.rows} for answer in done.files]
    print_table(rows, {"file": "file", "as": "as", "rows": "statuses"}, empty="nothing is due")
    if done.files and folder is not None:
        print_line(f"  they lie in {folder}: hand them in through the portal (files under `amend` as amendments)")
        print_line("  then: dsr drop report --handed-in")
    elif done.files:
        print_line("  the platform took them; it judges the rows later and tells of that by mail: correct what it refuses in its portal")
    if done.open_items:
        print_line(f"  {done.open_items} item(s) are still open and have to follow", "yellow")


@drop.command("status")
@as_json
@click.pass_context
def status(context: click.Context, is_json: bool) -> int:
    """When the platform has to be accessed again, what is open and why, and which statuses have to be corrected."""
    with house_of(context) as house:
        settle(house)
        stand = standing(house)
    if is_json:
        print_json(_status_report(stand))
    else:
        _print_status(stand)
    return WAITING if stand.today > stand.cadence.by else DONE


def _batch_row(stand: Standing) -> list[dict[str, Cell]]:
    return [
        {
            "batch": entry.batch.id,
            "name": entry.batch.name,
            "received": f"{entry.batch.received_at:%Y-%m-%d}",
            "answer_by": entry.answer_by.isoformat(),
            "items": entry.batch.items,
            "open": entry.open,
            "in_cases": entry.with_case,
            **{found.name.lower(): entry.counted(found) for found in DropStatus},
            "to_amend": entry.to_amend,
            "rules": entry.batch.rules or "not compared yet",
            "complete": entry.batch.complete_at is not None,
        }
        for entry in stand.batches
    ]


def _status_report(stand: Standing) -> dict[str, object]:
    return {
        "last_access": stand.cadence.last.isoformat() if stand.cadence.last else None,
        "access_by": stand.cadence.by.isoformat(),
        "batches": _batch_row(stand),
        "not_compared": [
            {"system": gap.system, "collection": gap.collection, "code": gap.code, "reason": gap.reason, "accepted": bool(gap.accepted_by)}
            for gap in stand.gaps
        ],
        "rules": RULES,
        "notice_by": stand.notice_by.isoformat() if stand.notice_by else None,
        "alarms": [sentence for _, sentence in drop_alarms(stand)],
    }


def _print_status(stand: Standing) -> None:
    last = f"last access {stand.cadence.last}" if stand.cadence.last else "not accessed yet"
    print_line(f"{last}; the next is due by {stand.cadence.by}")
    for _, sentence in drop_alarms(stand):
        print_line(f"  {sentence}", "yellow")
    print_table(_batch_row(stand), _HEADINGS, empty="no lists were taken in yet")
    in_cases, waiting = sum(entry.with_case for entry in stand.batches), sum(entry.open - entry.with_case for entry in stand.batches)
    if in_cases:
        print_line(f"  {in_cases} item(s) wait for their cases: dsr case list tells where they stand, dsr worker runs them")
    if waiting:
        print_line(f"  {waiting} item(s) have to be compared: dsr drop match")
    if any(entry.is_stale and entry.batch.rules for entry in stand.batches):
        print_line(f"  some batches were compared under older rules than {RULES}: dsr drop match compares everything anew", "yellow")
    if any(not gap.accepted_by for gap in stand.gaps):
        print_line("  something could not be compared: dsr drop match tells what", "yellow")
    if any(entry.to_amend or entry.unsent or not (entry.open or entry.batch.complete_at) for entry in stand.batches):
        print_line("  next: dsr drop report")


@drop.command("noticed")
@by_whom
@click.pass_context
def noticed_command(context: click.Context, by: str) -> int:
    """Records that the agency was told in writing that fetching by itself fails (11 CCR § 7612(b)(1))."""
    with house_of(context) as house:
        noticed(house, by)
    print_line("recorded")
    return DONE
