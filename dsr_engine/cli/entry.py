"""The command `dsr`. Commands load by dotted name when they are called, so that `dsr --help` does not import the world."""

import io
import logging
import os
import sys
from importlib import import_module
from types import TracebackType
from typing import Any

import click

from dsr_engine.cli.interrupting import interruptions_kept
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, ManifestWrong, NotAllowed, NotSupported, NotVerified, Unreachable, place_of

#: Exit codes: 0 done, 1 failed or not verified, 2 wrong input, 3 waiting or incomplete.
DONE, FAILED, WRONG, WAITING, INTERRUPTED = 0, 1, 2, 3, 130

_EXIT_CODES: dict[type[DsrError], int] = {
    InputWrong: WRONG,
    ManifestWrong: WRONG,
    Unreachable: WAITING,
    NotAllowed: WAITING,
    NotSupported: WAITING,
    Conflict: WAITING,
    NotVerified: FAILED,
}

#: Libraries that log what they send and receive.
_CHATTY = (
    *("sqlalchemy", "alembic", "imapclient", "urllib3", "botocore", "boto3", "azure", "google", "distributed"),
    *("pyhanko", "pyhanko_certvalidator", "fontTools"),
)

#: Name → (where it is, one line of help).
_COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("dsr_engine.cli.homes:init", "Make a new DSR_HOME: settings, keys, store."),
    "check": ("dsr_engine.cli.homes:check", "Check all files, all connections, all permissions, all gaps."),
    "catalog": ("dsr_engine.cli.homes:catalog", "List what can be written in YAML: treatments, methods, connectors, categories."),
    "map": ("dsr_engine.cli.mapping:map_", "Draft a connector from a database, bucket or folder: what holds which personal data, whose it is."),
    "find": ("dsr_engine.cli.finding:find", "Find a person, in declared systems or in any --in URL; changes nothing."),
    "grants": ("dsr_engine.cli.granting:grants", "Print the least privileges for finding, erasing and verifying, as SQL."),
    "regimes": ("dsr_engine.cli.lawbook:regimes", "Show the laws that the engine knows: limits, grounds, letters, sources."),
    "case": ("dsr_engine.cli.cases:case", "Open, show, decide, approve and run cases."),
    "copy": ("dsr_engine.cli.copies:copy", "Answer requests for access and portability with a copy of the data."),
    "erase": ("dsr_engine.cli.erasing:erase", "One shot: from the request to the certificate."),
    "drop": ("dsr_engine.cli.dropping:drop", "California's Delete Act: fetch lists, match them, open cases, report (data brokers)."),
    "letter": ("dsr_engine.cli.writing:letter", "Write a letter to a requester, with everything that the law demands."),
    "post": ("dsr_engine.cli.posting:post", "Letters and notices on their way: what was sent, failed or came back."),
    "sweep": ("dsr_engine.cli.sweeping:sweep", "Erase what has outlived its period."),
    "hold": ("dsr_engine.cli.holding:hold", "Place, confirm, list, lift and review legal holds."),
    "recipients": ("dsr_engine.cli.recipients:recipients", "Who had received the data: tell them, see who answered, go on without one."),
    "restricted": ("dsr_engine.cli.restricting:restricted", "What stays of people, for what it may be used, until when; and freeing it."),
    "stop": ("dsr_engine.cli.holding:stop", "The hand brake: no further batch, in one system or in all."),
    "incident": ("dsr_engine.cli.incidents:incident", "When it went wrong: what was lost, who must be told, until when."),
    "log": ("dsr_engine.cli.records:log", "The request log: what is kept of each request when its data are gone."),
    "suppress": ("dsr_engine.cli.suppressing:suppress", "Keep erased people from being taken in again: check imports, end the list."),
    "replay": ("dsr_engine.cli.replaying:replay", "After a restored backup: erase again everyone who was erased since."),
    "ready": ("dsr_engine.cli.replaying:ready", "Tell whether a restored system may be opened."),
    "maintenance": ("dsr_engine.cli.maintaining:maintenance", "What removes the last copies from a database's own files, and who lets it be."),
    "serve": ("dsr_engine.cli.serving:serve", "Open the console, the portal and the API for browsers and programs."),
    "user": ("dsr_engine.cli.accounts:user", "Who may sign in to the console, and in which role."),
    "worker": ("dsr_engine.cli.working:worker", "Run cases as they become runnable, and forget those whose day has come."),
    "cluster": ("dsr_engine.cli.clustering:cluster", "Search on several machines: run the scheduler and the workers of a cluster."),
    "webhooks": ("dsr_engine.cli.subscribing:webhooks", "Programs that are told what happens: what waits for them, what was given up."),
    "verify": ("dsr_engine.cli.proving:verify", "Verify a certificate, offline."),
    "certificates": ("dsr_engine.cli.figures:certificates", "List every serial number of a certificate, so that a missing one shows."),
    "metrics": ("dsr_engine.cli.figures:metrics", "Count the requests of a year: received, complied with, denied, days to the answer."),
    "export": ("dsr_engine.cli.exports:export", "Write the record of processing (Art. 30), the retention table, evidence for auditors."),
    "own-data": ("dsr_engine.cli.own_data:own_data", "What the engine itself holds of people, on which basis, until when."),
    "match": ("dsr_engine.cli.matching:match", "Tell whether a certificate is about a person: yes or no."),
    "ledger": ("dsr_engine.cli.proving:ledger", "Check, sign and export the ledger."),
    "keys": ("dsr_engine.cli.keyring:keys", "Replace the signing key, write the trust bundle."),
    "demo": ("dsr_engine.cli.demo:demo", "Erase one person from a sample company and show what happens."),
}


class _Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", metavar="DIR", help="DSR_HOME; else the environment variable, else the nearest folder upwards with a dsr.toml.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning", show_default=True)
@click.version_option(package_name="dsr-engine", prog_name="dsr")
@click.pass_context
def dsr(context: click.Context, home: str | None, log_level: str) -> None:
    """Erases a person from databases, mail stores and buckets, looks again, and proves it."""
    context.obj = home
    logging.basicConfig(level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if log_level != "debug":
        # At any level that may hold a person's data.
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.CRITICAL)


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command and leaves with its exit code; errors become one sentence, never a traceback."""
    _print_anything()
    sys.excepthook = _own_mistake
    try:
        with interruptions_kept():
            code = dsr.main(args=arguments, prog_name="dsr", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else DONE)
    except DsrError as error:
        click.echo(f"error: {error.message}" + (f"\n  {error.hint}" if error.hint else ""), err=True)
        sys.exit(_EXIT_CODES[type(error)] if type(error) in _EXIT_CODES else _family_code(error))
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: nothing is lost; run the same command again and it goes on where it was", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:
        # What drivers meet they turn into families of their own: this is a file of the home, or one that was named on the command line.
        where = f" {error.filename}" if error.filename else ""
        click.echo(
            f"error: the file{where} cannot be used: {error.strerror}\n  look at its place, its permissions and the space on the disk", err=True
        )
        sys.exit(FAILED)


def _print_anything() -> None:
    """Names of files may hold bytes that are no text, and terminals may know few characters: such a character is escaped instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _own_mistake(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is said of an error that nobody foresaw: its kind and place. Its text may hold what was worked on, so only `debug` shows that."""
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        sys.__excepthook__(kind, error, trace)
        return
    click.echo(f"error: a mistake of the engine itself ({kind.__name__} at {place_of(error)})", err=True)
    click.echo("  report it with the output of `dsr --log-level debug …`", err=True)


def _family_code(error: DsrError) -> int:
    return next((code for family, code in _EXIT_CODES.items() if isinstance(error, family)), FAILED)
