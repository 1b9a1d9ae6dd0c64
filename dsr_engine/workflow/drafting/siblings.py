"""A person whose data stand in several collections under one number: names here, addresses there, each row called after the same key."""

from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.drafting.draft import Role, Standing
from dsr_engine.workflow.drafting.outline import Outline, Tie

KEY = "user.unique_id"


def whose(outline: Outline, entry: CollectionFacts) -> Tie | None:
    """The link by which a collection keeps more about people, row by row: the person's key is a part of its own. None if it is no such collection."""
    if outline.role(entry.name) is not Role.OWNED:
        return None
    ties = [tie for tie in outline.out_of(entry.name) if outline.sheet.standing(entry.name, tie.link) is Standing.OWNED]
    return next((tie for tie in ties if outline.is_in_key(tie) or outline.is_own_key(tie)), None)


def lead_back(outline: Outline, entry: CollectionFacts) -> None:
    """Where an address stands apart from its person, the row has to lead to the person, or only the address would be found."""
    tie = whose(outline, entry)
    if tie is None or "identifies" in outline.sheet.written(entry.name, tie.field):
        return
    key = tie.link.to_fields[0]
    here = f"{outline.name}.{entry.name}.{tie.field}"
    outline.sheet.write(entry.name, tie.field, f"so that an address leads to its person in {tie.target}", identifies="true")
    if "same_as" not in outline.sheet.written(tie.target, key):
        outline.sheet.write(tie.target, key, f"the same number as in {entry.name}", same_as=here)
    else:
        outline.sheet.note(tie.target, f"{here} means the same number: add it to `same_as`", key)


def share_keys(outline: Outline) -> None:
    """People whose key is itself a link (`person` to `businessentity`): what points at the same target may be theirs."""
    for entry in outline.of_role(Role.SUBJECT):
        key = outline.key(entry.name)
        for tie in outline.out_of(entry.name):
            if key is not None and tie.field == key and tie.is_single and not outline.role(tie.target).is_people:
                _siblings(outline, entry, key, tie)


def _siblings(outline: Outline, entry: CollectionFacts, key: str, to_type: Tie) -> None:
    for tie in outline.into(to_type.target):
        is_other = tie.collection != entry.name and tie.link.to_fields == to_type.link.to_fields and tie.is_single
        if is_other and not outline.is_own_key(tie) and not outline.role(tie.collection).is_people:
            reason = f"it points at {to_type.target} as the key of {entry.name} does: the same number, where the row is a person's"
            words = {"category": KEY, "selects": outline.kind(entry.name), "references": f"{entry.name}.{key}"}
            outline.sheet.suggest(tie.collection, tie.field, reason, **words)
            outline.sheet.place(tie.collection, tie.link, Standing.PERHAPS)
