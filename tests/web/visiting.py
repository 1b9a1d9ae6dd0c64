"""How tests walk through the pages: as a browser does that runs no scripts. Forms are read from the page and sent back with all they hold."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass
class Form:
    """One form of a page: where it goes, and every named input with its value."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""
        self._area = ""
        self._in_button = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower()))
        if not self.forms:
            return
        fields = self.forms[-1].fields
        name, kind = found.get("name", ""), found.get("type", "")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in found):
            fields[name] = found.get("value", "on" if kind == "checkbox" else "")
        if tag == "select":
            self._select = name
        if tag == "option" and self._select and (self._select not in fields or "selected" in found):
            fields[self._select] = found.get("value", "")
        if tag == "textarea" and name:
            self._area = name
            fields[name] = ""
        if tag == "button":
            self._in_button = True
            self.forms[-1].buttons.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""
        if tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._area and self.forms:
            self.forms[-1].fields[self._area] += data
        if self._in_button and self.forms:
            self.forms[-1].buttons[-1] += data.strip()


def forms_of(html: str) -> list[Form]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


@dataclass
class Visitor:
    """Somebody at a browser. `page` is the answer that they look at, `path` where it is."""

    client: FlaskClient
    path: str = "/"
    page: TestResponse | None = None

    @property
    def text(self) -> str:
        assert self.page is not None
        return self.page.get_data(as_text=True)

    @property
    def status(self) -> int:
        assert self.page is not None
        return self.page.status_code

    def go(self, path: str) -> "Visitor":
        """Opens a page, following redirects."""
        self.page = self.client.get(path, follow_redirects=True)
        self.path = self.page.request.full_path.rstrip("?")
        return self

    def send(self, button: str, **values: str) -> "Visitor":
        """Fills the form that has this button (its text), presses it, and follows where that leads."""
        found = [form for form in forms_of(self.text) if button in form.buttons]
        assert len(found) == 1, f"{len(found)} forms with a button {button!r} at {self.path}"
        target = urljoin(self.path, found[0].action) if found[0].action else self.path
        # Boxes and radio buttons that nobody chose are no fields yet; a test names them to choose them.
        data = {**found[0].fields, **values}
        if found[0].method == "get":
            self.page = self.client.get(target, query_string=data, follow_redirects=True)
        else:
            self.page = self.client.post(target, data=data, follow_redirects=True, headers={"Referer": f"http://localhost{self.path}"})
        self.path = self.page.request.full_path.rstrip("?")
        return self
