"""Which keys of a bucket belong to a system: those below its prefix, or the one object that it names."""


class Scope:
    """`base` is empty, ends with `/`, or is one object's key or a folder without its slash."""

    def __init__(self, base: str) -> None:
        self.base = base

    @property
    def folder(self) -> str:
        """The prefix below which paths begin: empty or with a `/` at its end."""
        return self.base if not self.base or self.base.endswith("/") else self.base + "/"

    @property
    def may_be_one_object(self) -> bool:
        return self.folder != self.base

    def path_of(self, key: str) -> str | None:
        """The key's path below the prefix; None where the key is out of scope (`exports-old/x` is not in `exports`)."""
        if key.startswith(self.folder):
            return key[len(self.folder) :]
        return key.rsplit("/", 1)[-1] if key == self.base else None
