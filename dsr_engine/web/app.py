"""The Flask application: which pages there are, and what stands in front of them."""

from importlib import import_module

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from dsr_engine.bootstrap import Keeper
from dsr_engine.shipped import shipped
from dsr_engine.web.answers import answer_errors
from dsr_engine.web.api.docs import add_api
from dsr_engine.web.guard import KEEPER, csrf, guard
from dsr_engine.web.headers import add_headers
from dsr_engine.web.logs import note_calls
from dsr_engine.web.rendering import prepare
from dsr_engine.web.uploads import allow_files
from dsr_engine.workflow.users.signing_in import LIFE

#: Modules of pages; each has a `blueprint`.
PAGES = (
    "account",
    "case_acts",
    "case_identity",
    "case_letters",
    "cases",
    "certificates",
    "checking",
    "copies",
    "connecting",
    "desk",
    "findings",
    "health",
    "holds",
    "incidents",
    "jobs",
    "ledger",
    "opening",
    "plan_items",
    "messages",
    "plans",
    "policies",
    "portal",
    "portal_case",
    "progress",
    "recipients",
    "records",
    "sign_in",
    "sweeps",
    "systems",
    "users",
)
#: No form is longer; what takes larger uploads says so itself.
LONGEST_FORM = 1024 * 1024


def create_app(keeper: Keeper) -> Flask:
    """The application over this house. Safe to be called by many threads; several processes may serve one store."""
    house = keeper.house()
    web = house.settings.web
    templates = shipped("templates") / "web"
    app = Flask("dsr_engine.web", template_folder=str(templates), static_folder=str(templates / "static"), static_url_path="/static")
    app.config.update(
        SECRET_KEY=house.store.web_key.secret("cookies"),
        SESSION_COOKIE_NAME="__Host-dsr" if web.is_encrypted else "dsr",
        SESSION_COOKIE_SECURE=web.is_encrypted,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFE,
        # Sent when it changed only: the answer to a call from another window would else bring back a cookie that is void since.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=LONGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LONGEST_FORM,
        WTF_CSRF_TIME_LIMIT=int(LIFE.total_seconds()),
        WTF_CSRF_SSL_STRICT=True,
    )
    app.extensions[KEEPER] = keeper
    note_calls(app)
    add_headers(app, web)
    allow_files(app)
    csrf.init_app(app)
    guard(app)
    answer_errors(app)
    prepare(app)
    add_api(app)
    for name in PAGES:
        blueprint = import_module(f"dsr_engine.web.pages.{name}").blueprint
        assert isinstance(blueprint, Blueprint)
        app.register_blueprint(blueprint)
    if web.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=web.proxies, x_proto=web.proxies, x_host=web.proxies)  # type: ignore[method-assign]  # Flask's documented way
    return app
