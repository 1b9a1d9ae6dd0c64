"""What a fides dataset file says, as a draft: the beginning for a human who moves from fides, with what was lost on the way."""

from dataclasses import replace
from pathlib import Path

from dsr_engine.spec.fides_file import FidesFile, fides_from, is_fides
from dsr_engine.spec.loader import read_document
from dsr_engine.spec.problems import SpecProblem, SpecWrong
from dsr_engine.workflow.drafting.declared import declared
from dsr_engine.workflow.drafting.draft import CollectionDraft, Draft


def read_fides(path: Path) -> FidesFile:
    """The file, shown in messages by its name alone. Raises `SpecWrong` with every mistake, and for a file that is not one of fides."""
    document = read_document(path, path.name)
    if not is_fides(document):
        message = "not a fides dataset file: it has no `dataset` at its top"
        raise SpecWrong([SpecProblem(document.source(document.root.place), "", message)])
    return fides_from(document)


def fides_draft(path: Path) -> Draft:
    """The draft that the file gives. Its gaps are what a connector cannot say, each with its line. Raises `SpecWrong`."""
    found = read_fides(path)
    draft = declared(found.manifest, f"{path.name} says so")
    collections = tuple(_explained(entry, found) for entry in draft.collections)
    return replace(draft, collections=collections, gaps=(*draft.gaps, *(str(gap) for gap in found.gaps)))


def _explained(entry: CollectionDraft, found: FidesFile) -> CollectionDraft:
    """Notes beside the fields whose category is not what the file says word for word."""
    fields = tuple(
        replace(field, notes=(*field.notes, reason)) if (reason := found.reasons.get((entry.name, field.name))) else field for field in entry.fields
    )
    return replace(entry, fields=fields)
