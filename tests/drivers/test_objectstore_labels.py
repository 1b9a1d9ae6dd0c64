"""Metadata, tags and headers beside an object: searched, decoded, redacted one by one, and everything else about the object stays."""

import gzip
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from email.header import decode_header, make_header
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite, SetValue
from dsr_engine.domain.record import Record
from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest
from dsr_engine.drivers.driver import Change, Done, Driver, Failed, Moved, Watched
from dsr_engine.drivers.objectstore.labels import label_units, relabelled
from dsr_engine.drivers.objectstore.shelf import Labels
from tests.drivers.conformance import REWRITER, foreseen, only, records
from tests.drivers.file_benches import BucketBench, content
from tests.drivers.objectstore_cases import change_of, changed, rewriting
from tests.drivers.people import MARK, NEIGHBOURS, PERSON, WordGate
from tests.servers.s3_server import S3Server

KEY = "orders/x.txt"


@pytest.fixture(params=["moto_s3", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


@pytest.fixture(params=[True, False], ids=["versions", "plain"])
def bench(server: S3Server, request: pytest.FixtureRequest) -> Iterator[BucketBench]:
    bench = BucketBench(server, versions=request.param)
    bench.write("orders/control.txt", content(NEIGHBOURS[0]), Metadata={"by": NEIGHBOURS[1]}, Tagging=f"by={quote(NEIGHBOURS[2])}")
    yield bench
    bench.close()


def told(bench: BucketBench, key: str = KEY) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Metadata without the engine's own, tags, and the headers that a client sees."""
    head = bench.client.head_object(Bucket=bench.bucket, Key=key)
    tags = {tag["Key"]: tag["Value"] for tag in bench.client.get_object_tagging(Bucket=bench.bucket, Key=key)["TagSet"]}
    names = ("ContentType", "CacheControl", "ContentDisposition", "ContentLanguage", "ContentEncoding", "WebsiteRedirectLocation")
    metadata = {name: value for name, value in head["Metadata"].items() if name != "dsr-replaces"}
    return metadata, tags, {name: head[name] for name in names if name in head}


def done(driver: Driver, record: Record) -> Change:
    """Redacts all that can be, and checks that it becomes what was foreseen."""
    change = change_of(driver, record, rewriting(record))
    seen = foreseen(driver, change)
    assert seen.refusal is None
    assert changed(driver, change) == (Done(seen.becomes),)
    return change


def test_metadata_tags_and_a_download_name_are_redacted_and_nothing_else(bench: BucketBench) -> None:
    bench.write(
        KEY,
        b"a text about nobody\n",
        Metadata={"from": f"by {PERSON}, 2026", "shop": "north"},
        Tagging=f"by={quote(PERSON)}&team=a%20b",
        ContentType="text/x-order",
        CacheControl="max-age=60",
        ContentLanguage="de",
        ContentDisposition=f'attachment; filename="{PERSON}.txt"',
    )
    before = bench.dump()["control"]
    driver = bench.driver()
    record = only(records(driver))
    assert sorted(unit.place for unit in record.units) == ["header:content-disposition", "metadata:from", "tag:by"]
    done(driver, record)
    metadata, tags, headers = told(bench)
    assert metadata == {"from": f"by {MARK}, 2026", "shop": "north"}
    assert tags == {"by": "erased", "team": "a b"}
    assert headers == {
        "ContentType": "text/x-order",
        "CacheControl": "max-age=60",
        "ContentLanguage": "de",
        "ContentDisposition": f'attachment; filename="{MARK}.txt"',
    }
    assert bench.read(KEY) == b"a text about nobody\n"
    assert bench.dump()["control"] == before
    assert records(bench.driver()) == ()


def test_labels_and_content_are_redacted_in_one_change(bench: BucketBench) -> None:
    bench.write(KEY, content(PERSON), Metadata={"from": PERSON})
    driver = bench.driver()
    change = done(driver, only(records(driver)))
    assert bench.read(KEY) == content(PERSON).replace(PERSON.encode(), MARK.encode())
    assert told(bench)[0] == {"from": MARK}
    (seen,) = bench.driver().observe([Watched(change.locator)])
    assert isinstance(seen, Moved) == bool(change.locator.key[1])


def test_an_object_of_an_unknown_kind_may_have_its_labels_redacted(bench: BucketBench) -> None:
    data = bytes(range(256)) * 9
    bench.write(KEY, data, Metadata={"from": PERSON})
    driver = bench.driver()
    done(driver, only(records(driver)))
    assert bench.read(KEY) == data
    assert told(bench)[0] == {"from": MARK}


def test_encoded_metadata_is_read_and_written_in_its_encoding(bench: BucketBench) -> None:
    bench.write(KEY, b"a", Metadata={"word": "=?utf-8?B?w6TDtiBqYW5lLnJvZUBleGFtcGxlLm9yZw==?=", "percent": f"%C3%A4/{quote(PERSON, safe='')}"})
    driver = bench.driver()
    record = only(records(driver))
    assert sorted(unit.place for unit in record.units) == ["metadata:percent", "metadata:word"]
    done(driver, record)
    metadata = told(bench)[0]
    assert "jane" not in repr(metadata).lower()
    assert metadata["percent"] == f"%C3%A4/{quote(MARK, safe='')}"
    assert records(bench.driver()) == ()


def test_a_name_of_a_file_is_refused_with_what_can_be_done(bench: BucketBench) -> None:
    bench.write(f"orders/{PERSON}.txt", b"a", Metadata={"from": PERSON})
    driver = bench.driver()
    record = only(records(driver))
    assert {unit.place: unit.is_opaque for unit in record.units} == {"key": True, "metadata:from": False}
    change = change_of(driver, record, Rewrite((Edit("key", RedactSpans()),)))
    refusal = foreseen(driver, change).refusal
    assert refusal is not None
    assert refusal.code == "objectstore.name"
    assert "delete" in refusal.hint
    before = bench.dump()
    assert changed(driver, change) == (Failed("objectstore.name", refusal.message),)
    assert bench.dump() == before


def test_a_packed_object_keeps_its_content_encoding(bench: BucketBench) -> None:
    bench.write(KEY, gzip.compress(content(PERSON), mtime=0), ContentEncoding="gzip", ContentType="text/plain")
    driver = bench.driver()
    done(driver, only(records(driver)))
    assert gzip.decompress(bench.read(KEY)) == content(PERSON).replace(PERSON.encode(), MARK.encode())
    assert told(bench)[2] == {"ContentType": "text/plain", "ContentEncoding": "gzip"}


def test_the_manifest_says_whose_an_object_is_by_its_metadata(bench: BucketBench) -> None:
    bench.write(KEY, b"a", Metadata={"customer": PERSON, "other": "x"})
    fields = (FieldMap("metadata:customer", "user.contact.email", selects="email"), FieldMap("metadata:other", "user.note"))
    driver = bench.driver(manifest=Manifest("s3", "objectstore", collections=(CollectionMap("orders", fields=fields),)))
    units = {unit.place: unit for unit in only(records(driver)).units}
    assert set(units) == {"metadata:customer", "metadata:other"}
    assert units["metadata:customer"].is_value
    assert units["metadata:customer"].field == fields[0]


def test_storage_class_redirection_and_checksum_survive(moto_s3: S3Server) -> None:
    bench = BucketBench(moto_s3, versions=True)
    bench.write(KEY, content(PERSON), StorageClass="STANDARD_IA", WebsiteRedirectLocation="/elsewhere", ChecksumAlgorithm="SHA256")
    driver = bench.driver()
    done(driver, only(records(driver)))
    head = bench.client.head_object(Bucket=bench.bucket, Key=KEY, ChecksumMode="ENABLED")
    assert (head["StorageClass"], head["WebsiteRedirectLocation"]) == ("STANDARD_IA", "/elsewhere")
    assert head["ChecksumSHA256"]


def test_encryption_and_its_key_survive(moto_s3: S3Server) -> None:
    bench = BucketBench(moto_s3, versions=True)
    bench.write(KEY, content(PERSON), ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/orders", BucketKeyEnabled=True)
    names = ("ServerSideEncryption", "SSEKMSKeyId")
    before = bench.client.head_object(Bucket=bench.bucket, Key=KEY)
    assert before["SSEKMSKeyId"]
    driver = bench.driver()
    done(driver, only(records(driver)))
    after = bench.client.head_object(Bucket=bench.bucket, Key=KEY)
    assert [after.get(name) for name in names] == [before.get(name) for name in names]


def test_grants_survive_where_a_rewrite_could_be_taken_back(moto_s3: S3Server) -> None:
    bench = BucketBench(moto_s3, versions=True)
    bench.write(KEY, content(PERSON), ACL="public-read")
    before = bench.client.get_object_acl(Bucket=bench.bucket, Key=KEY)["Grants"]
    driver = bench.driver()
    done(driver, only(records(driver)))
    after = bench.client.get_object_acl(Bucket=bench.bucket, Key=KEY)["Grants"]
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    assert PERSON.encode() not in bench.read(KEY)


def test_metadata_in_raw_utf8_is_read_as_what_it_says_and_stays_that(moto_s3: S3Server) -> None:
    """HTTP libraries read such headers as Latin-1; some stores give them back as they came."""
    bench = BucketBench(moto_s3, versions=True)
    url = bench.client.generate_presigned_url("put_object", Params={"Bucket": bench.bucket, "Key": KEY})
    raw = {"x-amz-meta-from": f"für {PERSON}".encode(), "x-amz-meta-shop": "Köln".encode()}
    with urllib.request.urlopen(urllib.request.Request(url, data=b"a", method="PUT", headers=raw)):  # type: ignore[arg-type]  # bytes are sent as they are
        driver = bench.driver()
    record = only(records(driver))
    assert [unit.text for unit in record.units] == [f"für {PERSON}"]
    done(driver, record)
    metadata = told(bench)[0]
    assert {name: str(make_header(decode_header(value))) for name, value in metadata.items()} == {"from": f"für {MARK}", "shop": "Köln"}


# ── the labels by themselves ──

LABELS = Labels("text/plain", {"from": PERSON, "jane.roe@example.org": "x", "a": "b"}, {"who is": f"<{PERSON}>"}, notes={"redirect": f"/u/{PERSON}"})


def test_a_name_that_holds_the_person_is_a_number_in_places_and_can_be_redacted() -> None:
    units = label_units(LABELS, WordGate(), None)
    assert [unit.place for unit in units] == ["metadata:from", "metadata:3/name", "tag:who is", "header:redirect"]
    new = relabelled(LABELS, [Edit(unit.place, RedactSpans()) for unit in units], REWRITER)
    assert new == Labels("text/plain", {"from": MARK, "redacted-3": "x", "a": "b"}, {"who is": "<erased>"}, notes={"redirect": f"/u/{MARK}"})


def test_a_value_can_be_replaced_as_a_whole() -> None:
    new = relabelled(LABELS, [Edit("metadata:from", SetValue(Method(MethodName.TOMBSTONE), "user.contact.email"))], REWRITER)
    assert new.metadata["from"] == MARK


def test_a_label_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotSupported):
        relabelled(LABELS, [Edit("metadata:nobody", RedactSpans())], REWRITER)


def test_a_redacted_name_never_takes_anothers_place() -> None:
    labels = Labels(metadata={PERSON: "x", "redacted-1": "y"})
    assert relabelled(labels, [Edit("metadata:1/name", RedactSpans())], REWRITER).metadata == {"redacted-1-": "x", "redacted-1": "y"}


_WORDS = st.text(st.sampled_from("ab -_%2=?é@."), max_size=12)


def _encoded(text: str, how: str) -> str:
    return {"plain": text, "percent": quote(text, safe=""), "word": f"=?utf-8?B?{b64encode(text.encode()).decode()}?="}[how]


@settings(deadline=None)
@given(st.dictionaries(_WORDS.filter(bool), st.tuples(_WORDS, st.booleans(), _WORDS), max_size=5), st.sampled_from(["plain", "percent", "word"]))
def test_whatever_stands_around_her_address_it_is_gone_and_other_labels_stay(values: dict[str, tuple[str, bool, str]], how: str) -> None:
    metadata = {name: _encoded(before + PERSON + after, how) if is_hers else before + after for name, (before, is_hers, after) in values.items()}
    labels = Labels(metadata=metadata)
    units = label_units(labels, WordGate(), None)
    new = relabelled(labels, [Edit(unit.place, RedactSpans()) for unit in units], REWRITER)
    assert label_units(new, WordGate(), None) == ()
    assert {name: value for name, value in new.metadata.items() if not values[name][1]} == {
        name: value for name, value in metadata.items() if not values[name][1]
    }
