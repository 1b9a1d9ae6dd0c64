"""One file for many laws that differ in little: a common part, and under `variants` what each law has of its own.

A variant is the common part with the variant's keys laid over it: blocks are joined key by key, everything else is replaced, and `without` takes
away what this law does not have. `{name}` in a text of the common part is filled with the variant's own citation of that name (`cites`).
Every key keeps its place in the file, so a mistake is shown where it was written.
"""

import re

from dsr_engine.spec.document import Block, Document, Items, Text
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem, SpecWrong
from dsr_engine.spec.scalars import is_name

VARIANTS = "variants"
_WITHOUT = "without"
_CITES = "cites"
_GAP = re.compile(r"\{([a-z_]+)\}")
_MOST = 200


def variants_of(document: Document) -> tuple[Document, ...]:
    """One document for each law in the file; the document itself where it has no variants. Raises `SpecWrong` for variants that are none."""
    if VARIANTS not in document.root:
        return (document,)
    found = document.root[VARIANTS]
    if not isinstance(found, Block) or not 0 < len(found) <= _MOST:
        raise SpecWrong([document.problem((VARIANTS,), f"must be a block of 1 to {_MOST} laws, each with what it has of its own")])
    shared = _less(document.root, VARIANTS)
    problems: list[SpecProblem] = []
    made = [_variant(document, shared, found, name, problems) for name in found]
    if problems:
        raise SpecWrong(problems)
    return tuple(made)


def _variant(document: Document, shared: Block, variants: Block, name: str, problems: list[SpecProblem]) -> Document:
    path = (VARIANTS, name)
    own = variants[name]
    if not is_name(name):
        problems.append(document.problem(path, 'not a name of small letters, digits, - and _ (try "us-va")', at_key=True))
    if not isinstance(own, Block):
        problems.append(document.problem(path, "must be a block of keys and values"))
        return document
    for key in ("regime", VARIANTS):
        if key in own:
            problems.append(document.problem((*path, key), "cannot stand in a variant", at_key=True))
    joined = _less(_less(_joined(shared, own), _WITHOUT), _CITES)
    for index, taken in enumerate(_taken_away(document, path, own, problems)):
        joined = _removed(document, (*path, _WITHOUT, index), joined, taken.split("."), taken, problems)
    joined = _filled(document, joined, _cites(document, path, own, problems), problems)
    # The law is called as its variant is, and that name stands at the variant's key.
    joined["regime"] = name
    joined.key_places["regime"] = joined.value_places["regime"] = joined.place = variants.key_places[name]
    return Document(document.file, document.digest, joined)


def _taken_away(document: Document, path: tuple[str, ...], own: Block, problems: list[SpecProblem]) -> tuple[str, ...]:
    found = own.get(_WITHOUT, Items(own.place))
    if isinstance(found, Items) and all(isinstance(entry, str) for entry in found):
        return tuple(str(entry) for entry in found)
    problems.append(document.problem((*path, _WITHOUT), 'must be a list of keys, such as [appeal, "letters.refusal.appeal"]'))
    return ()


def _cites(document: Document, path: tuple[str, ...], own: Block, problems: list[SpecProblem]) -> dict[str, str]:
    found = own.get(_CITES, Block(own.place))
    if isinstance(found, Block) and all(isinstance(entry, str) for entry in found.values()):
        return {key: str(entry) for key, entry in found.items()}
    problems.append(document.problem((*path, _CITES), "must be a block of citations by name"))
    return {}


def _filled(document: Document, block: Block, cites: dict[str, str], problems: list[SpecProblem]) -> Block:
    """The block with every `{name}` in its texts replaced."""
    made = _less(block, "")
    for key, value in block.items():
        if isinstance(value, Block):
            made[key] = _filled(document, value, cites, problems)
        elif isinstance(value, Text) and (wanted := _GAP.findall(value)):
            for missing in sorted(set(wanted) - set(cites)):
                source = document.source(block.value_places[key])
                problems.append(SpecProblem(source, key, f"a variant has no `{missing}` in its `cites`"))
            made[key] = Text(_GAP.sub(lambda found: cites.get(found[1], ""), value), is_plain=value.is_plain)
    return made


def _joined(base: Block, over: Block) -> Block:
    made = Block(over.place)
    for source in (base, over):
        for key, value in source.items():
            before = made.get(key)
            made[key] = _joined(before, value) if isinstance(before, Block) and isinstance(value, Block) else value
            made.key_places[key], made.value_places[key] = source.key_places[key], source.value_places[key]
    return made


def _less(block: Block, gone: str) -> Block:
    made = Block(block.place)
    for key, value in block.items():
        if key != gone:
            made[key], made.key_places[key], made.value_places[key] = value, block.key_places[key], block.value_places[key]
    return made


def _removed(document: Document, at: tuple[str | int, ...], block: Block, steps: list[str], whole: str, problems: list[SpecProblem]) -> Block:
    first, *rest = steps
    inner = block.get(first)
    if first not in block or (rest and not isinstance(inner, Block)):
        problems.append(document.problem(at, f"the common part has no {whole}{did_you_mean(first, block)}"))
        return block
    if not rest:
        return _less(block, first)
    assert isinstance(inner, Block)
    made = _less(block, "")
    made[first] = _removed(document, at, inner, rest, whole, problems)
    return made
