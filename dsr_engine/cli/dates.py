"""Days and moments as people type them, with one answer to what is none."""

from datetime import date, datetime, tzinfo

from dsr_engine.domain.errors import InputWrong


def day_of(text: str, option: str) -> date:
    """The day that an option names. Raises `InputWrong`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputWrong(f"{option} is not a date", code="option.date", hint="write it as 2026-11-21") from None


def moment_of(text: str, option: str, zone: tzinfo) -> datetime:
    """The moment that an option names; without a zone of its own it is meant as the clocks of `zone` show it, a mere day as its first moment.

    Raises `InputWrong`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputWrong(f"{option} is not a moment", code="option.date", hint="write 2026-11-21, or 2026-11-21T14:30+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
