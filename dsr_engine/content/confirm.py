"""Is a candidate really the identifier, or a part of a longer one? The boundaries of every shape, on loosely folded text."""

import re
from collections.abc import Callable

from dsr_engine.content.fold import MARKS, exact, folded
from dsr_engine.content.forms import WORD_GAP, Form, Shape, compacted, words_of

#: What people are called and greeted by, which is no part of a name before the comma.
_TITLES = (
    "mrs?|ms|miss|mx|sir|dame|dr|prof|rev|dear|hi|hello|frau|herrn?|fr|hr|dipl|ing|mag|hallo|liebe[rs]?|geehrte[rs]?|mme|mlle|monsieur|madame|chere?|"
    "sra?|srta|don|dona|estimad[oa]|sig|signora?|caro|cara|dhr|mevr|mevrouw|beste|fru|pan|pani"
)
#: A word with a capital letter right before that is no title, and one right behind.
_NAME_BEFORE = re.compile(rf"(?<![\w.])(?!(?i:{_TITLES})\b)[^\W\d_a-zß-öø-ÿ][\w'’\-]*\.?[ \t]+\Z")
_NAME_BEHIND = re.compile(r"[ \t]+[^\W\d_a-zß-öø-ÿ]\w")
#: The same whatever the case of their letters.
_WORD_BEFORE = re.compile(rf"(?<![\w.])(?!(?i:{_TITLES})\b)[^\W\d_][\w'’\-]*\.?[ \t]+\Z")
_WORD_BEHIND = re.compile(r"[ \t]+[^\W\d_]\w")
#: A line end in a quotation, with the marks of the next line; and what a line of a quotation begins with.
_QUOTED_END = re.compile(r"\n[ \t]{0,3}[>|]")
_QUOTED_LINE = re.compile(r"[ \t]*[>|]")
#: Quoted lines are looked for their mark so far back.
_LINE = 1000
_TAG = re.compile(r"\+[^\s@<>\"',;:()\\\[\]]{0,64}@")
#: An address may stand before these in a file name (`exports/jane@example.com.csv`).
_FILE_END = re.compile(
    r"\.(?:csv|tsv|jsonl?|ndjson|txt|log|xml|html?|pdf|docx?|xlsx?|eml|mbox|vcf|ics|gz|bz2|zst|tar|sql|db|bak|parquet|png|jpe?g|md)(?![\w-])"
)
_COMPANY = re.compile(
    r"\s*(?:,\s*)?(?:(?:&|and|und|et|y)\s+(?:sons?|co|company|partners?|sohne?|sohn|cie|associates|daughters|bros)\b"
    r"|(?:gmbh|ag|kg|ohg|mbh|se|ltd|limited|inc|llc|llp|plc|corp|sarl|srl|bv|nv|oy|ab|co)\b"
    r"|(?:street|st|road|rd|avenue|ave|lane|boulevard|blvd|square|strasse|str|platz|weg|allee|gasse|university|foundation|stiftung|hospital|airport|school|schule)\b)"
)
#: Vowel signs, which the loose fold keeps: a word goes on with them.
_SPACING = frozenset(mark for mark in MARKS if folded(mark))
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ASCII_LETTERS = re.compile("[0-9a-z]")
_SPACELESS = re.compile("[\u0e00-\U0010ffff]")
_ABROAD = re.compile(r"(?:\+|\b00)\d{1,3}[\s().\-/]{0,3}(?:\(?0\)?[\s.\-/]{0,2})?\Z")


def confirmed(text: str, start: int, end: int, form: Form) -> tuple[int, int] | None:
    """The span of the whole identifier in the folded text, or None where the candidate is something else."""
    if form.shape is Shape.SCOPED:
        return None  # never in text: equality is judged where the field is known
    return _SHAPES[form.shape](text, start, end, form)


def is_exact(piece: str, form: Form) -> bool:
    """True if the piece, as it stands in the data, equals the form with diacritics regarded."""
    strict = exact(piece)
    if form.shape is Shape.WORDS:
        return " ".join(words_of(strict)).replace("'", "") == form.strict.replace("'", "")
    if form.shape is Shape.SPACED:
        return compacted(strict) == form.strict
    if form.shape in (Shape.TAGGED, Shape.DOTTED):
        local, _, domain = strict.rpartition("@")
        stem = local.split("+")[0] if form.shape is Shape.TAGGED else local.split("+")[0].replace(".", "")
        return f"{stem}@{domain}" == form.strict
    return form.shape is Shape.DIGITS or strict == form.strict


def is_two_names(text: str, start: int, end: int) -> bool:
    """True where the words are the end of one name in a list and the beginning of the next: `Janet Doe, Jane Smith` names no Jane Doe.

    What parts columns (`;`, `|`, the cells of a table) parts whole names, too: there one more name on either side is enough.
    """
    piece, least = text[start:end], max(0, start - 40)
    is_behind, is_ahead = _NAME_BEFORE.search(text, least, start) is not None, _NAME_BEHIND.match(text, end) is not None
    if ";" in piece or ("|" in piece and "\n" not in piece):
        return is_behind or is_ahead or (_WORD_BEFORE.search(text, least, start) is not None and _WORD_BEHIND.match(text, end) is not None)
    return "," in piece and is_behind and is_ahead


def word_pattern(text: str) -> str:
    """The regular expression of words with what may stand between them."""
    return WORD_GAP.join(re.escape(word).replace("'", "'?") for word in text.split(" "))


def _whole(text: str, start: int, end: int, form: Form) -> tuple[int, int] | None:
    if "@" in form.text:
        begin = text.rfind("@", start, end) - len(form.text.rpartition("@")[0])
    else:
        begin = start - next(index for index, character in enumerate(form.text) if compacted(character))
    stop = begin + len(form.text)
    if begin < 0 or not text.startswith(form.text, begin):
        return None
    is_bounded = _address_stands_alone if "@" in form.text else _token_stands_alone
    return (begin, stop) if is_bounded(text, begin, stop) else None


def _tagged(text: str, start: int, end: int, form: Form) -> tuple[int, int] | None:
    local, _, domain = form.text.rpartition("@")
    middle = next((index for index in range(start, end) if text[index] in "@+"), -1)
    begin = _dotted_start(text, middle, local) if form.shape is Shape.DOTTED else middle - len(local)
    if middle < 0 or begin < 0 or (form.shape is Shape.TAGGED and not text.startswith(local, begin)):
        return None
    tag = _TAG.match(text, middle)
    behind = tag.end() if tag else middle + 1
    stop = behind + len(domain)
    if (not tag and text[middle] == "+") or not text.startswith(domain, behind) or not _address_stands_alone(text, begin, stop):
        return None
    return begin, stop


def _dotted_start(text: str, end: int, local: str) -> int:
    """Where a local part that may have dots anywhere begins, read backwards from its end; -1 if it is another one."""
    place = end
    for character in reversed(local):
        place -= 1
        if place > 0 and text[place] == "." and place < end - 1:
            place -= 1
        if place < 0 or text[place] != character:
            return -1
    return place


def _address_stands_alone(text: str, start: int, end: int) -> bool:
    """False where a longer local part, a longer label or a longer domain goes on."""
    before, after = _beside(text, start, end)
    local = re.search(r"[\w.+\-]*\Z", before)
    if local and any(character.isalnum() for character in local.group()):
        return False
    if re.match(r"[\-_]*[^\W_]", after):
        return False
    return not re.match(r"\.\w", after) or _FILE_END.match(after) is not None


def _token_stands_alone(text: str, start: int, end: int) -> bool:
    """False inside a longer word or number; `12.5` and `12-5` go on, a sentence's full stop does not."""
    before, after = _beside(text, start, end)
    if re.search(r"\w[.\-@+]?\Z" if text[start].isdigit() else r"\w[\-@+]?\Z", before):
        return False
    return re.match(r"[.\-]?\d|[@\w]|-\w" if text[end - 1].isdigit() else r"[@\w]|-\w|\.\w[\w.+\-]*@", after) is None


def _beside(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and behind, with a blank for every letter that cannot continue the word.

    Latin and other letters do not mix within a word, and scripts without spaces (from Thai to Han, and Hangul with its particles) have no boundaries.
    """
    before, after = text[max(0, start - 65) : start], text[end : end + 40]
    return _neutral(before, text[start]), _neutral(after, text[end - 1])


def _neutral(piece: str, edge: str) -> str:
    if piece.isascii() and edge.isascii():
        return piece
    if edge.isascii():
        return _NOT_ASCII.sub(" ", piece)
    return _SPACELESS.sub(" ", _ASCII_LETTERS.sub(" ", piece)) if edge < "\u0e00" else " " * len(piece)


def _words(text: str, start: int, end: int, form: Form) -> tuple[int, int] | None:
    if re.fullmatch(word_pattern(form.text), text[start:end]) is None:
        return None
    if _QUOTED_END.search(text, start, end) and not _is_quoted(text, start):
        return None
    before, after = _beside(text, start, end)
    if before[-1:] in _SPACING or after[:1] in _SPACING:
        return None
    if re.search(r"[^\W_]\Z|@\Z|[^\W\d_][\-'_]\Z", before) or re.match(r"[^\W_]|[@+]|[\-'_][^\W\d_](?<!'s)|[._][\w.+\-]*@", after):
        return None
    return None if _COMPANY.match(after) else (start, end)


def _is_quoted(text: str, start: int) -> bool:
    """True if the line is one of a quotation: its last words and the first of a quotation below it are nobody's name."""
    begin = text.rfind("\n", max(0, start - _LINE), start) + 1
    return _QUOTED_LINE.match(text, begin, start) is not None


def _spaced(text: str, start: int, end: int, _form: Form) -> tuple[int, int] | None:
    if re.search(r"[^\w \t\r\n./\-]|[^\w]{3}", text[start:end]) or "_" in text[start:end]:
        return None
    return (start, end) if _token_stands_alone(text, start, end) else None


def _digits(text: str, start: int, end: int, form: Form) -> tuple[int, int] | None:
    if re.search(r"[^\d \t\r\n.()/\-]|\D{4}", text[start:end]):
        return None
    before, after = _beside(text, start, end)
    if re.search(r"\w\Z|\d[.\-/]\Z", before) or re.match(r"\w|[.\-/]\d", after):
        return None
    if form.name == "phone-national" and _ABROAD.search(before):
        return None
    return _with_sign(text, start, end), end


def _with_sign(text: str, start: int, end: int) -> int:
    """The start of a number with its `+` and with the parenthesis that is closed inside it."""
    if text.count(")", start, end) > text.count("(", start, end) and text[start - 1 : start] == "(":
        start -= 1
    return start - (text[start - 1 : start] == "+")


_SHAPES: dict[Shape, Callable[[str, int, int, Form], tuple[int, int] | None]] = {
    Shape.WHOLE: _whole,
    Shape.WORDS: _words,
    Shape.SPACED: _spaced,
    Shape.DIGITS: _digits,
    Shape.TAGGED: _tagged,
    Shape.DOTTED: _tagged,
}
