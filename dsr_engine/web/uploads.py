"""Files that a form brings: capped, held in memory and never on the disk of the server, because what people show of themselves is not kept."""

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, TypeVar

from flask import Flask, Request, current_app, request

from dsr_engine.domain.errors import InputWrong
from dsr_engine.web.listening import MOST_BYTES

_View = TypeVar("_View", bound=Callable[..., Any])
_LONGEST = "dsr_longest"
#: What the other fields of a form with a file may take.
_BESIDE = 64 * 1024


class InMemory(Request):
    """A request whose files stay in memory; by default large ones are written to a temporary folder."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002  # Werkzeug's signature
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        return BytesIO()


def takes_file(most: int) -> Callable[[_View], _View]:
    """The view takes files of together at most so many bytes; without this mark a form is no longer than `LONGEST_FORM`."""
    assert most + _BESIDE <= MOST_BYTES, "the server takes in less"

    def decorated(view: _View) -> _View:
        setattr(view, _LONGEST, most)
        return view

    return decorated


def allow_files(app: Flask) -> None:
    """Lets the marked views of this app take files. To be called before anything that reads a form, the check of its token included."""
    app.request_class = InMemory

    def lengthen() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        most = getattr(view, _LONGEST, 0)
        if most:
            request.max_content_length = most + _BESIDE

    app.before_request(lengthen)


def file_of(name: str) -> bytes | None:
    """The bytes of the file in this field; None if none was chosen. Raises `InputWrong` for an empty one."""
    found = request.files.get(name)
    if found is None or not found.filename:
        return None
    data = bytes(found.read())
    if not data:
        raise InputWrong("the file is empty", code="upload.empty", hint="choose another one")
    return data
