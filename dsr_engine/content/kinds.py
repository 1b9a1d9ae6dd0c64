"""Formats of records, messages and pictures, in one list, so that whoever picks formats need not know each."""

from dsr_engine.content.columnar.orc_file import Orc
from dsr_engine.content.columnar.parquet_file import Parquet
from dsr_engine.content.format import Format, Nested
from dsr_engine.content.mail.card_file import CardFile
from dsr_engine.content.mail.cms_file import CmsFile
from dsr_engine.content.mail.emlx_file import EmlxFile
from dsr_engine.content.mail.mbox import Mbox
from dsr_engine.content.mail.old_mailbox import OldMailbox
from dsr_engine.content.mail.ole_file import OleFile
from dsr_engine.content.mail.pst_file import PstFile
from dsr_engine.content.mail.tnef_file import TnefFile
from dsr_engine.content.pictures.image_file import ImageFile
from dsr_engine.content.records.avro_file import AvroFile
from dsr_engine.content.records.json_sequence import JsonSequence
from dsr_engine.content.records.sqlite_file import SqliteFile
from dsr_engine.content.sheets.old_workbook import OldWorkbook


def kinds(nested: Nested) -> tuple[Format, ...]:
    """All of them; they hold no state."""
    return (
        AvroFile(nested),
        SqliteFile(nested),
        Parquet(),
        Orc(),
        OleFile(nested, OldWorkbook()),
        TnefFile(nested),
        PstFile(nested),
        Mbox(nested),
        EmlxFile(nested),
        OldMailbox("mmdf", nested),
        OldMailbox("babyl", nested),
        CmsFile(nested),
        CardFile("vcard", nested),
        CardFile("icalendar", nested),
        JsonSequence(),
        *(ImageFile(name, nested) for name in ("jpeg", "png", "gif", "webp", "tiff", "bmp")),
    )
