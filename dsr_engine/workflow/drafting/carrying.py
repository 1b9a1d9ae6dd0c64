"""Parents that may go the person's way: the address that only they have. Counted, because a shared one must stay."""

from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.survey import Sharing
from dsr_engine.workflow.drafting.draft import Role, Standing, listing
from dsr_engine.workflow.drafting.outline import Outline, Tie

#: Targets that must have been looked at before `carries` is written.
_ENOUGH = 20
#: The share of shared targets from which on there is nothing to propose.
_COMMON = 0.5


def find_carried(outline: Outline) -> None:
    """Proposes `carries` for links of people's records to records that hold personal data and that hardly anybody shares."""
    perhaps = {tie.collection for tie in outline.ties if outline.sheet.standing(tie.collection, tie.link) is Standing.PERHAPS}
    for entry in outline.collections:
        is_theirs = outline.role(entry.name) in (Role.SUBJECT, Role.OWNED)
        if not is_theirs and (entry.name not in perhaps or outline.role(entry.name) is not Role.OTHER):
            continue
        for tie in outline.out_of(entry.name):
            if tie.is_single and _may_be_carried(outline, tie):
                _propose(outline, tie)


def _may_be_carried(outline: Outline, tie: Tie) -> bool:
    role = outline.role(tie.target)
    if role is not Role.OTHER or tie.target == tie.collection or tie.target in outline.survey.unread:
        return False
    is_personal = any(
        category.startswith(("user.contact", "user.name", "user.financial", "user.payment")) for category in outline.categories(tie.target)
    )
    # A collection whose rows point back at a person is theirs by that link.
    return is_personal and outline.sheet.standing(tie.collection, tie.link) in (Standing.OTHER, Standing.PARENT)


def _propose(outline: Outline, tie: Tie) -> None:
    sharing = outline.survey.sharing(tie.collection, tie.link)
    if sharing is None or sharing.targets == 0:
        outline.sheet.note(tie.collection, f"nobody counted who shares {tie.target}; look before you let {tie.field} carry it", tie.field)
        return
    counted = f"{sharing.targets} records of {tie.target} were looked at: {_spread(sharing)}"
    if sharing.shared > _COMMON * sharing.targets:
        outline.sheet.note(tie.collection, f"{tie.target} stays: {counted}", tie.field)
        return
    others, are_together = _others(outline, tie)
    is_sure = outline.role(tie.collection) is not Role.OTHER and not others and sharing.shared == 0 and sharing.targets >= _ENOUGH and tie.is_sure
    reason = "; ".join((counted, *([are_together] if are_together else ["nothing else points there"]), "one that is shared at the time stays"))
    outline.sheet.propose(is_sure, tie.collection, tie.field, reason, references=tie.reference, carries="true")
    outline.sheet.place(tie.collection, tie.link, Standing.CARRIED)


def _spread(sharing: Sharing) -> str:
    if sharing.shared == 0:
        return "each is pointed at by one record only"
    return f"{sharing.shared} are pointed at by several records, at most {sharing.most}"


def _others(outline: Outline, tie: Tie) -> tuple[tuple[Tie, ...], str]:
    """Other links to the same collection, and whether they meet the same records there."""
    others = tuple(other for other in outline.into(tie.target) if (other.collection, other.link) != (tie.collection, tie.link))
    if not others:
        return (), ""
    said = []
    for other in others:
        name = f"{other.collection}.{other.field}"
        found = None
        if other.link.to_fields == tie.link.to_fields:
            found = outline.survey.containment(tie.collection, Link(tie.link.fields, other.collection, other.link.fields))
        if found is None:
            said.append(f"{name} points there as well")
        else:
            said.append(f"{name} points there as well, at {found.contained or 'none'} of {found.sampled} of these")
    return others, listing(said, 4)
