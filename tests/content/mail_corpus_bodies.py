"""The bodies and structures of the small corpus: charsets, transfer encodings, mails in mails, and MIME that is broken."""

import base64
import binascii
import gzip
from collections.abc import Iterator

from tests.content.mail_corpus import Letter, b64, letter, qp
from tests.content.sealed_mails import compressed, enveloped, signed, with_wide_name

_MIXED = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=frontier"


def _text(body: bytes, charset: str, cte: str = "base64") -> bytes:
    data = {"base64": b64, "quoted-printable": qp}.get(cte, bytes)(body)
    return letter(f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {cte}", data)


def _parts(*parts: bytes, boundary: bytes = b"frontier") -> bytes:
    return b"".join(b"--" + boundary + b"\n" + part.rstrip(b"\n") + b"\n" for part in parts) + b"--" + boundary + b"--\n"


def _file(data: bytes, kind: str = "application/octet-stream", name: str = "a.bin", cte: str = "base64") -> bytes:
    return f"Content-Type: {kind}; name={name}\nContent-Transfer-Encoding: {cte}\n\n".encode() + (b64(data) if cte == "base64" else data)


def uuencoded(data: bytes, name: str = "a.txt") -> bytes:
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    return b"begin 644 " + name.encode() + b"\n" + lines + b"`\nend\n"


def yencoded(data: bytes, name: str = "a.txt") -> bytes:
    coded = b"".join(b"=" + bytes([(byte + 106) % 256]) if (byte + 42) % 256 in (0, 10, 13, 61) else bytes([(byte + 42) % 256]) for byte in data)
    return b"=ybegin line=128 size=%d name=%s\n" % (len(data), name.encode()) + coded + b"\n=yend size=%d\n" % len(data)


def charsets() -> Iterator[Letter]:
    """Every charset that occurs, declared as it is declared there."""
    for names, codec, text, who in (
        (("gb2312", "gbk", "GB18030", "cp936", "x-gbk", "euc-cn"), "gb18030", "你好\n王小明先生\n", "王"),
        (("big5", "big5-hkscs", "x-x-big5", "cn-big5"), "big5", "您好\n王小明先生\n", "王"),
        (("hz-gb-2312",), "hz", "你好\n王小明先生\n", "王"),
        (("euc-kr", "ks_c_5601-1987", "cp949", "x-windows-949", "iso-2022-kr"), "", "안녕\n김철수 님\n", "김"),
        (("iso-2022-jp", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-ms", "cp50220"), "iso-2022-jp", "こんにちは\n山田太郎様\n", "山田"),
        (("shift_jis", "cp932", "windows-31j", "x-sjis", "ms_kanji"), "cp932", "こんにちは\n山田太郎様\n", "山田"),
        (("euc-jp", "x-euc-jp"), "euc-jp", "こんにちは\n山田太郎様\n", "山田"),
        (("koi8-r", "koi8-u", "windows-1251", "iso-8859-5", "ibm866", "x-mac-cyrillic"), "", "привет\nИван Петров\n", "иван"),
        (("iso-8859-1", "windows-1252", "iso-8859-15", "macintosh", "x-mac-roman", "cp850", "windows-1250"), "", "hallo\nJörg Müßig\n", "jörg"),
    ):
        for name in names:
            real = codec or {"ks_c_5601-1987": "cp949", "x-windows-949": "cp949", "x-mac-cyrillic": "mac_cyrillic"}.get(name, name)
            real = {"macintosh": "mac_roman", "x-mac-roman": "mac_roman"}.get(real, real)
            yield Letter(f"charset-{name}", _text(text.encode(real), name), (who,))
    yield Letter("charset-utf-7", _text(b"hallo\nJ+APY-rg M+APwA3w-ig\n", "utf-7", "7bit"), ("jörg",))
    yield Letter(
        "charset-utf-7-unicode-1-1",
        _text(b"hallo\n+AGoAYQB5AC4AZABlAGUAQABlAHgAYQBtAHAAbABlAC4AYwBvAG0-\n", "unicode-1-1-utf-7", "7bit"),
        is_erasable=False,
    )
    yield Letter("charset-utf-16", _text("hello\nthis is jay.dee@example.com\n".encode("utf-16"), "utf-16"))
    yield Letter("charset-utf-16-without-mark", _text("hallo\nJörg Müßig\n".encode("utf-16-be"), "utf-16"), ("jörg",))
    yield Letter("charset-ascii-is-utf-8", _text("hallo\nJörg Müßig\n".encode(), "ANSI_X3.4-1968", "quoted-printable"), ("jörg",))
    yield Letter("charset-utf-8-is-1252", _text("hallo\nJörg Müßig\n".encode("cp1252"), "utf-8", "8bit"), ("jörg",))
    yield Letter("charset-utf-8-is-gbk", _text("你好\n王小明先生\n".encode("gbk"), "utf-8", "8bit"), ("王",))
    yield Letter("charset-utf-8-is-koi8", _text("привет\nИван Петров\n".encode("koi8-r"), "utf-8"), ("иван",))
    yield Letter("charset-euc-kr-is-gbk", _text("你好，我们收到了您的合同，谢谢\n王小明先生\n".encode("gbk"), "euc-kr"), ("王",), is_erasable=False)
    yield Letter("charset-gb2312-is-utf-8", _text("你好\n王小明先生\n".encode(), "gb2312"), ("王",))
    yield Letter("charset-unknown-8bit", _text("привет\nИван Петров\n".encode(), "unknown-8bit"), ("иван",))
    yield Letter("charset-unknown", _text("привет\nИван Петров\n".encode("koi8-r"), "x-nobody-knows", "8bit"), ("иван",))
    yield Letter(
        "charset-in-comment",
        letter('Content-Type: text/plain; charset="koi8-r" (Russian)\nContent-Transfer-Encoding: 8bit', "Иван Петров\n".encode("koi8-r")),
        ("иван",),
    )
    yield Letter(
        "charset-of-page",
        _text(b"<html><meta charset=gb2312><p>" + "王小<b>明</b>".encode("gbk") + b"</p></html>", "gb2312").replace(b"text/plain", b"text/html"),
        ("王",),
    )


def transfer_encodings() -> Iterator[Letter]:
    """Each with every breakage."""

    def one(cte: str, body: bytes) -> bytes:
        return letter(f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {cte}", body)

    whole = base64.b64encode(b"good day, here is what jay.dee@example.com wrote to us\n")
    yield Letter("qp-soft-breaks", one("quoted-printable", b"hello j=\nay.=\ndee@exam=\nple.com\n"))
    yield Letter("qp-lower-hex", one("quoted-printable", b"hello j=61y=2edee=40example=2ecom\n"))
    yield Letter("qp-spaces-behind-break", one("quoted-printable", b"hello jay.dee@exa= \t\nmple.com\n"))
    yield Letter("qp-break-at-end", one("quoted-printable", b"hello j=61y.dee@exampl=65.com="))
    yield Letter("qp-broken-escapes", one("Quoted-Printable ", b"100=% =ZZ =4 j=61y.dee@exampl=65.com\n"))
    yield Letter("qp-crlf", one("quoted-printable", b"hello jay.dee=40ex=\namp=\nle.com\n").replace(b"\n", b"\r\n"))
    yield Letter("qp-comment", one("quoted-printable (as ever)", b"hello jay.dee=40ex=\nample.com\n"))
    yield Letter("qp-quoted", one('"quoted-printable"', b"hello jay.dee=40ex=\nample.com\n"))
    yield Letter("base64-without-padding", one("base64", whole.rstrip(b"=")))
    yield Letter("base64-one-long-line", one("BASE64", base64.b64encode(b"good day " * 3000 + b"jay.dee@example.com\n")))
    yield Letter("base64-short-lines", one("base64", b"\n".join(whole[at : at + 4] for at in range(0, len(whole), 4)) + b"\n"))
    yield Letter("base64-spaces", one("base64", b" ".join(whole[at : at + 7] for at in range(0, len(whole), 7)) + b"\n"), is_erasable=False)
    yield Letter("base64-dirt", one("base64", b"!".join(whole[at : at + 9] for at in range(0, len(whole), 9)) + b"\n"), is_erasable=False)
    yield Letter("base64-two-texts", one("base64", b64("good day\n") + b64("to jay.dee@example.com\n")))
    yield Letter("base64-cut", one("base64", whole[:-6]))
    yield Letter("base64-footer", one("base64", whole + b"\n\n-- \nJane Doe, by hand\n"), is_erasable=False)
    yield Letter(
        "cte-twice",
        one("7bit\nContent-Transfer-Encoding: base64", b"\n".join(whole[at : at + 4] for at in range(0, len(whole), 4))),
        is_erasable=False,
    )
    yield Letter("cte-twice-first", one("base64\nContent-Transfer-Encoding: 7bit", b"\n".join(whole[at : at + 4] for at in range(0, len(whole), 4))))
    yield Letter("cte-uuencode", one("x-uuencode", uuencoded(b"good day,\njay.dee@example.com\n")), is_erasable=False)
    yield Letter("cte-yenc", one("x-yenc", yencoded(b"good day,\njay.dee@example.com\n")), is_erasable=False)
    yield Letter("cte-unknown", one("x-secret", b"jay.dee@example.com\n"), gap="mime.encoding", is_erasable=False)
    yield Letter("cte-binary", one("binary", b"jay.dee@example.com and Jane\xa0Doe\r\n"))
    yield Letter(
        "uuencode-inline",
        letter("Subject: file", b"see here:\n\n" + uuencoded(b"nothing\n") + b"\nand\n" + uuencoded(b"dear jay.dee@example.com,\n")),
        is_erasable=False,
    )
    yield Letter("uuencode-damaged", letter("Subject: file", uuencoded(b"dear jay.dee@example.com,\n" * 4)[:-20]), is_erasable=False)
    yield Letter("yenc-inline", letter("Subject: file", b"see here:\n\n" + yencoded(b"dear jay.dee@example.com,\n")), is_erasable=False)
    yield Letter("binhex", letter("Subject: f", b'(This file must be converted with BinHex 4.0)\n:$f*TEQKPH#jdC@4!N!3"!:\n'), (), gap="mime.binhex")
    yield Letter("flowed-delsp", letter("Content-Type: text/plain; format=flowed; delsp=yes", b"please ask jay.dee@exam \nple.com about it\n"))
    yield Letter("flowed-quoted", letter("Content-Type: text/plain; format=flowed; delsp=yes", b"> please ask jay. \n> dee@example.com about it\n"))
    yield Letter("wrapped-address", letter("Subject: w", b"please ask <jay.dee@\nexample.com> about it\n"))
    yield Letter("entities", letter("Content-Type: text/html", b"<p>j&#97;y.dee&commat;exam<wbr>ple&period;com</p>"))
    yield Letter("enriched", letter("Content-Type: text/enriched", b"<bold>Jane</bold> Doe and jay.<italic>dee</italic>@example.com"))
    yield Letter(
        "text-that-is-a-file",
        letter("Content-Type: text/plain\nContent-Transfer-Encoding: base64", b64(gzip.compress(b"dear jay.dee@example.com,\n"))),
    )


def structures() -> Iterator[Letter]:
    """Mails in mails, reports, digests, seals."""
    inner = letter("Subject: =?utf-8?B?YWJvdXQg?=\n =?utf-8?B?SmFuZSBEb2U=?=", b"hello\n")
    secret = letter("Content-Transfer-Encoding: base64", b64("dear jay.dee@example.com,\n"))
    yield Letter("forwarded", letter(_MIXED, _parts(b"\nhello\n", b"Content-Type: message/rfc822\n\n" + inner)))
    yield Letter(
        "forwarded-base64", letter(_MIXED, _parts(b"\nhello\n", b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + b64(secret)))
    )
    deep = secret
    for _ in range(25):
        deep = letter("Content-Type: message/rfc822", deep)
    yield Letter("forwarded-25-times", deep)
    yield Letter(
        "multipart-in-base64",
        letter(_MIXED + "\nContent-Transfer-Encoding: base64", b64(_parts(b"\nhi\n", _file(b"jay.dee@example.com\n", name="a.txt")))),
        is_erasable=False,
    )
    yield Letter(
        "multipart-in-qp",
        letter(_MIXED + "\nContent-Transfer-Encoding: quoted-printable", _parts(b"\nhi\n", _file(b"jay.dee@example.com\n", name="a.txt"))),
    )
    digest = _parts(b"\n" + inner, b"\n" + secret)
    yield Letter("digest", letter("Content-Type: multipart/digest; boundary=frontier", digest))
    line = b"\n" + b"-" * 30 + b"\n\n"
    apart = inner.replace(b"YWJvdXQg?=", b"YWJvdXQgSmFuZSBE?=").replace(b"SmFuZSBEb2U=", b"b2U=")
    yield Letter(
        "digest-1153",
        letter(
            "Subject: List Digest, Vol 1",
            b"Topics\n\n" + b"-" * 70 + b"\n\n" + apart + line + b"From: x@example.org\nSubject: y\n\nbye\n" + line + b"End of List Digest\n",
        ),
    )
    yield Letter(
        "rfc822-headers", letter(_MIXED, _parts(b"\nreturned\n", b"Content-Type: text/rfc822-headers\n\n" + inner.split(b"\n\n")[0] + b"\n"))
    )
    report = b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; =?utf-8?q?jay.dee?=\n"
    yield Letter(
        "delivery-status",
        letter(
            "Content-Type: multipart/report; boundary=frontier", _parts(b"\nhi\n", report.replace(b"=?utf-8?q?jay.dee?=", b"jay.dee@example.com"))
        ),
    )
    yield Letter(
        "feedback-report",
        letter(
            "Content-Type: multipart/report; boundary=frontier",
            _parts(b"\nhi\n", b"Content-Type: message/feedback-report\n\nOriginal-Rcpt-To: <jay.dee@example.com>\n"),
        ),
    )
    yield Letter(
        "global",
        letter(
            _MIXED,
            _parts(b"\nhi\n", b"Content-Type: message/global\nContent-Transfer-Encoding: base64\n\n" + b64(letter("Cc: Jörg Müßig <x@example.org>"))),
        ),
        ("jörg",),
    )
    yield Letter("partial", letter('Content-Type: message/partial; id="x@y"; number=2; total=3', b64("jay.dee@example.com\n")), gap="mime.partial")
    yield Letter(
        "external-body",
        letter(
            _MIXED,
            _parts(b"\nhi\n", b'Content-Type: message/external-body; access-type=URL; URL="https://example.org/x"\n\nContent-Type: text/plain\n\n'),
        ),
        (),
        gap="mime.external",
    )
    yield Letter(
        "signed-opaque",
        letter(
            "Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64",
            b64(signed(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + b64("dear jay.dee@example.com\n"))),
        ),
        is_erasable=False,
    )
    yield Letter(
        "signed-opaque-streamed",
        letter(
            "Content-Type: application/x-pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64",
            b64(signed(b"Content-Type: text/plain\n\n" + b"x" * 60 + b" dear jay.dee@example.com\n", is_streamed=True)),
        ),
        is_erasable=False,
    )
    yield Letter(
        "signed-as-octets",
        letter(
            _MIXED, _parts(b"\nhi\n", _file(signed(b"Content-Transfer-Encoding: base64\n\n" + b64("dear jay.dee@example.com\n")), name="smime.p7m"))
        ),
        is_erasable=False,
    )
    yield Letter(
        "signed-twice",
        letter(
            "Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64",
            b64(signed(b"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n" + b64(signed(b"\ndear Jane Doe\n")))),
        ),
        is_erasable=False,
    )
    yield Letter(
        "compressed",
        letter(
            "Content-Type: application/pkcs7-mime; smime-type=compressed-data\nContent-Transfer-Encoding: base64",
            b64(compressed(b"Content-Type: text/plain\n\ndear jay.dee@example.com\n")),
        ),
        is_erasable=False,
    )
    yield Letter(
        "enveloped",
        letter("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64", b64(enveloped())),
        (),
        gap="mime.encrypted",
    )
    yield Letter(
        "enveloped-as-signed",
        letter("Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64", b64(enveloped())),
        (),
        gap="mime.encrypted",
    )
    yield Letter(
        "signature",
        letter(
            'Content-Type: multipart/signed; boundary=frontier; protocol="application/pkcs7-signature"',
            _parts(b"\nhello\n", _file(signed(b"", b"jay.dee@example.com"), "application/pkcs7-signature", "smime.p7s")),
        ),
        is_erasable=False,
    )
    yield Letter(
        "signature-wide-name",
        letter(
            "Content-Type: multipart/signed; boundary=frontier",
            _parts(b"\nhello\n", _file(with_wide_name("Jörg Müßig"), "application/pkcs7-signature", "smime.p7s")),
        ),
        ("jörg",),
        is_erasable=False,
    )
    yield Letter(
        "pgp-mime",
        letter(
            'Content-Type: multipart/encrypted; boundary=frontier; protocol="application/pgp-encrypted"',
            _parts(
                b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n",
                b"Content-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA+\n-----END PGP MESSAGE-----\n",
            ),
        ),
        (),
        gap="mime.encrypted",
    )
    yield Letter("pgp-inline", letter("Subject: x", b"-----BEGIN PGP MESSAGE-----\n\nhQEMA+\n-----END PGP MESSAGE-----\n"), (), gap="mime.encrypted")
    yield Letter(
        "pgp-inline-base64",
        letter("Content-Transfer-Encoding: base64", b64(b"hello\n-----BEGIN PGP MESSAGE-----\n\nhQEMA+\n-----END PGP MESSAGE-----\n")),
        (),
        gap="mime.encrypted",
    )
    yield Letter(
        "pgp-signed",
        letter(
            "Content-Transfer-Encoding: quoted-printable",
            b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -- \nj=61y.dee@example.com\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n",
        ),
    )
    calendar = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTENDEE;CN=J\n ane Doe:mailto:x@example.org\nEND:VEVENT\nEND:VCALENDAR\n"
    yield Letter(
        "invitation",
        letter(
            "Content-Type: multipart/alternative; boundary=frontier",
            _parts(
                b"\nhello\n", b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + b64(calendar)
            ),
        ),
    )
    yield Letter(
        "card",
        letter(
            _MIXED,
            _parts(b"\nhello\n", b"Content-Type: text/vcard\n\nBEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE:J=61ne D=\n=6Fe\nEND:VCARD\n"),
        ),
    )
    yield Letter(
        "related",
        letter(
            "Content-Type: multipart/related; boundary=frontier",
            _parts(
                b'Content-Type: text/html\n\n<img src="cid:jay.dee%40example.com">\n',
                b"Content-Type: image/x-nothing\nContent-ID: <jay.dee@\n example.com>\n\nxyz\n",
            ),
        ),
    )


def broken_structures() -> Iterator[Letter]:
    """MIME that no standard allows and every reader has to live with."""
    part = _file(gzip.compress(b"dear jay.dee@example.com,\n"), "application/gzip", "a.txt.gz")
    good = _parts(b"\nhello\n", part)
    yield Letter("broken-no-final-boundary", letter(_MIXED, good.replace(b"--frontier--\n", b"")))
    yield Letter(
        "broken-prefix-boundaries",
        letter(_MIXED, _parts(b"Content-Type: multipart/mixed; boundary=frontier2\n\n" + _parts(part, boundary=b"frontier2"), b"\nhello\n")),
    )
    yield Letter("broken-same-boundary", letter(_MIXED, _parts(b"Content-Type: multipart/mixed; boundary=frontier\n\n" + good, b"\nhello\n")))
    yield Letter("broken-boundary-behind-end", letter(_MIXED, _parts(b"\nhello\n") + _parts(part)))
    yield Letter("broken-boundary-in-text", letter(_MIXED, _parts(b"\nhello\n --frontier\n--frontierx\n", part)))
    yield Letter("broken-boundary-missing", letter("Content-Type: multipart/mixed", good))
    yield Letter("broken-boundary-empty", letter('Content-Type: multipart/mixed; boundary=""', _parts(b"\nhello\n", part, boundary=b"")))
    yield Letter("broken-boundary-wrong", letter("Content-Type: multipart/mixed; boundary=other", good))
    long = b"x" * 300
    yield Letter("broken-boundary-long", letter(b"Content-Type: multipart/mixed; boundary=" + long, _parts(b"\nhello\n", part, boundary=long)))
    yield Letter(
        "broken-boundary-spaces", letter('Content-Type: multipart/mixed; boundary="frontier "', good.replace(b"--frontier\n", b"--frontier  \t\n"))
    )
    yield Letter("broken-boundary-comment", letter("Content-Type: multipart/mixed; boundary=frontier (really)", good))
    yield Letter("broken-boundary-2231", letter("Content-Type: multipart/mixed; boundary*0=fron; boundary*1=tier", good))
    yield Letter(
        "broken-boundary-8bit", letter('Content-Type: multipart/mixed; boundary="grenze-ü"', _parts(b"\nhello\n", part, boundary="grenze-ü".encode()))
    )
    yield Letter(
        "broken-no-blank-line",
        letter(_MIXED, b"--frontier\nContent-Transfer-Encoding: base64\n" + b64("dear jay.dee@example.com,\n") + b"--frontier--\n"),
    )
    yield Letter("broken-type-twice", letter("Content-Type: text/plain\n" + _MIXED, good))
    yield Letter("broken-type-twice-first", letter(_MIXED + "\nContent-Type: text/plain", good))
    yield Letter("broken-type-invalid", letter("Content-Type: multipart;boundary=frontier", good))
    yield Letter("broken-type-slashes", letter("Content-Type: multipart/mixed/x; boundary=frontier", good))
    yield Letter("broken-type-comment", letter("Content-Type: (x) multipart/mixed (y); boundary=frontier", good))
    yield Letter("broken-type-commas", letter("Content-Type: multipart/mixed, boundary=frontier", good))
    yield Letter("broken-type-equals", letter("Content-Type: multipart/mixed; boundary = frontier", good))
    yield Letter("broken-name-of-header", letter("Content-Type : multipart/mixed; boundary=frontier", good))
    yield Letter("broken-one-part", letter(_MIXED, b"--frontier\n" + part))
    yield Letter("broken-cr-boundaries", letter(_MIXED, good).replace(b"\n", b"\r"))
    yield Letter("broken-mixed-boundaries", letter(_MIXED, good.replace(b"--frontier\n", b"--frontier\r")))
    yield Letter("broken-header-between", letter("this is no header\n" + _MIXED, good))
    yield Letter("broken-folded-blank", letter("Subject: x\n \nMIME-Version: 1.0\n" + _MIXED, good))
    yield Letter("broken-not-mime", letter("Content-Transfer-Encoding: base64", b64("dear jay.dee@example.com")))
