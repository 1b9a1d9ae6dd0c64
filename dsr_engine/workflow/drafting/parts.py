"""Lines under an order: records without a person of their own, which go with the record that they are a part of."""

from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.drafting.draft import Role, Standing
from dsr_engine.workflow.drafting.keynames import part_of, thing
from dsr_engine.workflow.drafting.outline import Outline, Tie, valid_kind

KEY = "user.unique_id"
#: A search follows five hops from identifier to identifier; e-mail → customer → order → line leaves room for one more.
_DEEPEST = 3


def follow_parts(outline: Outline) -> None:
    """Proposes that parts go with their whole, and parts of parts with those."""
    wholes = [entry.name for entry in outline.of_role(Role.OWNED)]
    for _ in range(_DEEPEST):
        found: list[str] = []
        for whole in wholes:
            found += [tie.collection for tie in outline.into(whole) if _follow(outline, whole, tie)]
        wholes = sorted(set(found))


def _follow(outline: Outline, whole: str, tie: Tie) -> bool:
    """True if the part is written as one, so that its own parts come next."""
    entry = outline.survey.collection(tie.collection)
    key = outline.key(whole)
    if entry is None or tie.collection == whole or outline.role(tie.collection) is not Role.OTHER or _is_somebodys(outline, entry):
        return False
    if key is None or not tie.is_single or tie.link.to_fields != (key,):
        outline.sheet.note(tie.collection, f"hangs on {whole}, which no single field names: it does not go with it by itself")
        return False
    why = _why_part(outline, whole, tie)
    is_written = bool(why) and tie.is_sure
    reason = why or "it hangs on records of a person, but nothing says that it is a part of them"
    kind = valid_kind("_".join(thing(whole)))
    outline.sheet.propose(is_written, tie.collection, tie.field, reason, category=KEY, selects=kind, references=tie.reference)
    outline.sheet.propose(is_written, whole, key, f"so that {tie.collection} goes with it", category=KEY, identifies="true")
    outline.sheet.place(tie.collection, tie.link, Standing.PART if is_written else Standing.PERHAPS)
    if is_written:
        outline.roles[tie.collection] = Role.OWNED
    return is_written


def _is_somebodys(outline: Outline, entry: CollectionFacts) -> bool:
    """True if the record leads to a person by itself."""
    return any(outline.sheet.standing(entry.name, tie.link) in (Standing.OWNED, Standing.PERHAPS) for tie in outline.out_of(entry.name))


def _why_part(outline: Outline, whole: str, tie: Tie) -> str:
    """Why a record cannot be without its whole; empty if it can."""
    if tie.link.on_delete == "cascade":
        return f"the server deletes it with its {whole} (ON DELETE CASCADE)"
    if outline.is_in_key(tie):
        return f"a part of {whole}: its key contains theirs"
    field = outline.survey.field(tie.collection, tie.field)
    if part_of(tie.collection, whole) and field is not None and not field.is_nullable:
        return f"a part of {whole}, as its name says, and it never stands alone"
    return ""
