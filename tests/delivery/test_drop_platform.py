"""The platform over real HTTP, and archives that no honest platform would hand out."""

import contextlib
import io
import re
import socketserver
import threading
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.delivery.drop_archive import DropArchive
from dsr_engine.delivery.drop_platform import Downloaded, DropPlatform, NothingNew, Preparing, Taken, TakenBefore, Unfinished, checked_url
from dsr_engine.domain.drop import DropList
from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed, Unreachable
from dsr_engine.domain.selector import Secret
from tests.servers.drop_platform import BROKER, KEY, FakePlatform, archive, running

HASH = "KA18MT/ph6IHYjzT9zwETySDQyvSh87YuoSBpOQtkhE="
ITEM = "A7kP2xQ9Lm4R"
NAME = f"20260801_{BROKER}_Email.csv"
ANSWER = f"Id,Status\r\n{ITEM},5\r\n".encode()


@pytest.fixture
def fake() -> Iterator[FakePlatform]:
    with running() as found:
        yield found


def client(fake: FakePlatform, key: str = KEY) -> DropPlatform:
    return DropPlatform(fake.url, Secret(key))


class TestExchanges:
    def test_an_archive_comes_with_its_name_and_bytes(self, fake: FakePlatform) -> None:
        fake.publish({"Email": [(ITEM, HASH)]})
        answer = client(fake).download()
        assert isinstance(answer, Downloaded)
        assert answer.name == f"20260801_{BROKER}_DROP.zip"
        assert [row.id for row in DropArchive(answer.data, BROKER).listed()] == [ITEM]
        assert HASH not in repr(answer)

    def test_the_other_answers_are_told_apart(self, fake: FakePlatform) -> None:
        platform = client(fake)
        assert isinstance(platform.download(), NothingNew)
        fake.publish({"Email": [(ITEM, HASH)]})
        fake.prepares = 1
        assert platform.download() == Preparing(1)
        fake.busy = 1
        assert platform.download() == Preparing(1)
        assert isinstance(platform.download(), Downloaded)
        assert isinstance(platform.download(), Unfinished)

    def test_a_wrong_key_and_a_closed_account_are_refusals(self, fake: FakePlatform) -> None:
        with pytest.raises(NotAllowed) as refused:
            client(fake, "another").download()
        assert "another" not in f"{refused.value} {refused.value.hint}"
        fake.refuses = 1
        with pytest.raises(NotAllowed):
            client(fake).download()

    def test_answers_are_taken_once(self, fake: FakePlatform) -> None:
        fake.publish({"Email": [(ITEM, HASH), ("B7kP2xQ9Lm4R", HASH)]})
        platform = client(fake)
        platform.download()
        assert platform.upload(NAME, ANSWER) == Taken()
        assert platform.upload(NAME, ANSWER) == TakenBefore(is_same_name=True)
        assert platform.upload(NAME.replace(".csv", "_part01.csv"), ANSWER.replace(b"A7", b"B7")) == Taken()
        assert platform.upload(NAME, ANSWER) == TakenBefore(is_same_name=False)
        assert platform.amend(NAME, ANSWER.replace(b",5", b",3")) == Taken()
        assert fake.amended == {ITEM: 3}

    def test_a_file_that_is_refused_says_why(self, fake: FakePlatform) -> None:
        fake.publish({"Email": [(ITEM, HASH)]})
        platform = client(fake)
        platform.download()
        with pytest.raises(Conflict, match="Invalid CSV header"):
            platform.upload(NAME, b"ID,Status\r\n")

    def test_an_address_without_the_service_is_a_wrong_setting(self, fake: FakePlatform) -> None:
        with pytest.raises(InputWrong):
            DropPlatform(f"{fake.url}/nowhere", Secret(KEY)).download()

    def test_a_platform_that_is_not_there_or_hangs_up_is_unreachable(self, fake: FakePlatform) -> None:
        fake.drops = 1
        with pytest.raises(Unreachable):
            client(fake).download()
        with pytest.raises(Unreachable):
            DropPlatform("http://127.0.0.1:9", Secret(KEY)).download()

    def test_a_redirect_is_not_followed_with_the_key(self) -> None:
        class Elsewhere(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.rfile.readline()
                self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")

        with socketserver.TCPServer(("127.0.0.1", 0), Elsewhere) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            with pytest.raises(InputWrong):
                DropPlatform(f"http://127.0.0.1:{server.server_address[1]}", Secret(KEY)).download()
            thread.join()

    @pytest.mark.parametrize(
        "url", ["http://api.example.org", "https://user:pw@x.org", "ftp://x.org", "https://x.org?a=b", "x", "http://127.0.0.2.x.org"]
    )
    def test_only_https_is_spoken_to_strangers(self, url: str) -> None:
        with pytest.raises(InputWrong):
            checked_url(url)


def zipped(files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as file:
        for name, body in files.items():
            file.writestr(name, body)
    return sink.getvalue()


def refused(data: bytes, broker: str = BROKER) -> str:
    with pytest.raises(InputWrong) as found:
        DropArchive(data, broker)
    assert found.value.code == "drop.archive"
    return found.value.message


class TestArchives:
    def test_lists_removals_and_empty_lists_are_read(self) -> None:
        data = archive({"Email": [(ITEM, HASH)], "NDZ": []}, [("C7kP2xQ9Lm4R", HASH, "Phone")])
        found = DropArchive(data, BROKER)
        assert (found.items, found.removed) == (1, 1)
        assert [(row.id, row.list, row.hash) for row in found.listed()] == [(ITEM, DropList.EMAIL, HASH)]
        assert [(row.id, row.list) for row in found.removals()] == [("C7kP2xQ9Lm4R", DropList.PHONE)]
        assert {file.list for file in found.files} == {DropList.EMAIL, DropList.NDZ, None}

    def test_a_mark_of_byte_order_and_plain_line_ends_are_fine(self) -> None:
        assert DropArchive(zipped({NAME: f"\ufeffID,Hash\n{ITEM},{HASH}\n".encode()})).items == 1

    @pytest.mark.parametrize(
        "body",
        [
            "Id,Hash\r\n",
            "",
            f"ID,Hash\r\n{ITEM}\r\n",
            f"ID,Hash\r\n{ITEM},{HASH},x\r\n",
            f"ID,Hash\r\n{ITEM[:-1]}-,{HASH}\r\n",
            f"ID,Hash\r\n{ITEM},{HASH[:-1]}\r\n",
            f"ID,Hash\r\n{ITEM},{HASH}\r\n{ITEM},{HASH}\r\n",
            "ID,Hash\r\n" + "x" * 1000,
            'ID,Hash\r\n"',
        ],
    )
    def test_a_row_or_header_that_is_none_is_refused_without_showing_it(self, body: str) -> None:
        message = refused(zipped({NAME: body}))
        assert HASH not in message
        assert ITEM not in message

    @pytest.mark.parametrize(
        "name", ["../x.csv", "a/b.csv", "20260801_4821_Email.txt", "20260801_4821_Faces.csv", "20260801_9999_Email.csv", "Email.csv"]
    )
    def test_a_file_that_is_called_otherwise_is_refused(self, name: str) -> None:
        assert re.search(r"not called like|a list that this version|for broker 9999", refused(zipped({name: "ID,Hash\r\n"})))

    def test_no_archive_and_a_bomb_are_refused(self) -> None:
        assert "no ZIP archive" in refused(b"no archive")
        assert "holds 0 files" in refused(zipped({}))
        assert "far more than lists" in refused(zipped({NAME: "ID,Hash\r\n" + "\n" * 10_000_000}))
        assert "holds 30 files" in refused(zipped({f"20260801_{BROKER}_{number}.csv": "" for number in range(30)}))

    def test_one_list_twice_is_refused(self) -> None:
        assert "one list twice" in refused(zipped({NAME: "ID,Hash\r\n", NAME.replace("20260801", "20260802"): "ID,Hash\r\n"}))

    @settings(deadline=None, max_examples=60)
    @given(st.data())
    def test_a_damaged_archive_is_refused_or_read_and_never_an_error_of_ours(self, data: st.DataObject) -> None:
        whole = bytearray(archive({"Email": [(ITEM, HASH)] * 1}))
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        with contextlib.suppress(InputWrong):
            found = DropArchive(bytes(whole[: data.draw(st.integers(0, len(whole)))]), BROKER)
            assert all(len(row.hash) == 44 for row in found.listed())
