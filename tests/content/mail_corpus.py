"""A small corpus of mails as they occur in the wild, each with the people who are in it: written by us, byte by byte, after what real programs send.

A search for the identifiers in the raw bytes finds fewer than half of them. `tests.content.mail_corpus_bodies` holds the other half of the corpus.
"""

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass

from dsr_engine.domain.selector import Secret, Selector


def _person(email: str, name: str) -> tuple[Selector, ...]:
    return (Selector("s-email", "email", Secret(email), verified=True), Selector("s-name", "name", Secret(name), verified=True))


#: Made-up people of several scripts.
PEOPLE = {
    "jane": _person("jay.dee@example.com", "Jane Doe"),
    "jörg": _person("joerg@müßig.example", "Jörg Müßig"),
    "иван": _person("ivan.petrov@example.ru", "Иван Петров"),
    "山田": _person("yamada@example.jp", "山田太郎"),
    "王": _person("wang@example.cn", "王小明"),
    "김": _person("kim@example.kr", "김철수"),
}


@dataclass(frozen=True)
class Letter:
    """One mail. `who` are the people in it; `gap` a code that must be told; `is_erasable` is False where a rewrite has to be refused."""

    name: str
    data: bytes
    who: tuple[str, ...] = ("jane",)
    gap: str = ""
    is_erasable: bool = True


def letter(headers: bytes | str, body: bytes = b"hello\n") -> bytes:
    """A mail between strangers with these headers more."""
    more = headers.encode() if isinstance(headers, str) else headers
    return b"From: bob@example.org\nTo: eve@example.net\nDate: Mon, 1 Jun 2026 10:00:00 +0000\n" + more.strip(b"\n") + b"\n\n" + body


def b64(data: bytes | str) -> bytes:
    return base64.encodebytes(data.encode() if isinstance(data, str) else data)


def qp(data: bytes | str) -> bytes:
    return quopri.encodestring(data.encode() if isinstance(data, str) else data)


def _b(text: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def _q(data: bytes) -> str:
    return "".join(f"={byte:02x}" for byte in data)


def encoded_words() -> Iterator[Letter]:
    """RFC 2047, and what is made of it."""
    yield Letter("words-b", letter(f"Subject: {_b('about Jane Doe')}"))
    yield Letter("words-q-lower-hex", letter(f"Subject: =?utf-8?q?{_q(b'jay.dee@example.com')}?="))
    yield Letter("words-split-address", letter("Subject: =?utf-8?Q?jay.dee?=\n =?utf-8?B?QGV4YW1wbGUuY29t?="))
    data = "山田太郎".encode()
    words = " ".join(f"=?utf-8?B?{base64.b64encode(piece).decode()}?=\n" for piece in (data[:4], data[4:7], data[7:]))
    yield Letter("words-split-character-b", letter(f"Subject: {words}"), ("山田",))
    words = " ".join(f"=?UTF-8?Q?{_q(piece)}?=\n" for piece in (data[:2], data[2:5], data[5:]))
    yield Letter("words-split-character-q", letter(f"Subject: {words}"), ("山田",))
    words = f"=?utf-8?B?{base64.b64encode(data[:4]).decode()}?=\n =?utf-8?Q?{_q(data[4:])}?="
    yield Letter("words-split-character-mixed", letter(f"Subject: {words}"), ("山田",))
    yield Letter("words-unknown-charset", letter(f"Subject: =?x-nobody-knows?Q?{_q(b'jay.dee@example.com')}?="))
    yield Letter("words-unknown-charset-beyond-ascii", letter(f"Subject: =?x-nobody?B?{b64('о том, что Иван Петров').decode().strip()}?="), ("иван",))
    yield Letter("words-in-quotes", letter('Cc: "=?utf-8?Q?J=61ne_D=6fe?=" <x@example.org>'))
    yield Letter("words-in-comment", letter("Cc: x@example.org (=?utf-8?B?SmFuZSBEb2U=?=)"))
    yield Letter("words-with-spaces", letter("Subject: =?utf-8?Q?about J=61ne D=6fe and?= all"))
    yield Letter("words-without-space-between", letter("Subject: =?utf-8?B?SmFu?==?utf-8?B?ZSBEb2U=?="))
    yield Letter("words-with-language", letter("Subject: =?utf-8*en?Q?J=61ne_D=6fe?="))
    yield Letter("words-without-padding", letter("Subject: =?utf-8?B?YWJvdXQgSmFuZSBEb2U?="))
    yield Letter("words-one-of-two-broken", letter("Subject: =?utf-8?B?!?= =?utf-8?B?SmFu?= =?utf-8?B?ZSBEb2U=?="))
    yield Letter("words-folded-inside", letter("Subject: =?utf-8?B?YWJvdXQg\n SmFuZSBEb2U=?="))
    yield Letter("words-question-mark", letter("Subject: =?utf-8?Q?who?_J=61ne_D=6fe?_yes?="))
    for charset in ("gb2312", "gbk", "gb18030"):
        yield Letter(f"words-{charset}", letter(f"Subject: {_b('关于王小明', charset)}"), ("王",))
    for charset in ("big5", "big5-hkscs"):
        yield Letter(f"words-{charset}", letter(f"Subject: {_b('關於王小明', charset)}"), ("王",))
    for charset in ("euc-kr", "ks_c_5601-1987", "cp949"):
        yield Letter(f"words-{charset}", letter(f"Subject: {_b('김철수 님', charset)}"), ("김",))
    for charset in ("iso-2022-jp", "shift_jis", "euc-jp", "cp932"):
        yield Letter(f"words-{charset}", letter(f"Subject: {_b('山田太郎様', charset)}"), ("山田",))
    for charset in ("koi8-r", "koi8-u", "windows-1251", "iso-8859-5", "ibm866"):
        yield Letter(f"words-{charset}", letter(f"Subject: {_b('о том, что Иван Петров', charset)}"), ("иван",))
    yield Letter("words-utf-7", letter("Subject: =?utf-7?Q?about_J+APY-rg_M+APwA3w-ig?="), ("jörg",))
    yield Letter("words-unknown-8bit", letter(f"Subject: =?unknown-8bit?B?{b64('Иван Петров').decode().strip()}?="), ("иван",))


def raw_headers() -> Iterator[Letter]:
    """Eight-bit headers, SMTPUTF8, and headers that are no headers."""
    for charset in ("utf-8", "windows-1251", "koi8-r"):
        yield Letter(f"raw-{charset}", letter(b"Subject: " + "к вам пришел Иван Петров".encode(charset)), ("иван",))
    yield Letter("raw-gbk", letter(b"Subject: " + "关于王小明的合同".encode("gbk")), ("王",))
    yield Letter("raw-shift-jis", letter(b"Subject: " + "山田太郎様の契約について".encode("shift_jis")), ("山田",))
    yield Letter("raw-iso-2022-jp", letter(b"Subject: " + "山田太郎様の契約について".encode("iso-2022-jp")), ("山田",))
    yield Letter("raw-latin-1-name", letter(b"Cc: J\xf6rg M\xfc\xdfig <other@example.org>"), ("jörg",))
    yield Letter("raw-koi8-name", letter(b"Cc: " + "Иван Петров".encode("koi8-r") + b" <other@example.org>"), ("иван",))
    yield Letter("smtputf8", letter("Cc: joerg@müßig.example"), ("jörg",))
    yield Letter("punycode", letter("Cc: joerg@xn--mig-5ka8l.example"), ("jörg",))
    yield Letter("folded-address", letter("Cc: jay.dee@\n example.com"))
    yield Letter("folded-local-part", letter("Cc: Some Body <jay.\n\tdee@example.com>"))
    yield Letter("folded-token", letter("X-Original: for jay.dee@exa\n mple.com"))
    yield Letter("comment-in-address", letter("Cc: jay.dee(home)@example.com"))
    yield Letter("comment-behind-at", letter("Cc: Some Body <jay.dee@(work)example.com>"))
    yield Letter("spaces-in-address", letter("Cc: jay . dee @ example . com"))
    yield Letter("quoted-local-part", letter('Cc: "jay.dee"@example.com'))
    yield Letter("quoted-local-part-escaped", letter('Cc: <"jay\\.dee"@example.com>'))
    yield Letter("quoted-words-of-local-part", letter('Cc: "jay"."dee"@example.com'))
    yield Letter("group", letter("Cc: Friends: Some Body <some@example.org>,\n Jane <JAY.DEE@EXAMPLE.COM>;"))
    yield Letter("route", letter("Cc: <@relay.example.org,@two.example.org:jay.dee@example.com>"))
    yield Letter("verp", letter("Return-Path: <list-bounces+jay.dee=example.com@lists.example.org>"))
    yield Letter("srs", letter("Return-Path: <SRS0=HHH=TT=example.com=jay.dee@forward.example.org>"))
    yield Letter("dkim-copied-headers", letter("DKIM-Signature: v=1; a=rsa-sha256; z=From:=20Some=20Body=20<jay.de\n e=40example.com>|To:eve"))
    yield Letter("percent-in-list-header", letter("List-Unsubscribe: <https://example.org/u?m=jay.dee%40example.com>"))
    yield Letter("cr-only", letter("Cc: Jane <jay.dee@example.com>\nContent-Transfer-Encoding: base64", b64("hello")).replace(b"\n", b"\r"))
    yield Letter("cr-only-body", letter("Content-Transfer-Encoding: base64", b64("hello " * 30 + "jay.dee@example.com")).replace(b"\n", b"\r"))
    yield Letter(
        "mixed-line-ends", b"From: bob@example.org\rTo: eve@example.net\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64("x jay.dee@example.com")
    )
    yield Letter("nul-in-address", letter(b"Cc: jay.\0dee@example.com"))
    yield Letter("byte-order-mark", b"\xef\xbb\xbf" + letter("Content-Transfer-Encoding: base64", b64("this is jay.dee@example.com")))
    yield Letter("mbox-line", b"From bob@example.org Mon Jun  1 10:00:00 2026\n" + letter("Content-Transfer-Encoding: base64", b64("dear Jane Doe,")))
    yield Letter("headers-without-body", b"From: bob@example.org\nTo: eve@example.net\nCc: =?utf-8?q?jay=2Edee=40example=2Ecom?=")
    yield Letter(
        "line-that-is-no-header",
        b"From: bob@example.org\nTo: eve@example.net\nthis is no header\nContent-Transfer-Encoding: base64\n\n" + b64("Jane Doe"),
    )
    yield Letter(
        "file-name-2231",
        letter("Content-Disposition: attachment; filename*0*=utf-8'en'j%61y;\n filename*1*=%2Edee%40ex; filename*2=\"ample.com.txt\""),
    )
    yield Letter(
        "file-name-2231-charset", letter("Content-Disposition: attachment; filename*=koi8-r'ru'%E9%D7%C1%CE%20%F0%C5%D4%D2%CF%D7.txt"), ("иван",)
    )
    yield Letter("file-name-2231-unknown", letter("Content-Disposition: attachment; filename*=x-nobody''jay%2Edee%40example%2Ecom.txt"))
    yield Letter("file-name-word", letter('Content-Type: text/plain; name="=?utf-8?B?SmFuZSBE?= =?utf-8?B?b2UudHh0?="'))
    yield Letter("file-name-parts-plain", letter('Content-Disposition: attachment; filename*0="jay.d"; filename*1="ee@example.com.txt"'))
    yield Letter("file-name-raw", letter(b'Content-Disposition: attachment; filename="' + "Иван Петров".encode("koi8-r") + b'.txt"'), ("иван",))
    yield Letter("other-parameter", letter("Content-Type: text/plain; x-sender*=utf-8''jay%2Edee%40example%2Ecom"))
    yield Letter("of-a-stranger", letter('Cc: "jay_dee"@example.com, jay.dee(x)@example.community\nSubject: =?utf-8?Q?J=61net_Doe?='), ())
