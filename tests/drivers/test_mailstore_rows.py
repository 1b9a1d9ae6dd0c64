"""The usual answers to FETCH are taken apart as the client library takes them apart, and unusual ones are left to it."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from imapclient.response_parser import parse_response

from dsr_engine.drivers.mailstore.imap_answers import _date, _parsed_rows, flags_of
from dsr_engine.drivers.mailstore.imap_rows import plain_rows

_flag = st.sampled_from([b"\\Seen", b"\\Deleted", b"$Label1", b"12", b"NIL", b"NonJunk"])
_number = st.integers(1, 2**32 - 1)
_date_text = st.sampled_from([b" 4-Mar-2021 05:06:07 +0000", b"31-Dec-1999 23:59:59 -1130", b"04-Mar-2021 05:06:07 +0100"])


def facts(uid: int, size: int, date: bytes, flags: list[bytes]) -> bytes:
    return b'%d (UID %d RFC822.SIZE %d INTERNALDATE "%s" FLAGS (%s))' % (uid % 9 + 1, uid, size, date, b" ".join(flags))


@given(st.lists(st.tuples(_number, _number, _date_text, st.lists(_flag, max_size=4)), min_size=1, max_size=5))
def test_sizes_dates_and_flags_are_read_as_the_library_reads_them(told: list[tuple[int, int, bytes, list[bytes]]]) -> None:
    answer = [facts(*each) for each in told]
    plain = plain_rows(answer)
    assert plain is not None
    for (uid, row), (other, items) in zip(plain, _parsed_rows(answer), strict=True):
        assert (uid, row[b"RFC822.SIZE"]) == (other, items[b"RFC822.SIZE"])
        assert _date(row[b"INTERNALDATE"]) == _date(items[b"INTERNALDATE"]) is not None
        assert flags_of(row[b"FLAGS"]) == flags_of(items[b"FLAGS"])


@given(st.lists(st.tuples(_number, st.binary(max_size=80)), min_size=1, max_size=5))
@example([(7, b") FLAGS (\\Seen")])
def test_contents_are_read_as_the_library_reads_them(told: list[tuple[int, bytes]]) -> None:
    answer: list[Any] = []
    for uid, body in told:
        answer += [(b"1 (UID %d BODY[] {%d}" % (uid, len(body)), body), b")"]
    plain = plain_rows(answer)
    assert plain is not None
    assert [(uid, row[b"BODY[]"]) for uid, row in plain] == [(uid, body) for uid, body in told]
    assert len(parse_response(list(answer))) == 2 * len(told)


def test_anything_else_is_left_to_the_library() -> None:
    body = (b"1 (UID 7 BODY[] {2}", b"ab")
    for answer in (
        [None],
        [b"1 (FLAGS (\\Seen))"],
        [body],
        [body, b" FLAGS (\\Seen))"],
        [body, b")", b"2 (FLAGS ())"],
        [(b"1 (UID 7 BODY[] {3}", b"ab"), b")"],
        [(b"1 (FLAGS () UID 7 BODY[] {2}", b"ab"), b")"],
        [(b"1 (UID 7 BODY[]<0> {2}", b"ab"), b")"],
        [b")"],
        [body, body],
        [facts(7, 5, b"4-Mar-2021", [])],
        [facts(7, 5, b"04-Mar-2021 05:06:07 +0000", [b'"'])],
    ):
        assert plain_rows(answer) is None
