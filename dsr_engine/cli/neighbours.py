"""How `dsr find` shows what stands next to the person's records: linked with them, and not theirs by that."""

from dsr_engine.cli.terminal import Cell, print_heading, print_line, print_table
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.neighbours import Beside, Neighbourhood


def beside_document(found: Neighbourhood, mask: Mask) -> dict[str, object]:
    """The part of the JSON document that tells of it."""
    return {"next_to": [_row(entry, mask) for entry in found.beside], "not_counted": [mask.text(sentence) for sentence in found.untold]}


def show_beside(found: Neighbourhood, mask: Mask) -> None:
    """A table, only where there is something to show."""
    if not found.beside and not found.untold:
        return
    print_heading("Next to these records (not theirs)")
    columns = {"system": "system", "collection": "collection", "relation": "they are", "via": "linked by", "count": "records"}
    print_table([_row(entry, mask) for entry in found.beside], columns, empty="nothing could be counted")
    for sentence in found.untold:
        print_line(mask.text(sentence), "yellow")
    if found.beside:
        print_line("  A link does not say whose a record is. A connector does: `dsr map` drafts one.", "dim")


def _row(entry: Beside, mask: Mask) -> dict[str, Cell]:
    return {
        "system": entry.system,
        "collection": mask.text(entry.collection),
        "relation": entry.relation,
        "via": mask.text(entry.via),
        "count": entry.count,
    }
