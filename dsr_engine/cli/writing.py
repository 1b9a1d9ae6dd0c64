"""`dsr letter`: what is written to a requester, with everything in it that the law demands."""

from pathlib import Path

import click

from dsr_engine.certificate.letter import as_pdf, as_text
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import house_of
from dsr_engine.cli.terminal import print_line, print_verbatim
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.workflow.writing import SAYABLE, compose


@click.command()
@click.argument("case_id", metavar="CASE")
@click.argument("kind", type=click.Choice([kind.value for kind in LetterKind]))
@click.option("--language", metavar="CODE", default="", help="The language; the one of dsr.toml if left out.")
@click.option(
    "--say", "said", multiple=True, metavar="WHAT=TEXT", help=f"What the engine cannot know: {', '.join(SAYABLE)}. Nothing of it is stored."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a PDF (or a text, by the ending .txt) instead of printing it.")
@click.pass_context
def letter(context: click.Context, case_id: str, kind: str, language: str, said: tuple[str, ...], out: Path | None) -> int:
    """Writes a letter about a case. It is refused while something is missing that the case's law demands."""
    pairs = [entry.partition("=") for entry in said]
    if any(not mark for _, mark, _ in pairs):
        raise InputWrong("--say needs WHAT=TEXT", code="option.say", hint='for instance --say "recipients=We told our payment provider."')
    with house_of(context) as house:
        written = compose(house, case_id, LetterKind(kind), {what: text for what, _, text in pairs}, language)
        look, controller = house.paper.look, house.paper.controller
    if out is None:
        print_line(written.subject, "bold")
        print_verbatim("\n" + as_text(written))
        return DONE
    if out.exists():
        raise InputWrong(f"{out} is there already", code="letter.exists", hint="choose another name; nothing was changed")
    letterhead = look.lines or tuple(controller[key] for key in ("name", "address") if key in controller)
    data = as_text(written).encode() if out.suffix == ".txt" else as_pdf(written, letterhead, look)
    out.write_bytes(data)
    print_line(f"the letter is in {out}")
    return DONE
