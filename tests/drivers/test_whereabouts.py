"""No system is looked for where only a metadata service or a neighbour on the wire can be, whatever its files say."""

from collections.abc import Sequence

import pytest

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.registry import open_access, open_driver, open_reader, open_surveyor
from dsr_engine.drivers.whereabouts import refuse_never


def _system(driver: str, **settings: str) -> System:
    return System("shop", Manifest("shop", driver), {key: Secret(value) for key, value in settings.items()})


@pytest.mark.parametrize(
    "system",
    [
        _system("sql", url="postgresql://dsr@169.254.169.254/shop"),
        _system("sql", url="postgresql://dsr@db.example.invalid,169.254.169.254:5432/shop"),
        _system("sql", url="postgresql:///shop?host=169.254.169.254"),
        _system("sql", url="postgresql://db.example.invalid/shop?hostaddr=169.254.169.254"),
        _system("sql", url="mysql://u:p@[fd00:ec2::254]:3306/shop"),
        _system("mailstore", url="imaps://[fe80::1%25eth0]", user="u", password="p"),
        _system("objectstore", bucket="lake", endpoint_url="http://169.254.169.254"),
    ],
)
def test_no_opener_connects_to_a_metadata_service(system: System) -> None:
    for opened in (open_driver, open_surveyor, open_access, open_reader):
        with pytest.raises(NotAllowed) as refused:
            opened(system)
        assert refused.value.code == "system.never"


def test_a_name_is_judged_by_everything_that_it_means() -> None:
    def means(*addresses: str) -> Sequence[str]:
        return addresses

    system = _system("sql", url="postgresql://db.example.com/shop")
    refuse_never(system, lambda _: means("93.184.216.34", "10.0.0.7", "127.0.0.1", "::1"))
    with pytest.raises(NotAllowed):
        refuse_never(system, lambda _: means("93.184.216.34", "::ffff:169.254.169.254"))


def test_what_names_no_host_or_an_unknown_one_is_the_drivers_matter() -> None:
    asked = []

    def nobody(host: str) -> Sequence[str]:
        asked.append(host)
        raise OSError

    for system in (
        _system("sql", url="sqlite:////srv/shop.db"),
        _system("sql", url="postgresql://[::1/shop"),
        _system("sql", url="postgresql:///shop?host=/run/postgresql"),
        _system("mailstore", url="maildir:/srv/mail"),
        _system("objectstore", bucket="lake"),
        _system("manual"),
    ):
        refuse_never(system, nobody)
    assert asked == []
    refuse_never(_system("sql", url="postgresql://db.example.com/shop"), nobody)
    assert asked == ["db.example.com"]
