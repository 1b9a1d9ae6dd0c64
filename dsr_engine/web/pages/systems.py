"""Systems: how they are, what we may do there, what stops them."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.system import System
from dsr_engine.domain.user import Permission
from dsr_engine.drivers.registry import open_access
from dsr_engine.web.bench import bench
from dsr_engine.web.guard import house, needs, user
from dsr_engine.workflow.systems.asking import state_of
from dsr_engine.workflow.systems.granting import ABOUT, GRANTS, ask_grants
from dsr_engine.workflow.systems.health import CHECK, ask_check, health_of, searched, standings
from dsr_engine.workflow.systems.stopping import EVERYWHERE, REASONS, pull_brake, release_brake

blueprint = Blueprint("systems", __name__, url_prefix="/systems")

#: How many of a system's last searches its page shows, how many of the gaps of the last one, and how many collections of its map.
_SEARCHES = 10
_GAPS = 50
_COLLECTIONS = 200


@blueprint.get("")
@needs(Permission.SYSTEM_READ)
def index() -> str:
    with house().store.snapshot() as tx:
        everywhere = next((stop for stop in tx.stops.list() if stop.system == EVERYWHERE), None)
    found = standings(house())
    is_asked = any(entry.health.state == "running" for entry in found)
    return render_template("systems/index.html", standings=found, everywhere=everywhere, reasons=REASONS, is_asked=is_asked)


@blueprint.get("/<name>")
@needs(Permission.SYSTEM_READ)
def show(name: str) -> str:
    system = house().system_named(name)
    now = house().clock.now()
    with house().store.snapshot() as tx:
        check, grants = tx.inquiries.get(CHECK, name), tx.inquiries.get(GRANTS, name)
        searches = searched(tx).get(name, ())[:_SEARCHES]
        gaps = tx.coverage.gaps(searches[0].case, name, _GAPS) if searches else ()
        stops = {stop.system: stop for stop in tx.stops.list()}
        people = {stop.by: tx.people.name_of(stop.by) for stop in stops.values()}
    return render_template(
        "systems/show.html",
        system=system,
        health=health_of(check, now),
        grants=grants,
        grants_state=state_of(grants, now),
        about=ABOUT,
        searches=searches,
        gaps=gaps,
        collections=system.manifest.collections[:_COLLECTIONS],
        stop=stops.get(name),
        everywhere=stops.get(EVERYWHERE),
        people=people,
        reasons=REASONS,
        settings=_settings(system),
        limits=_limits(system),
        upkeep=_upkeep(system),
        links=_links(system),
        is_asked="running" in (health_of(check, now).state, state_of(grants, now)),
    )


@blueprint.post("/check")
@needs(Permission.SYSTEM_WRITE)
def check_all() -> Response:
    names = [name for name, system in house().systems.items() if not system.is_disabled]
    running = {entry.system.name for entry in standings(house()) if entry.health.state == "running"}
    for name in names:
        if name not in running:
            ask_check(bench(), house(), name)
    flash("Every system is being asked; the answers appear here.", "done")
    return redirect(url_for("systems.index"), 303)


@blueprint.post("/<name>/check")
@needs(Permission.SYSTEM_WRITE)
def check(name: str) -> Response:
    ask_check(bench(), house(), name)
    flash("The system is being asked; the answer appears here.", "done")
    return redirect(url_for("systems.show", name=name), 303)


@blueprint.post("/<name>/grants")
@needs(Permission.SYSTEM_WRITE)
def grants(name: str) -> Response:
    ask_grants(bench(), house(), name, open_access)
    flash("The system is being asked for its tables; the statements appear here.", "done")
    return redirect(url_for("systems.show", name=name, _anchor="grants"), 303)


@blueprint.post("/stop")
@needs(Permission.SYSTEM_WRITE)
def stop_all() -> Response:
    pull_brake(house(), EVERYWHERE, user().name, request.form.get("reason", ""))
    flash("Nothing more is begun in any system. Batches that are being made are finished.", "done")
    return redirect(url_for("systems.index"), 303)


@blueprint.post("/resume")
@needs(Permission.SYSTEM_WRITE)
def resume_all() -> Response:
    release_brake(house(), EVERYWHERE, user().name)
    flash("The brake of all systems is released; cases go on.", "done")
    return redirect(url_for("systems.index"), 303)


@blueprint.post("/<name>/stop")
@needs(Permission.SYSTEM_WRITE)
def stop(name: str) -> Response:
    pull_brake(house(), name, user().name, request.form.get("reason", ""))
    flash(f"Nothing more is begun in {name}. A batch that is being made is finished.", "done")
    return redirect(url_for("systems.show", name=name), 303)


@blueprint.post("/<name>/resume")
@needs(Permission.SYSTEM_WRITE)
def resume(name: str) -> Response:
    release_brake(house(), name, user().name)
    flash(f"{name} may go on.", "done")
    return redirect(url_for("systems.show", name=name), 303)


def _settings(system: System) -> tuple[str, ...]:
    """Which settings it is reached with; their values may be secrets and are not shown."""
    blocks = (("", system.settings), ("verify_as ", system.verify_as), ("maintain_as ", system.maintain_as))
    return tuple(f"{lead}{key}" for lead, settings in blocks for key in settings)


def _upkeep(system: System) -> str:
    """Who runs what removes the last copies of erased data; empty where the driver keeps none of which it knows how to get rid."""
    if system.manifest.driver not in ("sql", "mailstore"):
        return ""
    if system.maintenance != "run":
        return "an administrator runs what `dsr maintenance` prints"
    return "the engine runs it by this command, as a list of words and through no shell" if system.maintenance_command else "the engine runs it"


def _limits(system: System) -> tuple[tuple[str, str], ...]:
    """How gently it is treated, in words; only what somebody limited."""
    pace = system.pace
    said = (
        ("searched and maintained", f"between {pace.window}" if pace.window else ""),
        ("records a second", system.setting("records_per_second")),
        ("bytes a day, each mailbox", f"{int(system.setting('bytes_per_day', '0')):,}" if system.setting("bytes_per_day") else ""),
        ("bytes a second, each connection", f"{pace.bytes_per_second:,}" if pace.bytes_per_second else ""),
        ("longest transaction", f"{pace.longest_snapshot:g} seconds" if pace.longest_snapshot else ""),
        ("pauses", f"while a replica lags more than {pace.replication_lag:g} seconds" if pace.replication_lag else ""),
        ("yields", "while another session waits for a lock of ours" if pace.yields_to_locks else ""),
        ("read from", "a replica" if system.read_from else ""),
    )
    return tuple((what, text) for what, text in said if text)


def _links(system: System) -> tuple[tuple[str, str, str], ...]:
    """What stands next to a person's records by the connector: where a field points, and what that means."""
    found = []
    for collection in system.manifest.collections:
        for field in collection.fields:
            if field.references is not None:
                owner = "the record is that person's" if field.selects or field.identifies else ""
                actor = "names who acted; the record is not theirs" if field.is_actor else ""
                carried = "the record that it points at goes with the person's, while nobody else points there" if field.carries else ""
                meaning = owner or actor or carried or "a link only: neither record is anybody's by it"
                found.append((f"{collection.name}.{field.name}", ".".join(field.references), meaning))
    return tuple(found)
