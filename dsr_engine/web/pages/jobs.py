"""The clock: what runs when, and how the last runs ended."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.user import Permission
from dsr_engine.web.guard import house, keeper, needs, user, with_second_factor
from dsr_engine.workflow.jobs.running import ask_for, was_put_back
from dsr_engine.workflow.jobs.timetable import Job, timetable
from dsr_engine.workflow.jobs.timing import following

blueprint = Blueprint("jobs", __name__, url_prefix="/clock")

#: How far back runs with news are listed.
_NEWS = timedelta(days=14)


def jobs_now() -> tuple[Job, ...]:
    """The jobs of the house as its files say now."""
    return timetable(house(), keeper().pin)


@blueprint.get("")
@needs(Permission.SYSTEM_READ)
def index() -> str:
    now = house().clock.now()
    # What erases stands first; people look for it.
    known = sorted(jobs_now(), key=lambda job: not job.policy)
    with house().store.snapshot() as tx:
        holder = tx.jobs.holder()
        last = tx.jobs.latest(job.name for job in known)
        news = tx.jobs.with_news(now - _NEWS)
        asked = {run.job for run in tx.jobs.asked()}
        is_put_back = was_put_back(tx, now)
    rows = [{"job": job, "last": last.get(job.name), "next": following(job.schedule, now), "is_asked": job.name in asked} for job in known]
    is_watched = holder is not None and holder[1] > now
    return render_template("jobs/index.html", rows=rows, news=news, is_watched=is_watched, is_put_back=is_put_back)


@blueprint.post("/<name>/run")
@needs(Permission.SWEEP_WRITE)
@with_second_factor
def run(name: str) -> Response:
    """Has a job run as soon as the clock is looked at."""
    ask_for(house(), jobs_now(), name, user().name)
    flash("It is asked for, and begins within a minute if a worker is there.", "done")
    return redirect(url_for("jobs.index"), 303)
