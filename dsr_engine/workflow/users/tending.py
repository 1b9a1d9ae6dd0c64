"""What ends by itself at the doors: sessions, counts of tries, invitations, tokens, answers to calls."""

from collections.abc import Iterator

from dsr_engine.workflow.house import House


def end_old_access(house: House) -> Iterator[str]:
    """Takes away what is over. Nobody could use it any more; its rows would only tell who was here when."""
    now = house.clock.now()
    with house.store.transaction() as tx:
        ended = {
            "sessions": tx.web_sessions.end_old(now),
            "counts of tries": tx.throttles.end_old(now),
            "invitations": tx.users.end_old_invitations(now),
            "tokens": tx.api_tokens.end_old(now),
            "answers of the API": tx.idempotency.end_old(now),
        }
    for what, count in ended.items():
        if count and what not in ("counts of tries", "answers of the API"):
            yield f"{what} that were over: {count}"
