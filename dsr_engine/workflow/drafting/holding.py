"""What stands inside the files of a bucket or folder, in words: in fields that are something else by their name, and in texts that are no fields."""

from collections.abc import Iterable, Iterator

from dsr_engine.drivers.survey import Traces
from dsr_engine.workflow.drafting.draft import one_line
from dsr_engine.workflow.drafting.evidence import MOSTLY, says
from dsr_engine.workflow.drafting.outline import Outline

#: A field holds something if so many of its texts do, and this share of them.
_FEWEST = 2
_LEAST_SHARE = 0.01
#: Places that are told one by one for a collection.
_MOST_PLACES = 25


def find_held(outline: Outline) -> None:
    """Gives fields without a category one, where people stand in them, and says of the others what else does."""
    for entry in outline.collections:
        for trace in outline.survey.sample(entry.name).traces:
            if not trace.field or trace.clear < _FEWEST or trace.clear < trace.texts * _LEAST_SHARE:
                continue
            known = outline.sheet.written(entry.name, trace.field).get("category", "")
            if known and (known == trace.category or trace.category.startswith(f"{known}.") or known.startswith(f"{trace.category}.")):
                continue
            if known or trace.field.rpartition(".")[2].lower() in ("id", "uuid"):
                outline.sheet.note(entry.name, told(trace), trace.field)
            elif trace.clear >= trace.texts * MOSTLY:
                outline.sheet.write(entry.name, trace.field, told(trace), category=trace.category)
            else:
                outline.sheet.write(entry.name, trace.field, told(trace), category="user.content", search="text")


def told(trace: Traces) -> str:
    """`telephone numbers in 20 of 200 texts of 2 files (82% sure)`."""
    files = "1 file" if trace.files == 1 else f"{trace.files} files"
    texts = "1 text" if trace.texts == 1 else f"{trace.texts} texts"
    return one_line(f"{says(trace.kind)} in {trace.holding} of {texts}, in {files} ({trace.confidence:.0%} sure)")


def told_places(traces: Iterable[Traces]) -> Iterator[str]:
    """What stands in places that are no fields, the surest first: `text, line:*: e-mail addresses in …`. What is doubtful throughout is left out."""
    loose = [trace for trace in traces if not trace.field and trace.clear]
    for trace in loose[:_MOST_PLACES]:
        yield one_line(f"{trace.format}, {trace.place}: {told(trace)}")
    if len(loose) > _MOST_PLACES:
        yield f"and {len(loose) - _MOST_PLACES} places more; `--json` tells all"
