"""Where a rule stands, so that every effect can name its reason as file:line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in a YAML file. `digest` is the SHA-256 (hex) of the whole file as it was read."""

    file: str
    line: int
    column: int = 1
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Source("(built in)", 0)
