"""Connecting a system step by step, and correcting the map of one that is connected."""

from collections.abc import Callable, Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.user import Permission
from dsr_engine.drivers.registry import open_surveyor
from dsr_engine.spec.categories import categories
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.spec.selector_kinds import KINDS as IDENTIFIERS
from dsr_engine.web.answers import status_of
from dsr_engine.web.bench import bench
from dsr_engine.web.forms import Answer, attempt, text
from dsr_engine.web.guard import house, keeper, needs, user, with_second_factor
from dsr_engine.workflow.systems.asking import state_of
from dsr_engine.workflow.systems.connecting import (
    DRAFT,
    KINDS,
    MANUAL,
    TEST,
    WISH,
    Place,
    Wish,
    ask_draft,
    ask_redraft,
    ask_test,
    draft_path,
    draft_text,
    keep_text,
    keep_wish,
    refused_secret,
    save_map,
    save_new,
    wish_of,
)
from dsr_engine.workflow.systems.correcting import (
    CollectionRow,
    Correction,
    FieldRow,
    check_text,
    collections,
    corrected,
    followed,
    refuse_changed,
    rows,
    seen_of,
)
from dsr_engine.workflow.systems.health import health_of

#: What is about one system lies below `/to/`, because a system may be called `new`.
blueprint = Blueprint("connecting", __name__, url_prefix="/connecting")

#: What each setting is called in the form, and what it looks like. Secrets are named, never typed.
LABELS = {
    "url": ("Address", ""),
    "user": ("Account", "Its name. Use an account of its own with the least permissions; the page of a database prints them as SQL."),
    "password": ("Where its password is", "The NAME of an environment variable of the server, or file:/run/secrets/name, or keyring:service/name."),
    "master_user": ("Whose password it is", "Only where another account than the mailbox's own opens it: a master user. Empty: the account's own."),
    "token": ("Or where its token is", "In the place of a password, and named like one: a token that lasts."),
    "token_url": (
        "Or where tokens are fetched",
        "In the place of a password, for servers that let applications in by OAuth 2 (client credentials), as Microsoft 365 does: "
        "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token.",
    ),
    "client_id": ("The application's id", "With the address above: under which the authorisation server knows us."),
    "client_secret": ("Where its secret is", "With the address above: the NAME of a variable, file:… or keyring:…, as for a password."),
    "scope": ("What the token is for", "With the address above: for Microsoft 365 https://outlook.office365.com/.default."),
    "schema": ("Schema", "Only this schema of the database."),
    "folders": ("Folders", "One of the account's folders, or all. Mailboxes of many people are written into systems.yaml, with the reason why."),
    "ca_file": ("Who vouches for its certificate", "A PEM file on this machine; empty: the authorities that the machine trusts."),
    "about": ("What it is", "One line, for instance: the CRM, which the sales team looks after."),
    "instructions": (
        "What to do in each case",
        "The person who does it reads this beside the case: search for whom, erase what, keep which answer. No names of customers.",
    ),
    "due": ("Within", "For instance 14 days."),
    "bucket": ("Bucket", ""),
    "prefix": ("Prefix", "Only what lies below it, for instance exports/."),
    "endpoint_url": ("Endpoint", "For stores that are not Amazon's, for instance https://s3.example.com."),
    "region": ("Region", "For instance eu-central-1."),
    "access_key": ("Access key", "Its name. Empty: the server's own role is used."),
    "secret_key": ("Where its secret key is", "As for a password: the NAME of a variable, file:… or keyring:…"),
}
#: One line about each kind, for whoever has to choose.
ABOUTS = {
    "postgresql": "A database or one schema of it. Its map is drafted from the live catalogue.",
    "mariadb": "A database. Its map is drafted from the live catalogue.",
    "sqlite": "One file. Its map is drafted from its schema.",
    "imap": "One account with its folders. Mail needs no map: everything is searched.",
    "maildir": "A folder of mail with its subfolders. Mail needs no map.",
    "mbox": "One file of mail. Mail needs no map.",
    "eml": "A folder in which each mail is a file, as programs save and export them. Mail needs no map.",
    "s3": "A bucket, or what lies below a prefix, with all versions. Tables, texts, archives, mail are read inside. A map is drafted from a sample.",
    MANUAL: "A CRM in the cloud, a vendor, paper: no driver reaches it, so each case gives a person a task and waits for their word.",
    "folder": "Files in a folder and below it. Text, CSV, JSON, spreadsheets, archives and mail are read inside. Its map is drafted from a sample.",
}
#: Those whose map can be drafted, and the settings that nothing works without.
DRAFTED = frozenset({"postgresql", "mariadb", "sqlite", "s3", "folder"})
DRAFTED_DRIVERS = frozenset({"sql", "objectstore"})
NEEDED = frozenset({"url", "bucket", "instructions", "due"})
#: Those that one kind does not work without, and others do.
NEEDED_BY = {"imap": frozenset({"user"})}
EXAMPLES = {
    "postgresql": "postgresql://db.example.com/shop",
    "mariadb": "mysql://db.example.com/shop",
    "sqlite": "sqlite:////srv/data/shop.db",
    "imap": "imaps://mail.example.com",
    "maildir": "maildir:/srv/mail/office",
    "mbox": "mbox:/srv/mail/archive.mbox",
    "eml": "eml:/srv/mail/exported",
    "folder": "folder:/srv/exports",
}


def place() -> Place:
    home = keeper().home
    return Place(home.path, keeper().environment, home.declared.manifests)


def _wish(name: str) -> Wish | None:
    """What is being connected under this name; None for a declared system, whose map is corrected. Raises `InputWrong` for neither."""
    with house().store.snapshot() as tx:
        kept = tx.inquiries.get(WISH, name)
    if kept is not None and kept.answer is not None:
        return Wish.read(kept.answer)
    house().system_named(name)
    return None


@blueprint.get("")
@needs(Permission.SYSTEM_WRITE)
def start() -> str:
    with house().store.snapshot() as tx:
        begun = list(tx.inquiries.of_kind(WISH))
    return render_template("connecting/start.html", kinds=KINDS, abouts=ABOUTS, begun=begun)


@blueprint.get("/new/<kind>")
@needs(Permission.SYSTEM_WRITE)
def new(kind: str) -> str:
    name = request.args.get("again", "")
    with house().store.snapshot() as tx:
        kept = tx.inquiries.get(WISH, name)
    wish = Wish.read(kept.answer) if kept is not None and kept.answer is not None else None
    if wish is None or wish.kind != kind:
        return _form(kind, {})
    return _form(kind, {**wish.settings, "name": name, "owner": wish.owner, "inside": "1" if wish.is_inside else "", "again": name})


def _form(kind: str, values: Mapping[str, str], problem: DsrError | None = None) -> str:
    if kind not in KINDS:
        raise InputWrong("nothing of that kind can be connected here", code="connect.unknown", hint="write it into systems.yaml")
    title, keys = KINDS[kind]
    return render_template(
        "connecting/new.html",
        kind=kind,
        title=title,
        fields=[(key, *LABELS[key]) for key in keys],
        example=EXAMPLES.get(kind, ""),
        needed=NEEDED | NEEDED_BY.get(kind, frozenset()),
        drafted=DRAFTED,
        values=values,
        problem=problem,
        problems=_problems(problem),
    )


def _problems(problem: DsrError | None) -> tuple[str, ...]:
    """What is wrong with settings, each by its key: their place in a file that nobody wrote says nothing."""
    if not isinstance(problem, SpecWrong):
        return ()
    return tuple(f"{entry.path.rpartition('.')[2] or 'entry'}: {entry.message}" for entry in problem.problems)


@blueprint.post("/new/<kind>")
@needs(Permission.SYSTEM_WRITE)
def begin(kind: str) -> Answer:
    typed = {key: text(key).replace("\r\n", "\n") for key in KINDS.get(kind, ("", ()))[1]}
    try:
        wish = wish_of(place(), text("name"), kind, typed, text("owner"), is_inside=bool(text("inside")))
        keep_wish(house(), place(), wish, is_again=text("again") == wish.name)
    except DsrError as error:
        # A password that somebody wrote out is not written into the page again.
        shown = {key: "" if refused_secret(key, value) else value for key, value in typed.items()}
        return _form(kind, {**shown, **{key: text(key) for key in ("name", "owner", "inside", "again")}}, error), status_of(error)
    return redirect(url_for("connecting.show", name=wish.name), 303)


@blueprint.get("/to/<name>")
@needs(Permission.SYSTEM_WRITE)
def show(name: str) -> str:
    return _steps(name)


def _steps(name: str, problem: DsrError | None = None) -> str:
    wish = _wish(name)
    now = house().clock.now()
    with house().store.snapshot() as tx:
        test, draft = tx.inquiries.get(TEST, name), tx.inquiries.get(DRAFT, name)
    can_draft = house().systems[name].manifest.driver in DRAFTED_DRIVERS if wish is None else wish.kind in DRAFTED
    health = health_of(test, now)
    return render_template(
        "connecting/show.html",
        name=name,
        wish=wish,
        title=KINDS[wish.kind][0] if wish else "",
        labels=LABELS,
        health=health,
        test=test,
        draft=draft,
        draft_state=state_of(draft, now),
        has_draft=bool(draft_text(place(), name)),
        can_draft=can_draft,
        is_asked="running" in (health.state, state_of(draft, now)),
        problem=problem,
        problems=problem.problems if isinstance(problem, SpecWrong) else (),
    )


@blueprint.post("/to/<name>/test")
@needs(Permission.SYSTEM_WRITE)
@with_second_factor
def test(name: str) -> Answer:
    def act() -> str:
        wish = _wish(name)
        if wish is None:
            raise InputWrong("the system is connected already", code="connect.taken", hint="its own page checks it")
        ask_test(bench(), house(), place(), wish)
        return "The system is being asked; the answer appears here."

    return _done(name, act)


@blueprint.post("/to/<name>/draft")
@needs(Permission.SYSTEM_WRITE)
@with_second_factor
def draft(name: str) -> Answer:
    def act() -> str:
        wish = _wish(name)
        if wish is None:
            ask_redraft(bench(), house(), place(), name, open_surveyor)
        else:
            ask_draft(bench(), house(), place(), wish, open_surveyor)
        return "The map is being drafted; this page shows how far it is."

    return _done(name, act)


@blueprint.post("/to/<name>/forget")
@needs(Permission.SYSTEM_WRITE)
def forget(name: str) -> Response:
    with house().store.transaction() as tx:
        for step in (WISH, TEST, DRAFT):
            tx.inquiries.drop(step, name)
    draft_path(place(), name).unlink(missing_ok=True)
    flash("What was begun is forgotten; no file was changed.", "done")
    return redirect(url_for("connecting.start"), 303)


@blueprint.post("/to/<name>/save")
@needs(Permission.SYSTEM_WRITE)
@with_second_factor
def save(name: str) -> Answer:
    def act() -> str:
        wish = _wish(name)
        if wish is None:
            save_map(house(), place(), name, user().name)
            return f"The map of {name} is saved and counts from now on."
        save_new(house(), place(), wish, user().name)
        return f"{name} is connected. Add it to a policy's rules, grant what it needs, and check it."

    return attempt(act, url_for("systems.show", name=name), lambda error: _steps(name, error))


def _done(name: str, act: Callable[[], str]) -> Answer:
    return attempt(act, url_for("connecting.show", name=name), lambda error: _steps(name, error))


# --- correcting the map ------------------------------------------------------------------------------------------------


@blueprint.get("/to/<name>/map")
@needs(Permission.SYSTEM_WRITE)
def overview(name: str) -> str:
    document, draft = _document(name), _text(name)
    found = collections(document, draft)
    shown: dict[bool, list[CollectionRow]] = {True: [], False: []}
    for row in found:
        shown[bool(row.doubts or row.personal or row.gap)].append(row)
    gaps = document.get("not_looked_at", ())
    return render_template("connecting/map.html", name=name, collections=shown[True], others=shown[False], gaps=gaps)


@blueprint.get("/to/<name>/fields")
@needs(Permission.SYSTEM_WRITE)
def fields(name: str) -> str:
    return _fields(name, request.args.get("of", ""))


def _fields(name: str, collection: str, problem: DsrError | None = None) -> str:
    draft = _text(name)
    found = rows(_document(name), draft, collection)
    if not found:
        raise InputWrong("the map has no such collection", code="connect.unknown", hint="look at the list of collections")
    kinds = sorted({*IDENTIFIERS, *(row.whose for row in found if row.whose not in ("", "actor"))})
    return render_template(
        "connecting/fields.html",
        name=name,
        collection=collection,
        rows=found,
        seen=seen_of(draft, collection),
        kinds=kinds,
        categories=sorted(categories()),
        problem=problem,
        problems=problem.problems if isinstance(problem, SpecWrong) else (),
    )


@blueprint.post("/to/<name>/fields")
@needs(Permission.SYSTEM_WRITE)
def correct(name: str) -> Answer:
    collection = request.args.get("of", "")

    def act() -> str:
        before = _text(name)
        refuse_changed(before, collection, text("seen"))
        draft = corrected(before, collection, _said(rows(_document(name), before, collection)))
        asked = text("follow")
        if asked:
            field, _, number = asked.rpartition("#")
            draft = followed(_document(name), draft, collection, field, int(number) if number.isdecimal() else -1)
        keep_text(place(), name, draft, before)
        return "The question is answered by yes." if asked else f"{collection} is corrected."

    return attempt(act, url_for("connecting.fields", name=name, of=collection), lambda error: _fields(name, collection, error))


def _said(found: tuple[FieldRow, ...]) -> dict[str, Correction]:
    """What the form says of each field that it shows; a field that the form does not name is left as it is."""
    said = {}
    for number, row in enumerate(found):
        if request.form.get(f"field-{number}") == row.name:
            said[row.name] = Correction(
                text(f"category-{number}"),
                text(f"whose-{number}"),
                bool(text(f"key-{number}")),
                text(f"references-{number}"),
                bool(text(f"search-{number}")),
            )
    return said


@blueprint.get("/to/<name>/text")
@needs(Permission.SYSTEM_WRITE)
def raw(name: str) -> str:
    draft = _text(name)
    return _raw(name, draft, seen_of(draft))


def _raw(name: str, draft: str, seen: str, problem: DsrError | None = None) -> str:
    problems = problem.problems if isinstance(problem, SpecWrong) else ()
    return render_template("connecting/text.html", name=name, text=draft, seen=seen, problem=None if problems else problem, problems=problems)


@blueprint.post("/to/<name>/text")
@needs(Permission.SYSTEM_WRITE)
def write(name: str) -> Answer:
    typed = request.form.get("text", "").replace("\r\n", "\n")

    def act() -> str:
        before = _text(name)
        refuse_changed(before, "", text("seen"))
        check_text(typed)
        keep_text(place(), name, typed.replace("\n", "\r\n") if "\r\n" in before else typed, before)
        return "The text is kept; nothing counts before it is saved."

    return attempt(act, url_for("connecting.raw", name=name), lambda error: _raw(name, typed, text("seen"), error))


def _document(name: str) -> dict[str, object]:
    with house().store.snapshot() as tx:
        found = tx.inquiries.get(DRAFT, name)
    return dict(found.answer) if found is not None and found.answer is not None else {}


def _text(name: str) -> str:
    draft = draft_text(place(), name)
    if not draft:
        raise InputWrong("no map is drafted yet", code="connect.unknown", hint="draft it first")
    return draft
