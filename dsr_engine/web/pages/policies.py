"""Policies and laws as people read them: rules in words, what they leave open, their texts, and what they hit last time."""

import hashlib
import re
from functools import partial
from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from dsr_engine.bootstrap import TEXTS
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.user import Permission
from dsr_engine.shipped import shipped
from dsr_engine.web.bench import bench
from dsr_engine.web.guard import house, keeper, needs
from dsr_engine.workflow.law.lawbook import grouped, law_row, lawbook
from dsr_engine.workflow.law.linting import Remark, linted
from dsr_engine.workflow.law.policybook import request_points, rule_rows, sweep_points
from dsr_engine.workflow.law.rule_hits import CASES, HITS, ask_hits
from dsr_engine.workflow.records.keeping import is_own
from dsr_engine.workflow.systems.asking import state_of

blueprint = Blueprint("policies", __name__, url_prefix="/policies")

_DIGEST = re.compile(r"[0-9a-f]{64}")
#: How many cases a text's page names.
_CITING = 50


@blueprint.get("")
@needs(Permission.POLICY_READ)
def index() -> str:
    now_in = house()
    today = now_in.calendar.day_of(now_in.clock.now())
    used = {name for policy in now_in.policies.values() for name in policy.regimes if is_own(now_in, policy)}
    laws = sorted(now_in.regimes.values(), key=lambda regime: (regime.name not in used, regime.title))
    return render_template(
        "policies/index.html",
        policies=sorted(now_in.policies.values(), key=lambda policy: (not is_own(now_in, policy), policy.name)),
        is_own=partial(is_own, now_in),
        laws=[(law_row(regime, today), regime.name in used) for regime in laws],
        warnings=[str(problem) for problem in keeper().home.declared.warnings],
    )


@blueprint.get("/<name>")
@needs(Permission.POLICY_READ)
def show(name: str) -> str:
    policy = _policy(name)
    now_in = house()
    with now_in.store.snapshot() as tx:
        hits, texts = tx.inquiries.get(HITS, name), tx.policy_uses.texts_of(name)
    return render_template(
        "policies/show.html",
        policy=policy,
        is_own=is_own(now_in, policy),
        rows=rule_rows(policy, {regime: now_in.regimes[regime] for regime in policy.regimes}),
        request_terms=grouped(request_points(policy.request)),
        sweep_terms=grouped(sweep_points(policy.sweep)),
        laws=[now_in.regimes[regime] for regime in policy.regimes],
        remarks=_remarks(policy),
        hits=hits,
        hits_state=state_of(hits, now_in.clock.now()),
        most_cases=CASES,
        texts=texts,
    )


def _policy(name: str) -> Policy:
    found = house().policies.get(name)
    if found is None:
        raise InputWrong("there is no such policy", code="policy.unknown", hint="the list of policies shows them all")
    return found


def _remarks(policy: Policy) -> tuple[Remark, ...]:
    """What is worth a look. A shipped sample is about systems that this home does not have, so it is not held against them."""
    return linted(policy, house().systems) if is_own(house(), policy) else ()


@blueprint.post("/<name>/count")
@needs(Permission.POLICY_READ)
def count(name: str) -> Response:
    ask_hits(bench(), house(), _policy(name))
    flash("The last cases are being looked through; the counts appear here.", "done")
    return redirect(url_for("policies.show", name=name, _anchor="hits"), 303)


@blueprint.get("/laws/<name>")
@needs(Permission.POLICY_READ)
def law(name: str) -> str:
    regime = house().regimes.get(name)
    if regime is None:
        raise InputWrong("there is no such law", code="regime.unknown", hint="the list of laws shows them all")
    today = house().calendar.day_of(house().clock.now())
    with house().store.snapshot() as tx:
        texts = tx.policy_uses.texts_of_law(name)
    used_by = [policy.name for policy in house().policies.values() if name in policy.regimes and is_own(house(), policy)]
    return render_template("policies/law.html", law=lawbook(regime, today), grouped=grouped, regime=regime, texts=texts, used_by=used_by)


@blueprint.get("/texts/<digest>")
@needs(Permission.POLICY_READ)
def raw(digest: str) -> str:
    found = _text(digest) if _DIGEST.fullmatch(digest) else None
    if found is None:
        raise InputWrong("no text with this digest is kept here", code="text.unknown", hint="a text is kept from the first case on that cites it")
    with house().store.snapshot() as tx:
        cases = tx.policy_uses.citing(digest, tuple(house().regimes), _CITING + 1)
    text, more = found.decode("utf-8", "replace"), len(cases) > _CITING
    return render_template("policies/text.html", digest=digest, text=text, cases=cases[:_CITING], more=more)


def _text(digest: str) -> bytes | None:
    """The bytes with this digest: as they were pinned, or of a file of today."""
    home = keeper().home.path
    declared = [*(policy.source for policy in house().policies.values()), *(regime.source for regime in house().regimes.values())]
    sources = [source for source in declared if source.digest == digest]
    paths = [home / TEXTS / f"{digest}.yaml", *(folder / source.file for source in sources for folder in (home, shipped("policies").parent))]
    return next((content for path in paths if (content := _read(path)) is not None and hashlib.sha256(content).hexdigest() == digest), None)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
