"""Formats of documents and of markup, in one list, so that whoever picks formats need not know each."""

from dsr_engine.content.documents.html_file import HtmlFile
from dsr_engine.content.documents.office_file import OfficePackage
from dsr_engine.content.documents.package import package_kind
from dsr_engine.content.documents.rtf_file import RtfFile
from dsr_engine.content.documents.xml_file import XmlFile
from dsr_engine.content.format import Format, Limits, Nested, Opener
from dsr_engine.content.sheets.ods_file import OdsFile
from dsr_engine.content.sheets.old_workbook import XlsbFile
from dsr_engine.content.sheets.xlsx_file import XlsxFile

#: Formats that read the file's own bytes, because its charset is their own business.
OWN_CHARSET = frozenset({"mime", "mbox", "emlx", "babyl", "xml", "html"})


def documents(nested: Nested) -> tuple[Format, ...]:
    """All of them; they hold no state."""
    return (XmlFile(), HtmlFile(), OfficePackage(nested), RtfFile(nested), XlsxFile(nested), XlsbFile(nested), OdsFile(nested))


def archive_kind(open_file: Opener, limits: Limits, known: frozenset[str]) -> str:
    """The format of a zip archive: that of the document that it is, where one is registered for it, else `zip`."""
    kind = package_kind(open_file, limits)
    return next((name for name in (kind, "package" if kind else "") if name in known), "zip")
