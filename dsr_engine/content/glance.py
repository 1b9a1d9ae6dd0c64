"""The first look itself: is there any sign of a subject in this text, in whatever encoding? Yes or no, fast, without saying where.

It reads the same encodings as `content.views` to the same depth, but whole and without keeping track of offsets. Only what it lets through is
looked at closely, so nothing can be found later that was refused here.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from dsr_engine.content import automaton, spelt
from dsr_engine.content.digit_runs import DIGIT, RUN
from dsr_engine.content.escapes import BLANKS, GAP, around
from dsr_engine.content.fold import folded
from dsr_engine.content.forms import WORD_GAP, Form, Shape, compacted
from dsr_engine.content.signs import Digests, FewDigests, Signs, decoded, readable
from dsr_engine.content.views import DEPTH, last_texts, unescaped_texts
from dsr_engine.content.vocabulary import Vocabulary

#: Up to so many forms are compiled as patterns over raw bytes; beyond, the compact literals are faster.
_FEW = 200
#: Up to so many digests are patterns; beyond, each run of their length is decoded and looked up.
_FEW_DIGESTS = 2000
#: Shorter identifiers are found as whole values only. Characters.
_LEAST = 5
#: Charsets whose letters and spaces fold to ASCII by a table of bytes.
_LATIN = ("cp1252", "cp1250", "iso8859-2", "cp1254", "cp1257", "mac-roman", "koi8-r", "cp437")
#: Those that are tried for subjects whose names are not written in Latin letters.
_OTHER = (
    "cp1251", "koi8-r", "iso8859-5", "cp866", "cp1253", "iso8859-7", "cp1255", "cp1256", "cp874",
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "iso2022_jp",
)  # fmt: skip
#: What begins an escape that stands for one character.
_ESCAPED = re.compile(
    rb"%[0-9A-Fa-f]{2}|&#?\w{2,}|\\[ux]|=[0-9A-Fa-f]{2}|\+40|IMCEA|imcea|#EXT#|#ext#|</[tT][dDhH]|@[^\s@]{0,80}\r?\n[ \t]|\r?\n[ \t][^\s@]{0,80}@"
)
_APART = GAP.encode()
_ASCII = bytes(range(128))
_UNREAD = _ASCII + b"?" * 128
_RUN = re.compile(f"{DIGIT}{{{RUN},}}".encode())
_REST = re.compile(rb"\r?\n[ \t]?[A-Za-z0-9+/_-]+={0,2}|={1,2}")
#: The characters outside latin-1 that can fold to ASCII or to nothing: Latin, marks, punctuation, letter-like, enclosed, full width, tags.
_BEYOND = re.compile(
    "[\u0100-\u036f\u061c\u180b-\u180f\u1ab0-\u1aff\u1d00-\u1eff\u2000-\u24ff\u2c60-\u2c7f\u2e00-\u2e5f\u3000-\u3020\u3200-\u33ff"
    "\ua720-\ua7ff\uab30-\uab6f\ufb00-\ufb06\ufe00-\ufe6f\ufeff-\uffef\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff\U000e0000-\U000e01ef]+"
)
#: How long runs of them are remembered, and how many.
_SHORT_RUN, _MOST_RUNS = 4, 50_000

#: How deep each reading was already looked into, with runs (True) or without them.
_Seen = dict[tuple[str, bool], int]


class Glance:
    """Looks for all subjects of a vocabulary at once. Shared between threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._patterns: automaton.Database | None = None
        self._signs: Signs | None = None
        self._digests: Digests | None = None
        self._few_digests: FewDigests | None = None
        if isinstance(vocabulary.automaton, automaton.Hyperscan):
            forms = list(islice(vocabulary.forms(), _FEW + 1))
            if len(forms) <= _FEW:
                patterns = sorted({pattern for form in forms for pattern in _patterns(form)})
                self._patterns = automaton.Database(patterns, is_literal=False) if patterns else None
            is_many = len(vocabulary.known_digests) > _FEW_DIGESTS
            self._digests = Digests(vocabulary.known_digests) if is_many else None
            self._few_digests = FewDigests(vocabulary.known_digests) if vocabulary.known_digests and not is_many else None
            self._signs = Signs(_spelt(vocabulary, forms))
        self._charsets = () if vocabulary.is_ascii else _OTHER

    def at_bytes(self, data: bytes) -> bool:
        """True if the bytes hold a sign in any charset."""
        if data.isascii():
            return self.at_text(data.decode("ascii")) or (
                bool(self._charsets) and b"\x1b$" in data and self.at_text(data.decode("iso2022_jp", "replace"))
            )
        if self.at_text(data.decode("utf-8", "surrogateescape")):
            return True
        if b"\0" in data and self.at_text(data.decode("latin-1")):
            return True
        return not _is_utf8(data) and (self._is_in_other(data) or self._is_in_western(data) or self._is_escaped_in_latin(data))

    def _is_in_western(self, data: bytes) -> bool:
        if not self._vocabulary.is_ascii:
            return self.at_text(data.decode("cp1252", "replace"))
        # Zeros were looked at without a charset: none of those that have them is of one byte.
        return self._look(_WESTERN.folded(data).decode("latin-1"), DEPTH, {}, had_zeros=True)

    def _is_escaped_in_latin(self, data: bytes) -> bool:
        """True if escapes beside letters and spaces of another Latin charset hold a sign: a no-break space is not the same byte in all of them."""
        stretches = around((found.span() for found in _ESCAPED.finditer(data)), DEPTH * self._vocabulary.window, len(data))
        pieces = _APART.join(piece for start, end in stretches if not (piece := data[start:end]).isascii())
        if not pieces:
            return False
        texts = dict.fromkeys(charset.folded(pieces) for charset in _LATIN_TABLES)
        return any(self._look(text.decode("latin-1"), DEPTH, {}, had_zeros=True) for text in texts)

    def _is_in_other(self, data: bytes) -> bool:
        """True if any of `in_other_charsets` shows a sign: those in which these bytes are the same letters are looked at once."""
        high = bytes(sorted(set(data.translate(None, _ASCII))))
        apart = b"\n".join(high[at : at + 1] for at in range(len(high)))
        latin = {charset.folded(apart): charset for charset in _LATIN_TABLES}
        if any(self._is_in(charset.folded(data)) for charset in latin.values()):
            return True
        return any(self._is_in_text(data.decode(name, "replace")) for name in self._charsets)

    def _is_in_text(self, text: str) -> bool:
        """True if a text holds a sign as it stands or by one of its last readings."""
        return any(self._is_in(self._folded(reading)) for reading in chain((text,), last_texts(text, self._vocabulary.window)))

    def in_other_charsets(self, data: bytes) -> Iterator[str]:
        """The charsets, other than UTF-8, in which the bytes hold a sign."""
        yield from (charset.name for charset in _LATIN_TABLES if self._is_in(charset.folded(data)))
        yield from (name for name in self._charsets if self._is_in(folded(data.decode(name, "replace")).encode("utf-8", "surrogatepass")))

    def at_text(self, text: str) -> bool:
        """True if the text, or what it says once its encodings are undone, holds a sign."""
        # The text itself is not among the readings that were seen: to hash a large buffer takes as long as to search it.
        return self._look(text, DEPTH, {})

    def _look(self, text: str, depth: int, seen: _Seen, *, had_zeros: bool = False, has_runs: bool = True) -> bool:
        data = self._folded(text)
        if self._is_in(data):
            return True
        runs = self._run_text(data if text.isascii() else text.encode("latin-1", "replace")) if has_runs else ""
        if has_runs and self._has_digest(runs, data):
            return True
        if depth == 0:
            return False
        if any(self._is_in(self._folded(inner)) for inner in last_texts(text, self._vocabulary.window)):
            return True
        has_zeros = "\0" in text
        said = tuple(decoded(runs)) if runs else ()
        if self._vocabulary.is_plain and any(self._is_in(data) or self._is_in(data.translate(None, b"\0")) for data in said):
            return True
        readings = chain(
            ((form, inner, has_zeros) for form, inner in unescaped_texts(text, self._vocabulary.window, had_zeros=had_zeros)),
            # Zeros that a run says were not there before.
            (("", reading, False) for data in said for reading in self._readings(data)),
        )
        return any(
            # Where each `+` is read as a space, runs are broken that stood whole in the text itself and were judged there.
            _is_new(inner, depth, seen, is_whole := form != BLANKS or not runs or self._may_have_digest(inner))
            and self._look(inner, depth - 1, seen, had_zeros=are_known, has_runs=is_whole)
            for form, inner, are_known in readings
        )

    def _may_have_digest(self, text: str) -> bool:
        """False where a digest, which is known by its length, does not stand between the spaces of a broken run."""
        if self._few_digests is not None:
            return self._few_digests.may_be_in(text.encode("ascii", "replace"))
        return bool(self._vocabulary.known_digests) if self._digests is None else self._digests.any(text.encode("ascii", "replace"))

    def _has_digest(self, runs: str, data: bytes) -> bool:
        if self._digests is not None:
            return self._digests.any(data)
        if not runs or (self._few_digests is not None and not self._few_digests.may_be_in(runs.encode("ascii", "replace"))):
            return False
        return any(True for _ in self._vocabulary.digest_hits(runs))

    def _readings(self, data: bytes) -> Iterator[str]:
        """What decoded bytes say that may hold a further encoding; for subjects beyond ASCII also what may hold them."""
        if self._vocabulary.is_plain:
            yield from filter(None, (readable(data),))
        elif data.isascii():
            yield data.decode("ascii")
        else:
            yield data.decode("utf-8", "replace")
            yield data.decode("latin-1")

    def _folded(self, text: str) -> bytes:
        if text.isascii():
            return text.encode("ascii")
        return _quickly_folded(text) if self._vocabulary.is_ascii else folded(text).encode("utf-8", "surrogatepass")

    def _is_in(self, data: bytes) -> bool:
        return any(True for _ in self.ends(data, only_first=True))

    def ends(self, data: bytes, *, only_first: bool) -> Iterator[int]:
        """The offsets behind each sign in folded bytes (the case of ASCII letters does not matter); with `only_first` at least one of them."""
        if self._patterns is not None:
            yield from (end for _, end in self._patterns.scan(data, only_first=only_first))
        elif not only_first or self._vocabulary.automaton.any(automaton.compact(data)):
            for anchor, start, end in self._vocabulary.found(data):
                if any(entry.form.shape is not Shape.SCOPED for entry in anchor.entries) or _stands_alone(data, start, end):
                    yield end

    def _run_text(self, data: bytes) -> str:
        """All runs of base64 and hex digits, far enough apart that they do not touch."""
        return "\n\n \n\n".join(data[start:end].decode("latin-1") for start, end in self._run_stretches(data))

    def _run_stretches(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Stretches with runs; the lines of one wrapped block are one stretch."""
        stretch: tuple[int, int] | None = None
        for start, end in self._run_spans(data):
            if stretch and start - stretch[1] > 4:
                yield stretch
                stretch = None
            stretch = (stretch[0] if stretch else start, end)
        if stretch:
            yield stretch

    def _run_spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Each run that may say something, with the short rest of a wrapped block behind it."""
        if self._signs is not None:
            yield from self._signs.spans(data)
        else:
            yield from (_with_rest(data, *match.span()) for match in _RUN.finditer(data))


def _is_new(text: str, depth: int, seen: _Seen, has_runs: bool) -> bool:
    """False for what was looked into as deep before. Met on a longer way first, a reading is met again with more of its encodings left to undo."""
    if seen.get((text, has_runs), 0) >= depth:
        return False
    seen[text, has_runs] = depth
    return True


def _spelt(vocabulary: Vocabulary, forms: Sequence[Form]) -> Iterator[str]:
    """What to look for in runs of base64 and hex. In a crowd only what has letters beyond ASCII, in its commonest charset."""
    if len(vocabulary.known_digests) <= _FEW_DIGESTS:
        yield from (pattern for digest in vocabulary.known_digests for pattern in spelt.of_digest(digest))
    is_few = len(forms) <= _FEW
    for form in forms if is_few else ():
        if form.text.isascii() and form.shape is not Shape.SCOPED and _LEAST <= len(form.text) < spelt.SAYS_ENOUGH:
            yield from spelt.of_short(form.text)
    if vocabulary.foreign:
        yield from (pattern for escape in spelt.ESCAPES for pattern in spelt.of_short(escape))
    for value in vocabulary.foreign:
        yield from spelt.of_foreign(value, charsets=spelt.CHARSETS if is_few else ("utf-8",), is_wrapped=is_few)


def _with_rest(data: bytes, start: int, end: int) -> tuple[int, int]:
    rest = _REST.match(data, end)
    return start, rest.end() if rest and (end - start >= 32 or data[end : end + 1] == b"=") else end


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    return not data[max(0, start - 1) : start].isalnum() and not data[end : end + 1].isalnum()


def _is_utf8(data: bytes) -> bool:
    """True for UTF-8 that may have been cut inside a character at both ends."""
    start = next((index for index, byte in enumerate(data[:3]) if byte & 0xC0 != 0x80), 3)
    try:
        codecs.utf_8_decode(memoryview(data)[start:], "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _patterns(form: Form) -> Iterator[bytes]:
    """What to look for in raw bytes: every writing that `confirm` accepts, and as little else as is fast."""
    text = form.text
    local, _, domain = text.rpartition("@")
    if form.shape is Shape.SCOPED:
        yield _bounded(text)
    elif form.shape is Shape.WORDS:
        yield WORD_GAP.encode().join(b"'?".join(map(_literal, word.split("'"))) for word in text.split(" "))
    elif form.shape in (Shape.SPACED, Shape.DIGITS):
        yield _spread(text[-6:], r"[ \t\r\n.()/\-]{0,3}")
    elif form.shape is Shape.WHOLE:
        yield _literal(text)
    else:
        stem = _spread(local, r"\.?") if form.shape is Shape.DOTTED else _literal(local)
        yield stem + b"@" + _literal(domain)
        yield stem + rb"\+"


def _bounded(text: str) -> bytes:
    """A scoped key as a word of its own; `\\b` means something at letters and digits only."""
    first = rb"\b" if text[0].isascii() and text[0].isalnum() else b""
    return first + _literal(text) + (rb"\b" if text[-1].isascii() and text[-1].isalnum() else b"")


def _literal(text: str) -> bytes:
    return _spread(text, "")


def _spread(text: str, between: str) -> bytes:
    """The characters with a pattern between them, each byte escaped."""
    return between.encode().join(b"".join(f"\\x{byte:02x}".encode() for byte in character.encode("utf-8", "replace")) for character in text)


class _Folds(dict[str, str]):
    """What becomes of each run of such characters, learnt on the way."""

    def __missing__(self, run: str) -> str:
        plain = folded(run)
        if len(run) <= _SHORT_RUN:
            if len(self) >= _MOST_RUNS:
                self.clear()
            self[run] = plain
        return plain


_FOLDS = _Folds()


@dataclass(frozen=True, slots=True)
class _Latin:
    """A charset whose letters fold to ASCII: by a table of bytes, apart from those that vanish and those that become several letters."""

    name: str
    table: bytes
    vanish: bytes
    long: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, charset: str) -> "_Latin":
        table, vanish, long = bytearray(range(256)), bytearray(), []
        for byte in range(128, 256):
            plain = folded(bytes([byte]).decode(charset, "replace"))
            if not plain:
                vanish.append(byte)
            elif plain.isascii() and len(plain) == 1:
                table[byte] = ord(plain)
            elif plain.isascii() and compacted(plain):
                long.append((bytes([byte]), plain.encode()))
        return cls(charset, bytes(table), bytes(vanish), tuple(long))

    def folded(self, data: bytes) -> bytes:
        """The loose fold of text in this charset, but for ASCII case."""
        plain = data.translate(self.table, self.vanish)
        for byte, letters in self.long:
            if byte in plain:
                plain = plain.replace(byte, letters)
        return plain


_LATIN_TABLES = tuple(_Latin.of(charset) for charset in _LATIN)
_LATIN1 = _Latin.of("latin-1")
_WESTERN = _LATIN_TABLES[0]


def _quickly_folded(text: str) -> bytes:
    """The loose fold of a text as ASCII, as far as it can be; what cannot becomes `?` or stays a byte above 127."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        if (strays := _strays(text)) is not None:
            return strays
        # In bytes that are no text every third character may be one of them.
        data = _BEYOND.sub(lambda match: _FOLDS[match[0]], text).encode("latin-1", "replace")
    return _LATIN1.folded(data)


def _strays(text: str) -> bytes | None:
    """The same for ASCII with bytes between that are no UTF-8 (a text in a Western charset): none is a letter here. None: there is more."""
    try:
        return text.encode("ascii", "surrogateescape").translate(_UNREAD)
    except UnicodeEncodeError:
        return None
