"""Two hundred ways in which a value tries to become a part of the page that shows it, and how a page is looked through for one that did.

Each is made for one of the places where a page writes values: between tags, in an attribute, in a link, in a script, in a style, in a
template; and once more in other letter case behind a mark that turns the direction of writing. The kinds follow the OWASP cheat sheet on
evading filters for cross-site scripting.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from urllib.parse import unquote

#: A name that no page of ours has, in any letter case.
MARK = "xq7"
_BARE = (
    f"<{MARK}>",
    f"<{MARK} onload={MARK}()>",
    f"<script>{MARK}()</script>",
    f"<img src=x onerror={MARK}()>",
    f"<svg/onload={MARK}()>",
    f"<iframe srcdoc='<script>{MARK}()</script>'>",
    f"<a href=javascript:{MARK}()>here</a>",
    f"<style>@import'//{MARK}.example';</style>",
    f"<base href=//{MARK}.example>",
    f"<meta http-equiv=refresh content='0;url=//{MARK}.example'>",
    f"<form action=//{MARK}.example><button>on</button></form>",
    f"<link rel=stylesheet href=//{MARK}.example>",
    f"<object data=javascript:{MARK}()>",
    f"<details open ontoggle={MARK}()>",
    f"<math><mtext><{MARK}></mtext></math>",
    f"javascript:{MARK}()",
    f"data:text/html,<script>{MARK}()</script>",
    f" onmouseover={MARK}() x=",
    "{{ 7919 * 7907 }}",
    "{% for x in (1,) %}{{ x }}" + MARK + "{% endfor %}",
)
_ESCAPES = ("", '">', "'>", "-->", "</title></textarea></script></style>")
PAYLOADS = tuple(text for escape, bare in product(_ESCAPES, _BARE) for text in (escape + bare, f"\u202e{(escape + bare).swapcase()}"))

_LINKS = ("href", "src", "action", "formaction", "data", "srcdoc", "content", "xlink:href")


class _Looking(HTMLParser):
    """Reads a page as browsers do, and keeps what a value must never have become."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._within = tag
        if MARK in tag:
            self.found.append(f"<{tag}>")
        for name, value in attributes:
            text = unquote("".join((value or "").split())).lower()
            leads_away = name in _LINKS and text.startswith(("javascript:", "data:", f"//{MARK}"))
            if leads_away or name in ("style", "srcdoc") or name.startswith("on") or MARK in name or (name == "content" and MARK in text):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style") and data.strip():
            self.found.append(f"text in <{self._within}>: {data.strip()[:60]!r}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"a comment: {data[:60]!r}")


def breaches_of(html: str) -> list[str]:
    """What of this page is no text of ours and no text of a value, but something that a value made of itself."""
    looking = _Looking()
    looking.feed(html)
    looking.close()
    return looking.found + (["a template in a value was filled in"] if "62615533" in html else [])


def links_of(html: str) -> Iterator[str]:
    """Where the page leads by links, within the site."""
    for line in _Links.of(html):
        if line.startswith("/") and not line.startswith("//"):
            yield line.partition("#")[0]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    @classmethod
    def of(cls, html: str) -> list[str]:
        parser = cls()
        parser.feed(html)
        return parser.links

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attributes if name == "href" and value]
