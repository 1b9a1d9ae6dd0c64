"""Sealed messages (CMS) to test with, put together value by value, so that no key is needed and every byte is known."""

import zlib


def tlv(tag: int, *content: bytes) -> bytes:
    """One value in DER."""
    data = b"".join(content)
    size = bytes([len(data)]) if len(data) < 128 else bytes([0x83]) + len(data).to_bytes(3, "big")
    return bytes([tag]) + size + data


_PKCS7 = bytes.fromhex("2a864886f70d0107")
_COMPRESSED = bytes.fromhex("2a864886f70d0109100109")


def signed(content: bytes, who: bytes = b"somebody@example.org", *, is_streamed: bool = False) -> bytes:
    """CMS signed-data (RFC 5652) around a message, with a subject's name as a certificate has it."""
    octets = tlv(4, content)
    if is_streamed:
        octets = b"\x24\x80" + b"".join(tlv(4, content[at : at + 50]) for at in range(0, len(content), 50)) + b"\0\0"
    inner = tlv(0x30, tlv(6, _PKCS7 + b"\x01"), tlv(0xA0, octets))
    if is_streamed:
        inner = b"\x30\x80" + tlv(6, _PKCS7 + b"\x01") + b"\xa0\x80" + octets + b"\0\0" + b"\0\0"
    name = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), tlv(0x16, who))))
    certificates = tlv(0xA0, tlv(0x30, name))
    return tlv(0x30, tlv(6, _PKCS7 + b"\x02"), tlv(0xA0, tlv(0x30, tlv(2, b"\x01"), tlv(0x31), inner, certificates, tlv(0x31))))


def compressed(content: bytes) -> bytes:
    """CMS compressed-data (RFC 3274)."""
    inner = tlv(0x30, tlv(6, _PKCS7 + b"\x01"), tlv(0xA0, tlv(4, zlib.compress(content))))
    return tlv(0x30, tlv(6, _COMPRESSED), tlv(0xA0, tlv(0x30, tlv(2, b"\0"), tlv(0x30, tlv(6, b"\x2a\x03")), inner)))


def enveloped() -> bytes:
    """CMS enveloped-data: nobody reads it without a key."""
    return tlv(
        0x30, tlv(6, _PKCS7 + b"\x03"), tlv(0xA0, tlv(0x30, tlv(2, b"\0"), tlv(0x31), tlv(0x30, tlv(6, _PKCS7 + b"\x01"), tlv(0x80, b"?" * 90))))
    )


def with_wide_name(name: str) -> bytes:
    """A signature without content, with a name as old certificates have it: UTF-16."""
    certificates = tlv(0xA0, tlv(0x30, tlv(0x1E, name.encode("utf-16-be"))))
    inner = tlv(0x30, tlv(6, _PKCS7 + b"\x01"))
    return tlv(0x30, tlv(6, _PKCS7 + b"\x02"), tlv(0xA0, tlv(0x30, tlv(2, b"\x01"), tlv(0x31), inner, certificates, tlv(0x31))))
