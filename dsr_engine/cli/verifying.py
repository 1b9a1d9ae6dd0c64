"""`dsr case verify|match|code|evidence|cannot-identify|more`: how an officer finds out who asked, and what the program does of it by itself."""

from pathlib import Path

import click

from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, claims_from, house_of, person_options
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.verification import METHODS
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.workflow.identity.adding import add_claims
from dsr_engine.workflow.identity.matching_points import match_points
from dsr_engine.workflow.identity.one_time_code import answer_code, send_code
from dsr_engine.workflow.identity.showing import DOUBTS, paper_of, show_paper
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.letters.posting import send
from dsr_engine.workflow.verify_identity import confirm_identity, not_identified

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _say(case: Case) -> int:
    """What the case needs next. Exit code 3 while more has to be done to know who asked."""
    if case.identity and case.wait is None:
        print_line(f"the identity of case {case.id} is verified")
        print_line(f"  next: dsr case run {case.id}")
        return DONE
    print_line("noted; it is not enough yet to know who asked")
    print_line(f"  next: dsr case run {case.id}, which says what is missing")
    return WAITING


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--method", type=click.Choice(sorted(METHODS)), required=True, help="How the identity was established.")
@click.option("--kind", "kinds", multiple=True, help="Only selectors of this kind were verified, or matched; all if left out.")
@click.option("--paper", type=_FILE, help="The signed paper that it rests on; only a digest of it is kept, and that as long as the case.")
@click.option("--signed", metavar="DATE", help="When the paper was signed (2026-11-21).")
@click.option("--age", type=click.IntRange(0, 120), help="How old the child is, for a guardian; not kept.")
@by_whom
@click.pass_context
def verify(
    context: click.Context, case_id: str, method: str, kinds: tuple[str, ...], paper: Path | None, signed: str | None, age: int | None, by: str
) -> int:
    """Records on your word that the requester is the person, and how that was established."""
    data = paper.read_bytes() if paper is not None else None
    day = day_of(signed, "--signed") if signed is not None else None
    with house_of(context) as house:
        after = confirm_identity(house, case_id, method, by, kinds, paper=data, signed_on=day, age=age)
    return _say(after)


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--point", "points", multiple=True, metavar="KIND=VALUE", help="What the requester said, e.g. postcode=10115; repeatable.")
@by_whom
@as_json
@click.pass_context
def match(context: click.Context, case_id: str, points: tuple[str, ...], by: str, is_json: bool) -> int:
    """Holds what the requester said against what the systems hold. Which kinds matched is stored, never a value."""
    given = tuple(_point(text) for text in points)
    with house_of(context) as house:
        matched = match_points(house, case_id, given, by)
    if is_json:
        print_json({"case": case_id, "matched": list(matched.kinds), "is_ambiguous": matched.is_ambiguous, "identity": matched.case.identity})
        return DONE if matched.case.identity and matched.case.wait is None else WAITING
    if matched.is_ambiguous:
        print_line("what was said stands in the records of several people alike: it verifies none of them")
    else:
        print_line(f"in one person's records matched: {', '.join(matched.kinds) or 'nothing'}")
    return _say(matched.case)


def _point(text: str) -> Claim:
    kind, mark, _ = text.partition("=")
    if not mark:
        raise InputWrong("--point takes KIND=VALUE", code="option.point", hint="for instance --point postcode=10115")
    check_kind(kind.strip())
    (claim,) = claims_from((), (), (), (text,))
    return claim


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--answer", metavar="CODE", help="What the requester answered; a new code is sent if left out.")
@click.option("--language", metavar="CODE", default="", help="The language of the mail; the one of dsr.toml if left out.")
@by_whom
@click.pass_context
def code(context: click.Context, case_id: str, answer: str | None, language: str, by: str) -> int:
    """Sends a code to the claimed e-mail address if it is on file, or takes the requester's answer."""
    with house_of(context) as house:
        if answer is not None:
            return _say(answer_code(house, case_id, answer, by))
        sent = send_code(house, case_id, by, language=language)
        for line in send(house, sent.posted):
            print_line(line)
    print_line(f"a code is on its way to the address on file; it counts until {sent.until:%Y-%m-%d %H:%M} UTC")
    print_line(f"  next: dsr case code {case_id} --answer …, with what the requester tells you")
    return DONE


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--add", "added", type=_FILE, help="A paper that the requester showed; it is sealed, and deleted when the case is decided.")
@click.option("--doubt", type=click.Choice(list(DOUBTS)), default=None, help="Why it was asked for.")
@click.option("--save", "saved", nargs=2, metavar="ID FILE", help="Write a paper to a file, to look at it.")
@by_whom
@click.pass_context
def evidence(context: click.Context, case_id: str, added: Path | None, doubt: str | None, saved: tuple[str, str] | None, by: str) -> int:
    """Keeps a paper while somebody has to look at it; lists those that are there."""
    with house_of(context) as house:
        if added is not None:
            paper_id = show_paper(house, case_id, added.read_bytes(), doubt or "", by)
            print_line(f"paper {paper_id} is sealed; it is deleted when the case is decided. Delete the file that you have, too.")
            return DONE
        with house.store.snapshot() as tx:
            if saved is not None:
                _save(Path(saved[1]), paper_of(tx, case_id, saved[0]))
                return DONE
            tx.cases.get(case_id)
            rows = [
                {"paper": entry.id, "since": f"{entry.at:%Y-%m-%d %H:%M}", "doubt": entry.doubt or "–"} for entry in tx.verifications.shown(case_id)
            ]
    print_table(rows, {"paper": "paper", "since": "since", "doubt": "doubt"}, empty="no paper is kept")
    return DONE


def _save(path: Path, data: bytes) -> None:
    if path.exists():
        raise InputWrong(f"{path} is there already", code="evidence.exists", hint="choose another name; nothing was changed")
    path.touch(mode=0o600)
    path.write_bytes(data)
    print_line(f"the paper is in {path}; delete it when you have looked at it")


@click.command("cannot-identify")
@click.argument("case_id", metavar="CASE")
@by_whom
@click.pass_context
def cannot_identify(context: click.Context, case_id: str, by: str) -> int:
    """Records that nobody can tell which data are the requester's. The case waits for more until the limit of the answer."""
    with house_of(context) as house:
        after = not_identified(house, case_id, by)
    assert after.wait is not None
    assert after.wait.wake_at is not None
    print_line(f"case {case_id} waits for more until {after.wait.wake_at:%Y-%m-%d}; then it ends as cannot identify, which is no refusal")
    print_line(f"  next: dsr letter {case_id} cannot_identify")
    return DONE


@click.command()
@click.argument("case_id", metavar="CASE")
@person_options
@by_whom
@click.pass_context
def more(
    context: click.Context,
    case_id: str,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    by: str,
) -> int:
    """Adds identifiers that the requester gave later, before it is settled who they are."""
    claims = claims_from(emails, phones, names, selectors)
    with house_of(context) as house:
        count = add_claims(house, case_id, claims, by)
    print_line(f"{count} identifier(s) added")
    print_line(f"  next: dsr case match {case_id}, dsr case code {case_id} or dsr case verify {case_id} --method …")
    return DONE
