"""A resolver of names that tests decide over."""

from collections.abc import Sequence


class Names:
    """A resolver that gives the first answer once, and then the others."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]
