"""Accounts of those who sign in: who they are, what they may do, and what an administrator does when somebody comes, loses a device or leaves."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.user import Permission, Role, User
from dsr_engine.web.guard import house, needs, user, with_second_factor
from dsr_engine.web.permissions import HAPPENING_WORDS, PERMISSION_WORDS, ROLE_WORDS, sorted_by_weight
from dsr_engine.workflow.users.accounts import account, add_user, disable, enable, forget_account, set_roles, tries_of
from dsr_engine.workflow.users.factors import REASONS, reset_factors
from dsr_engine.workflow.users.happenings import happenings
from dsr_engine.workflow.users.invitations import invite
from dsr_engine.workflow.users.signing_in import PER_ACCOUNT, sessions_of

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("")
@needs(Permission.USER_WRITE)
def index() -> str:
    with house().store.snapshot() as tx:
        accounts = sorted(tx.users.list(), key=lambda each: each.disabled_at is not None)
        invited = tx.users.invitations(house().clock.now())
    return render_template("users/index.html", accounts=accounts, invited=invited, lacks=_lacks(accounts), roles=ROLE_WORDS)


@blueprint.get("/new")
@needs(Permission.USER_WRITE)
@with_second_factor
def new() -> str:
    return _new()


@blueprint.post("/new")
@needs(Permission.USER_WRITE)
@with_second_factor
def add() -> str | tuple[str, int]:
    try:
        made = add_user(house(), request.form.get("name", ""), _roles(), user().name)
    except DsrError as problem:
        return _new(problem), 400
    return _invited(made)


@blueprint.get("/<user_id>")
@needs(Permission.USER_WRITE)
def show(user_id: str) -> str:
    return _page(user_id)


@blueprint.post("/<user_id>/invitation")
@needs(Permission.USER_WRITE)
@with_second_factor
def invite_again(user_id: str) -> str:
    return _invited(_account(user_id))


@blueprint.post("/<user_id>/roles")
@needs(Permission.USER_WRITE)
@with_second_factor
def roles(user_id: str) -> Response | tuple[str, int]:
    try:
        changed = set_roles(house(), user_id, _roles(), user().name)
    except DsrError as problem:
        return _page(user_id, problem), 400
    flash(f"The account has other roles now ({', '.join(changed.roles)}); its sessions have ended.", "done")
    return _back(changed.id)


@blueprint.post("/<user_id>/disable")
@needs(Permission.USER_WRITE)
@with_second_factor
def turn_off(user_id: str) -> Response:
    disable(house(), user_id, user().name)
    flash("The account is disabled: its sessions and tokens have ended.", "done")
    return _back(user_id)


@blueprint.post("/<user_id>/enable")
@needs(Permission.USER_WRITE)
@with_second_factor
def turn_on(user_id: str) -> Response:
    enable(house(), user_id, user().name)
    flash("The account may be used again. Tokens that it had do not come back.", "done")
    return _back(user_id)


@blueprint.post("/<user_id>/factors")
@needs(Permission.USER_WRITE)
@with_second_factor
def reset(user_id: str) -> Response | tuple[str, int]:
    try:
        reset_factors(house(), user_id, request.form.get("reason", ""), user().name)
    except InputWrong as problem:
        return _page(user_id, problem), 400
    flash("The account has no second factor now; its sessions and tokens have ended. Its owner sets a new one up after signing in.", "done")
    return _back(user_id)


@blueprint.post("/<user_id>/forget")
@needs(Permission.USER_WRITE)
@with_second_factor
def forget(user_id: str) -> Response | tuple[str, int]:
    try:
        if request.form.get("sure") != "yes":
            raise InputWrong("tick the box if you are sure", code="user.unsure", hint="this cannot be undone")
        forget_account(house(), user_id, user().name)
    except DsrError as problem:
        return _page(user_id, problem), 400
    flash("The account is gone.", "done")
    return redirect(url_for("users.index"), 303)


def _lacks(accounts: list[User]) -> str:
    """What a case would wait for as things are, because nobody is there to do it; empty if nothing is missing."""
    workers, approvers = ({each.id for each in accounts if each.may(what)} for what in (Permission.CASE_WRITE, Permission.PLAN_APPROVE))
    if not workers:
        return "Nobody here works on requests. Add somebody as officer."
    if not approvers:
        return "Nobody here approves plans: where a policy asks for that, cases wait. Add somebody as approver."
    if len(workers | approvers) == 1:
        return "One person works on requests and approves: nobody approves a plan of their own, so where a policy asks for that, cases wait."
    return ""


def _roles() -> list[Role]:
    return [role for role in Role if role.value in request.form.getlist("role")]


def _account(user_id: str) -> User:
    with house().store.snapshot() as tx:
        return account(tx, user_id)


def _back(user_id: str) -> Response:
    return redirect(url_for("users.show", user_id=user_id), 303)


def _new(problem: DsrError | None = None) -> str:
    return render_template(
        "users/new.html", problem=problem, name=request.form.get("name", ""), chosen=request.form.getlist("role"), roles=ROLE_WORDS
    )


def _page(user_id: str, problem: DsrError | None = None) -> str:
    with house().store.snapshot() as tx:
        about, now = account(tx, user_id), house().clock.now()
        facts = {
            "invited": tx.users.invitation_of(about.id, now),
            "sessions": sessions_of(tx, house(), about),
            "happened": happenings(tx, house(), about),
            "tries": tx.throttles.seen(tries_of(house(), about.name), now),
            "tokens": tx.api_tokens.of(about.id),
            "passkeys": tx.passkeys.of(about.id),
        }
    may_do = [PERMISSION_WORDS[each] for each in sorted_by_weight(about.permissions)]
    return render_template(
        "users/show.html",
        about=about,
        problem=problem,
        roles=ROLE_WORDS,
        words=HAPPENING_WORDS,
        reasons=REASONS,
        may_do=may_do,
        most_tries=PER_ACCOUNT,
        **facts,
    )


def _invited(about: User) -> str:
    return render_template("users/invited.html", about=about, link=invite(house(), about.id, user().name))
