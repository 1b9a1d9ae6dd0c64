"""PDFs for the tests that all formats share. What is redacted on a page leaves no mark, so the person has pages of her own."""

from pikepdf import String

from tests.content.pdfs import annotated, appended, changed, form, letter, one_page, stream, written

_PAGES = letter("jane", "and bob")
PDFS: dict[str, list[bytes]] = {
    "pdf": [
        changed(_PAGES, annotated(Contents=String("ask jane")), annotated(Contents=String("ask bob"))),
        appended(written(one_page(form("jane"))), {4: stream(form("and bob"))}),
    ]
}
