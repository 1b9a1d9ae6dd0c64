"""Names of charsets as mails and files give them, and which of them name a codec that can read any bytes."""

import codecs
from functools import lru_cache

WIDE = ("utf-16", "utf-32")
_ANY_BYTES = bytes(range(256)) * 2
#: Other names than Python's, and names of charsets that programs take for a larger one (WHATWG Encoding, §4.2): what is declared so is often that.
_ALSO = {
    "gb18030": "gb2312 gbk gb_2312-80 euc-cn x-gbk cn-gb csgb2312 cp936 ms936 windows-936 chinese x-mac-chinesesimp gb18030-2022",
    "big5hkscs": "x-x-big5 cn-big5 big5 csbig5 big5-eten x-mac-chinesetrad",
    "cp950": "cp950 windows-950",
    "cp949": (
        "euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc_5601 ksc5601 ks_c_5601 korean euckr x-windows-949 windows-949 x-mac-korean iso-ir-149 "
        "csksc56011987 cseuckr ms949"
    ),
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j csshiftjis x-ms-cp932 x-mac-japanese ms932 windows-932",
    "euc_jp": "x-euc-jp x-eucjp cseucjp",
    "iso2022_jp_ext": "iso-2022-jp iso-2022-jp-ms cp50220 cp50221 cp50222 csiso2022jp x-windows-iso2022jp x-iso-2022-jp",
    "hz": "hz-gb-2312",
    "iso2022_kr": "csiso2022kr",
    "utf-7": "unicode-1-1-utf-7 x-unicode-2-0-utf-7 x-utf-7",
    "utf-8": "unicode-1-1-utf-8 utf8mb4 x-unicode-2-0-utf-8 utf-8-mac x-utf-8",
    "utf-16": "ucs-2 iso-10646-ucs-2 unicode",
    "utf-16-be": "unicodefffe",
    "utf-16-le": "x-utf-16le",
    "utf-32": "iso-10646-ucs-4 ucs-4",
    "mac-roman": "macintosh x-mac-roman mac x-macintosh",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "mac-latin2": "x-mac-ce",
    "mac-greek": "x-mac-greek",
    "mac-turkish": "x-mac-turkish",
    "mac-iceland": "x-mac-icelandic",
    "mac-croatian": "x-mac-croatian",
    "mac-romanian": "x-mac-romanian",
    "mac-arabic": "x-mac-arabic",
    "cp1255": "x-mac-hebrew iso-8859-8-i iso-8859-8-e iso-8859-8 logical visual",
    "cp874": "x-mac-thai tis-620 windows-874 iso-8859-11",
    "iso8859-6": "iso-8859-6-i iso-8859-6-e",
    "cp862": "dos-862",
    "cp1254": "iso-8859-9",
    "cp1250": "x-cp1250",
    "cp1251": "x-cp1251 win-1251 win1251 windows1251",
    "cp1252": "x-cp1252 windows1252 x-ansi ansi",
    "koi8-r": "koi8 koi koi8r cskoi8r x-koi8-r",
    "koi8-u": "koi8-ru",
    "ascii": "us-acsii x-us-ascii",
    "latin-1": "x-iso-8859-1",
}
_OTHER_NAMES = {name: codec for codec, names in _ALSO.items() for name in names.split()}


@lru_cache(maxsize=1024)
def known_codec(name: str) -> str:
    """Python's name of a text codec that reads any bytes, or nothing. UTF-16 and UTF-32 without a byte order mark are big-endian (RFC 2781 §4.3)."""
    try:
        plain = name.strip().strip("\"'").strip().lower()
        found = codecs.lookup(_OTHER_NAMES.get(plain.replace(" ", "-"), plain)).name
        found = f"{found}-be" if found in WIDE else found
        " ".encode(found)
        _ANY_BYTES.decode(found, "replace")
        codecs.getincrementaldecoder(found)("replace").decode(_ANY_BYTES, final=True)
        return found
    except (LookupError, TypeError, ValueError):  # ValueError: a NUL in the name, or picky (idna); TypeError, LookupError: not a text codec
        return ""
