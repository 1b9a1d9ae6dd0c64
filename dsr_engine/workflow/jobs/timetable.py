"""Which jobs there are, and when each is due: the chores, the sweeps of the home's own policies, and the renewal of keys and timestamps."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from dsr_engine.domain.policy import Policy
from dsr_engine.workflow.chores import CHORES, Chore
from dsr_engine.workflow.house import House
from dsr_engine.workflow.jobs.renewing import renew_signer, renew_timestamps
from dsr_engine.workflow.jobs.timing import Cron, Every, Schedule
from dsr_engine.workflow.records.keeping import is_own
from dsr_engine.workflow.staying_erased.repeating import ENGINE
from dsr_engine.workflow.sweeps.sweep import Swept, sweep

_MINUTE, _TEN, _HOUR = Every(60), Every(600), Every(3600)
#: How often a chore looks whether there is something to do; once a minute where nothing else is said.
_PACE: Mapping[str, Schedule] = MappingProxyType(
    {
        "rescan": _TEN,
        "erase_again": _TEN,
        "forget": _TEN,
        "note_expired_backups": _HOUR,
        "end_suppression": _HOUR,
        "remind_of_holds": _HOUR,
        "keep_records": _HOUR,
        "tend_drop": _TEN,
        "mail_alarms": _TEN,
        "read_bounces": Every(300),
        "end_correspondence": _HOUR,
    }
)
#: What people read about a job; a test holds this against the chores.
ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "rescan": "Looks again for erased people, 1, 7 and 30 days after their certificate",
        "erase_again": "Looks again every so many days where a law wants that",
        "follow_up_recipients": "Asks and reminds recipients who did not answer",
        "forget": "Destroys the keys of closed cases whose day has come",
        "note_expired_backups": "Notes that the last backup with erased data is gone",
        "end_suppression": "Takes people off the suppression list whose time is over",
        "remind_of_holds": "Reminds of legal holds that wait for a second person or a review",
        "keep_records": "Keeps the request log, and erases what has outlived its period in it",
        "tend_drop": "Keeps the statuses of California's deletion platform",
        "judge_addresses": "Counts proved addresses of the portal as verification",
        "mail_alarms": "Mails officers about limits that are near or over",
        "send_post": "Sends letters, codes and notices",
        "read_bounces": "Reads what came back undelivered",
        "end_correspondence": "Forgets addresses of requesters when the last letter is out",
        "tell_subscribers": "Tells subscribed programs of what happened",
        "tell_partners": "Tells partners who asked by OpenDSR or IAB DDR how their requests ended",
        "tend_portal": "Deletes requests that nobody confirmed",
        "end_old_access": "Ends old sessions, invitations and tokens",
        "renew_signer": "Replaces the signing key before it ends",
        "renew_timestamps": "Gives certificates a new timestamp before the last one ends",
        "forget_runs": "Takes runs of long ago off this page",
    }
)
#: What runs is remembered for so long; of each job the last run always.
_REMEMBERED = timedelta(days=400)
SWEEP = "sweep:"

#: Keeps the texts of a policy before something is begun under it (`bootstrap.pin_policy`).
Pin = Callable[[Policy], None]


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done when its time has come. `run` may be killed and repeated at any time, and says in short lines what it did."""

    name: str
    about: str
    schedule: Schedule
    run: Chore

    @property
    def policy(self) -> str:
        """The policy whose sweep this is; empty for any other job."""
        return self.name.removeprefix(SWEEP) if self.name.startswith(SWEEP) else ""


def timetable(house: House, pin: Pin) -> tuple[Job, ...]:
    """All jobs of this house. Times of sweeps are those of the wall clock in its time zone."""
    zone = house.settings.time_zone
    nightly = (
        ("renew_signer", renew_signer, Cron("10 1 * * *", zone)),
        ("renew_timestamps", renew_timestamps, Cron("20 1 * * *", zone)),
        ("forget_runs", forget_runs, Cron("30 1 * * *", zone)),
    )
    chores = ((chore.__name__, chore, _PACE.get(chore.__name__, _MINUTE)) for chore in CHORES)
    found = [Job(name, ABOUT.get(name, name.replace("_", " ")), schedule, run) for name, run, schedule in (*chores, *nightly)]
    return (*found, *(_sweep_job(policy, zone, pin) for policy in scheduled(house)))


def scheduled(house: House) -> tuple[Policy, ...]:
    """The policies whose sweeps run by themselves: those that lie in the home. What is shipped are samples, and a sample erases nothing."""
    found = (policy for policy in house.policies.values() if policy.sweep is not None and policy.sweep.schedule)
    return tuple(policy for policy in found if is_own(house, policy))


def forget_runs(house: House) -> Iterator[str]:
    """Takes away what is told of runs that ended long ago."""
    with house.store.transaction() as tx:
        tx.jobs.forget_before(house.clock.now() - _REMEMBERED)
    yield from ()


def _sweep_job(policy: Policy, zone: str, pin: Pin) -> Job:
    def run(house: House) -> Iterable[str]:
        current = house.policies[policy.name]
        pin(current)
        yield from _told(sweep(house, current, by=ENGINE, worker=f"{SWEEP}{policy.name}"))

    assert policy.sweep is not None
    return Job(f"{SWEEP}{policy.name}", f"Erases what has outlived its period under {policy.name}", Cron(policy.sweep.schedule, zone), run)


def _told(swept: Swept) -> Iterator[str]:
    for done in swept.carried:
        yield f"case {done.case}: tranche {done.number}, {done.affected} record(s), certificate {done.certificate}"
    for entry in swept.counts:
        if entry.due is None:  # "did not look" never looks like "found nothing"
            yield f"{entry.system}.{entry.collection}: not looked at under the rule {entry.rule}; the coverage of the case says why"
    case = swept.case
    if swept.is_dry:
        yield f"case {case.id}: dry run, {swept.plan.affected if swept.plan else 0} record(s) would be changed"
    elif case.wait is not None:
        yield f"case {case.id}: waits: {case.wait.reason}"
