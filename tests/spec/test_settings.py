"""`dsr.toml`: found upwards, read strictly, and never shown with its secrets."""

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import InputWrong
from dsr_engine.references import resolve_secret, resolve_text
from dsr_engine.settings import Settings, find_home, load_settings


def _load(home: Path, text: str, **environment: str) -> Settings:
    (home / "dsr.toml").write_text(text, encoding="utf-8")
    return load_settings(home, environment)


def test_the_nearest_home_upwards_is_found(tmp_path: Path) -> None:
    (tmp_path / "dsr.toml").touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_home(None, {}, deep) == tmp_path
    (tmp_path / "a" / "dsr.toml").touch()
    assert find_home(None, {}, deep) == tmp_path / "a"


def test_the_option_beats_the_environment_and_that_beats_the_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dsr.toml").touch()
    environment = {"DSR_HOME": str(tmp_path / "one")}
    assert find_home("two", environment, tmp_path) == tmp_path / "two"
    assert find_home(None, environment, tmp_path / "two") == tmp_path / "one"


def test_without_a_home_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputWrong, match=r"dsr init x"):
        find_home("x", {}, tmp_path)
    with pytest.raises(InputWrong, match=r"dsr init DIR"):
        find_home(None, {}, tmp_path)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    loaded = _load(tmp_path, "")
    assert loaded.store_url == f"sqlite:///{tmp_path}/dsr.db"
    assert (loaded.policy, loaded.regime, loaded.workers, loaded.tsa_url) == ("one-shot", "gdpr", 4, None)


def test_every_mistake_is_shown_with_its_line(tmp_path: Path) -> None:
    text = (
        '[controller]\nnam = "x"\n[engine]\nworkers = 0\nlog_level = "inf"\n[stor]\nurl = "x"\n'
        '[store]\nurl = "postgresql://u:hunter2@h/d"\n[look]\naccent = "blue"\nfonts = "a"\n'
    )
    with pytest.raises(InputWrong) as caught:
        _load(tmp_path, text)
    assert caught.value.message.splitlines() == [
        "dsr.toml:2: controller.nam: unknown key (did you mean name?)",
        "dsr.toml:4: engine.workers: must lie between 1 and 64",
        "dsr.toml:5: engine.log_level: must be one of debug, info, warning, error (did you mean info?)",
        "dsr.toml:6: stor: unknown section (did you mean store?)",
        "dsr.toml:9: store.url: holds a password; write ${NAME} and set NAME in the environment",
        'dsr.toml:11: look.accent: must be a colour such as "#1f4e79"',
        "dsr.toml:12: look.fonts: must be a list of texts",
    ]


def test_a_file_that_is_no_toml_is_refused_without_quoting_it(tmp_path: Path) -> None:
    with pytest.raises(InputWrong, match=r"^dsr\.toml is not valid TOML at line 1, column 7$"):
        _load(tmp_path, "url = hunter2")
    (tmp_path / "dsr.toml").write_bytes(b"\xff")
    with pytest.raises(InputWrong, match="is not UTF-8"):
        load_settings(tmp_path, {})


def test_the_store_url_takes_its_password_from_the_environment_and_hides_it(tmp_path: Path) -> None:
    loaded = _load(tmp_path, '[store]\nurl = "postgresql://dsr:${PW}@h/dsr"\n', PW="hunter2")
    assert loaded.store_url == "postgresql://dsr:hunter2@h/dsr"
    assert "hunter2" not in repr(loaded)


def test_paths_of_the_look_begin_at_the_home(tmp_path: Path) -> None:
    look = _load(tmp_path, '[look]\nlogo = "logo.png"\nfonts = ["f/a.ttf"]\naccent = "#1f4e79"\n').look
    assert (look.logo, look.fonts) == (tmp_path / "logo.png", (tmp_path / "f/a.ttf",))


@given(st.text(max_size=60))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_crashes(tmp_path: Path, text: str) -> None:
    (tmp_path / "dsr.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(InputWrong):
        assert load_settings(tmp_path, {}).home == tmp_path


@given(st.text(min_size=1, max_size=20))
@settings(deadline=None)
def test_no_password_can_leave_its_place_in_a_url(password: str) -> None:
    url = resolve_text("postgresql://u:${PW}@db.example.com/d", {"PW": password.encode("utf-8", "replace").decode()})
    head, _, tail = url.rpartition("@")
    assert tail == "db.example.com/d"
    assert not set(head.removeprefix("postgresql://u:")) & set("@/?#:")


def test_a_keyring_is_asked_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "keyring"
    package.mkdir()
    (package / "__init__.py").write_text("def get_password(service, name):\n    return {('dsr', 'mail'): 'hunter2'}.get((service, name))\n")
    (package / "errors.py").write_text("class KeyringError(Exception):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("keyring", "keyring.errors"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert resolve_secret("keyring:dsr/mail", {}).reveal() == "hunter2"
    with pytest.raises(InputWrong, match="no entry dsr/other"):
        resolve_secret("keyring:dsr/other", {})


def test_without_the_package_a_keyring_reference_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(InputWrong, match="pip install keyring"):
        resolve_secret("keyring:dsr/mail", {})


def test_a_calendar_that_cannot_be_is_shown_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputWrong) as caught:
        _load(tmp_path, '[calendar]\ntime_zone = "Berlin"\nholidays = "Bavaria"\n')
    assert caught.value.message.splitlines() == [
        'dsr.toml:2: calendar.time_zone: must be a time zone such as "Europe/Berlin"',
        'dsr.toml:3: calendar.holidays: must be a country, or a country and a region, such as "FR" or "DE-BY"',
    ]


def test_the_calendar_of_the_controller_is_read(tmp_path: Path) -> None:
    loaded = _load(tmp_path, '[calendar]\ntime_zone = "Europe/Berlin"\nholidays = "DE-BY"\n')
    assert (loaded.time_zone, loaded.holidays) == ("Europe/Berlin", "DE-BY")


def test_mistakes_in_the_way_of_mail_are_shown_with_their_lines(tmp_path: Path) -> None:
    text = """\
[mail]
server = "smtp.example.com"
user = "privacy"
from = "Example Ltd"
alarms_to = ["officer@example.com", "nobody"]
bounces = "imaps://u:hunter2@h/INBOX"
[letters]
send = "by_itsel"
"""
    with pytest.raises(InputWrong) as caught:
        _load(tmp_path, text)
    assert caught.value.message.splitlines() == [
        'dsr.toml:2: mail.server: must be "smtps://host:465", or "smtp://host:587" for a server that offers STARTTLS;'
        " user and password are keys of their own",
        'dsr.toml:4: mail.from: must be an e-mail address such as "privacy@example.com"',
        'dsr.toml:5: mail.alarms_to: must be an e-mail address such as "privacy@example.com"',
        "dsr.toml:6: mail.bounces: holds a password; write ${NAME} and set NAME in the environment",
        "dsr.toml:1: mail: user and password belong together",
        "dsr.toml:8: letters.send: must be one of by_a_person, by_itself (did you mean by_itself?)",
    ]
    for missing in ('[mail]\nfrom = "a@b.example"\n', '[mail]\nserver = "smtps://h"\n'):
        with pytest.raises(InputWrong, match="is missing"):
            _load(tmp_path, missing)


def test_the_way_of_mail_is_read_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    text = """\
[mail]
server = "smtp://mail.example.com:587"
user = "privacy"
password = "${PW}"
from = "Example Ltd <privacy@example.com>"
bounces = "imaps://b:${PW}@h/INBOX"
ca = "keys/ca.pem"
"""
    mail = _load(tmp_path, text, PW="hunter2").mail
    assert mail is not None
    assert (mail.password and mail.password.reveal(), mail.bounces and mail.bounces.reveal()) == ("hunter2", "imaps://b:hunter2@h/INBOX")
    assert (mail.ca, mail.sender, "hunter2" in repr(mail)) == (tmp_path / "keys/ca.pem", "Example Ltd <privacy@example.com>", False)
    assert _load(tmp_path, "").mail is None


@pytest.mark.parametrize(
    ("listen", "url"),
    [("127.0.0.1:9000", "http://127.0.0.1:9000"), ("localhost:9000", "http://localhost:9000"), ("0.0.0.0:9000", "http://127.0.0.1:9000")],
)
def test_a_home_that_only_says_where_to_listen_sends_browsers_to_that_port(tmp_path: Path, listen: str, url: str) -> None:
    assert _load(tmp_path, f'[web]\nlisten = "{listen}"').web.url == url
    assert _load(tmp_path, f'[web]\nlisten = "{listen}"\nurl = "https://dsr.example.com/"').web.url == "https://dsr.example.com"
