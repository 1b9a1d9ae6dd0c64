"""`dsr letter`: what is written to a requester, with everything in it that the law demands; read, saved, sent, or recorded as sent."""

from pathlib import Path

import click

from dsr_engine.certificate.fonts import is_asian
from dsr_engine.certificate.letter import as_text
from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import by_whom, house_of
from dsr_engine.cli.terminal import print_line, print_verbatim
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.letter import Letter, LetterKind
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.corresponding import Order, pdf_of, record_sent, send_letter
from dsr_engine.workflow.letters.posting import send
from dsr_engine.workflow.letters.writing import SAYABLE, compose


@click.command()
@click.argument("case_id", metavar="CASE")
@click.argument("kind", metavar="KIND", type=click.Choice([kind.value for kind in LetterKind]))
@click.option("--language", metavar="CODE", default="", help="The language; the requester's if left out, else the one of dsr.toml.")
@click.option(
    "--say",
    "said",
    multiple=True,
    metavar="WHAT=TEXT",
    help=f"What the engine cannot know: {', '.join(SAYABLE)}. It stands in the letter and nowhere else. A reason may be a code, such as complexity.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a PDF (or a text, by the ending .txt) instead of printing it.")
@click.option("--send", "is_sent", is_flag=True, help="Send it by mail, as text and PDF; if the server does not take it now, the worker tries again.")
@click.option("--to", "address", metavar="ADDRESS", help="With --send: the requester's address, if none is known or another one is right.")
@click.option("--again", "is_again", is_flag=True, help="With --send: although a letter of this kind went out already.")
@click.option("--record-sent", "day", metavar="DATE", help="Record that this letter went out by other means, such as post, on that day (2026-11-21).")
@by_whom
@click.pass_context
def letter(
    context: click.Context,
    case_id: str,
    kind: str,
    language: str,
    said: tuple[str, ...],
    out: Path | None,
    is_sent: bool,
    address: str | None,
    is_again: bool,
    day: str | None,
    by: str,
) -> int:
    """Writes a letter about a case. It is refused while something is missing that the case's laws demand.

    KIND is acknowledgement, clarification, extension, completion, partial, refusal, cannot_identify, restriction_lifted or correction.
    """
    if (out is not None) + is_sent + (day is not None) > 1:
        raise InputWrong("--out, --send and --record-sent are three different things", code="option.letter", hint="choose one")
    words = _words(said)
    with house_of(context) as house:
        if day is not None:
            record_sent(house, case_id, LetterKind(kind), day_of(day, "--record-sent"), by)
            print_line(f"recorded: the {_named(kind)} of case {case_id} went out on {day}")
            return DONE
        if is_sent:
            return _send(house, case_id, Order(LetterKind(kind), words, language, Secret(address) if address else None, is_again))
        written = compose(house, case_id, LetterKind(kind), words, language)
        is_without_font = not house.paper.look.fonts
        data = b"" if out is None else as_text(written).encode() if out.suffix == ".txt" else pdf_of(house, written)
    _hand_over(written, out, data)
    if out is not None and out.suffix != ".txt" and is_without_font and any(map(is_asian, as_text(written))):
        print_line("  note: no font for Chinese is set, so the reader's own draws it; name one in [look] of dsr.toml to embed it", "yellow")
    return DONE


def _words(said: tuple[str, ...]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in said]
    if any(not mark for _, mark, _ in pairs):
        raise InputWrong("--say needs WHAT=TEXT", code="option.say", hint='for instance --say "recipients=We told our payment provider."')
    return {what: text for what, _, text in pairs}


def _named(kind: str) -> str:
    return "letter that nobody can be identified" if kind == LetterKind.CANNOT_IDENTIFY.value else f"letter “{kind.replace('_', ' ')}”"


def _hand_over(written: Letter, out: Path | None, data: bytes) -> None:
    if out is None:
        print_line(written.subject, "bold")
        print_verbatim("\n" + as_text(written))
        return
    try:
        with out.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise InputWrong(f"{out} is there already", code="letter.exists", hint="choose another name; nothing was changed") from None
    print_line(f"the letter is in {out}")


def _send(house: House, case_id: str, order: Order) -> int:
    """Queues the letter and tries to send it now, so that whoever asked sees whether it went."""
    posted = send_letter(house, case_id, order)
    list(send(house, (posted,)))
    with house.store.snapshot() as tx:
        after = tx.outbox.get(posted.id)
    name = _named(order.kind.value)
    if after.state is PostState.SENT:
        print_line(f"the {name} of case {case_id} was sent")
        return DONE
    if after.state is PostState.FAILED:
        print_line(f"the {name} of case {case_id} was refused ({after.code})", "yellow")
        print_line(f"  next: dsr letter {case_id} {order.kind.value} --send --to ADDRESS, or send it by post and record it with --record-sent DATE")
        return WAITING
    print_line(f"the {name} of case {case_id} is queued; it could not be sent yet ({after.code or 'not tried'})", "yellow")
    print_line("  next: `dsr worker` tries again by itself; `dsr post list` shows how it fares")
    return WAITING
