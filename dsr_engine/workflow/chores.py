"""What has to be done whether or not somebody asks: each chore looks what is due, does it, and may be killed and repeated at any time.

`dsr worker` does them between cases. A chore that fails is told of and tried at the next round; the others go on.
"""

from collections.abc import Callable, Iterable, Iterator

from dsr_engine.domain.errors import Conflict, DsrError
from dsr_engine.workflow.dropping.standing import tend_drop
from dsr_engine.workflow.holds.reviewing import remind_of_holds
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.alarming import mail_alarms
from dsr_engine.workflow.letters.posting import end_correspondence, read_bounces, send_post
from dsr_engine.workflow.notify import follow_up_recipients
from dsr_engine.workflow.partners.opendsr import tell_partners
from dsr_engine.workflow.portal.judging import judge_addresses
from dsr_engine.workflow.portal.tending import tend_portal
from dsr_engine.workflow.publish import forget_due
from dsr_engine.workflow.records.outliving import keep_records
from dsr_engine.workflow.staying_erased.aftercare import note_expired_backups
from dsr_engine.workflow.staying_erased.erasing_again import erase_again
from dsr_engine.workflow.staying_erased.rescanning import rescan
from dsr_engine.workflow.staying_erased.suppressing import end_suppression
from dsr_engine.workflow.subscribing.sending import tell_subscribers
from dsr_engine.workflow.users.tending import end_old_access

#: Does what is due and says it in short lines, without anything of a person.
Chore = Callable[[House], Iterable[str]]


def forget(house: House) -> Iterator[str]:
    """Shreds the keys of cases whose day has come."""
    for case_id in forget_due(house, is_patient=True):
        yield f"case {case_id}: forgotten"


#: In the order in which they are done.
CHORES: tuple[Chore, ...] = (
    rescan,
    erase_again,
    follow_up_recipients,
    forget,
    note_expired_backups,
    end_suppression,
    remind_of_holds,
    keep_records,
    tend_drop,
    judge_addresses,
    mail_alarms,
    send_post,
    read_bounces,
    end_correspondence,
    tell_subscribers,
    tell_partners,
    tend_portal,
    end_old_access,
)


def do_chores(house: House, chores: Iterable[Chore] = CHORES) -> Iterator[str]:
    """Does every chore; gives a line for each thing that was done, and one for each chore that could not be done now."""
    for chore in chores:
        try:
            yield from chore(house)
        except Conflict as error:
            if error.code != "store.busy":
                yield f"{chore.__name__.replace('_', ' ')}: {error.message}"
        except DsrError as error:
            yield f"{chore.__name__.replace('_', ' ')}: {error.message}"
