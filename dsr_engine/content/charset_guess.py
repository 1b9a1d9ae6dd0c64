"""Which charset a piece of text is in where nobody says and it is not UTF-8: each line or cell by itself, because real files mix them.

Three witnesses, in this order: in which reading a subject is seen, in which reading the letters look like somebody's language, and how common the
charset is. What is cut out of a text is cut out of every reading of its bytes, so that a wrong guess hides nothing from a rewrite. Charsets of
several bytes whose second byte may be a letter or sign of ASCII (Shift-JIS, Big5, GB 18030) never have a line end, comma, semicolon or quote there.
"""

import re
from collections.abc import Callable, Iterator

from dsr_engine.content.charset import NOT_WESTERN, encoded_like
from dsr_engine.content.gate import Gate

#: In the order in which they are taken where nothing else decides.
_CODECS = (
    "cp1252", "cp1251", "gb18030", "cp932", "big5", "cp949", "euc_jp", "koi8-r", "cp1250", "iso8859-2", "cp1253", "cp1254", "cp1257", "iso8859-5",
    "cp866", "cp1255", "cp1256", "cp874", "cp437", "mac-roman",
)  # fmt: skip
_HIDING = frozenset(("gb18030", "cp932", "big5"))
_ALL = (*_CODECS, "latin-1")
#: Rarer ones take more to be believed.
_RARE = frozenset(("cp1257", "iso8859-5", "cp866", "cp1255", "cp1256", "cp874", "cp437", "mac-roman"))
_HIGH = re.compile("[^\x00-\x7f]")
#: Characters of a piece that are looked at.
_ENOUGH = 4000
#: What the most frequent words of each script are made of, names of people and places included.
_FREQUENT = re.compile(
    "[的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说方后多定行学法所民得经十三之进等部"
    "家电力里如水高自二理小物现加量都体机当点业本去性好开它合还因由天四日事平全表间新数明看原名姓号邮箱址话市区路街县省客户单先生女士王李张刘"
    "陈杨黄赵周吴徐孙马朱胡郭何林高罗郑梁這個們來時國會對說過後經學發電話號碼姓名地址郵件客戶訂單張陳劉楊黃趙吳孫馬羅鄭東京都道府県町村様田中山"
    "川本木村井藤佐鈴高橋渡辺伊加吉松林이다는의에을가고하를로사지기한인은어서도리라시나자대수정주김박최조강윤장임오신권황안송홍성명전화번호메일우편]"
)
_LIKELY = re.compile(
    "[äöüßéèêëàâçñåøæíóáúãõôîïœąćęłńśźżěščřžýďťůňğışőűțșăģķļņāēīū\u00a0«»„“”‘’–—…°§€№·¡¿²³½"
    "а-яёіїєўα-ωά-ώς\u05d0-\u05ea\u0621-\u064a\u0e01-\u0e3a\u0e40-\u0e4eぁ-ゖァ-ヺー、。，．：；！？（）「」・　]"
)
_POSSIBLE = re.compile("[À-ÖØ-ÞĀ-ſΑ-ΩА-ЯЁІЇЄЎ一-龥가-힣]")
#: A capital in the middle of a word, letters of two scripts in one word, accents on three letters in a row, signs that nobody types, half-width kana.
_ODD = re.compile(
    "(?<=[À-ÖØ-öø-ſ][À-ÖØ-öø-ſ])[À-ÖØ-öø-ſ]|"
    "(?<=[a-zß-öø-ÿа-яёα-ω])[À-ÖØ-ÞА-ЯЁΑ-Ω]|(?<=[A-Za-z])[а-яёα-ωΑ-Ω\u05d0-\u05ea\u0621-\u064a]|(?<=[а-яёα-ωА-Я])[A-Za-zß-öø-ÿ]"
    "|[\x80-\x9f¤¦¨¬¯´¸×÷¢¥¶¹º\u2020-\u2022\u2030\u2039\u203a\u2190-\u2bff\uff61-\uff9f\ue000-\uf8ff\ufffd]"
)


def text_of(data: bytes, gate: Gate | None = None) -> str:
    """What the bytes say: UTF-8, else the charset in which a subject is seen in them, else the one in which they look like text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = _best(data, gate)[0]
    # A byte too many in UTF-8, or a character that was cut: no other charset shows what the rest says.
    if gate is not None and not gate.passes_text(text) and gate.passes_text(data.decode("utf-8", "surrogateescape")):
        return data.decode("utf-8", "replace")
    return text


def readings(data: bytes) -> Iterator[tuple[str, str]]:
    """Every reading of bytes that are not UTF-8, as text and codec; each codec gives exactly these bytes back. Latin-1 always does."""
    for codec in _ALL:
        text = _strictly(data, codec)
        if text is not None:
            yield text, codec


def redacted(data: bytes, redact: Callable[[str], str]) -> bytes:
    """The bytes without what any reading of them shows of a subject; all else keeps its bytes. UTF-8 with a wrong byte in it is a reading, too."""
    lenient = data.decode("utf-8", "surrogateescape")
    now = redact(lenient)
    data = data if now == lenient else now.encode("utf-8", "surrogateescape")
    for codec in () if is_utf8(data) else _ALL:
        text = _strictly(data, codec)
        if text is not None:
            data = encoded_like(data, codec, text, redact(text))
    return data


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
        return text if text.encode(codec) == data else None
    except UnicodeError:
        return None


def replaced(data: bytes, now: str) -> bytes:
    """A new value in the charset of the bytes that it stands in for."""
    codec = "utf-8" if is_utf8(data) else _best(data, None)[1]
    return now.encode(codec, "replace")


def hidden_signs(head: bytes) -> str:
    """The codec of a file that begins so, if its characters may hold the bytes of `|`, `^`, `~` and the backslash; else empty."""
    if is_utf8(head) or not NOT_WESTERN.search(head):
        return ""
    lines = head[: head.rfind(b"\n")]
    codec = _best(lines[:_ENOUGH][: lines[:_ENOUGH].rfind(b"\n")], None)[1]
    return codec if codec in _HIDING and _strictly(lines, codec) is not None else ""


def is_utf8(data: bytes) -> bool:
    """True for UTF-8, ASCII included."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_told(head: bytes) -> bool:
    """True if the bytes of a file's beginning look like text in one of the charsets that are tried."""
    lines = b"\n".join(line for line in re.split(rb"[\r\n]+", head)[:-1] or [head] if not is_utf8(line))[:_ENOUGH]
    lines = lines[: lines.rfind(b"\n")] if b"\n" in lines else lines
    return not lines or _plausible(_best(lines, None)[0]) >= 0.5


def _best(data: bytes, gate: Gate | None) -> tuple[str, str]:
    if gate is None and not NOT_WESTERN.search(data):
        return next(readings(data))
    ranked = [(_seen(text, gate), _plausible(text) - 0.2 * (codec in _RARE), -at, text, codec) for at, (text, codec) in enumerate(readings(data))]
    *_, text, codec = max(ranked)
    return text, codec


def _seen(text: str, gate: Gate | None) -> int:
    return len(gate.hits(text.encode())) if gate is not None else 0


def _plausible(text: str) -> float:
    """How much the letters beyond ASCII look like a language: about 1 for text, below 0 for what it is not."""
    text = text[:_ENOUGH]
    count = len(_HIGH.findall(text))
    if not count:
        return 0.0
    good = 1.5 * len(_FREQUENT.findall(text)) + len(_LIKELY.findall(text)) + 0.35 * len(_POSSIBLE.findall(text))
    return (good - 2 * len(_ODD.findall(text))) / count
