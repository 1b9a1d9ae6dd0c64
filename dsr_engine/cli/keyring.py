"""`dsr keys`: a new signing key, and the trust bundle that goes to auditors."""

import click

from dsr_engine.bootstrap import BUNDLE, KEYS
from dsr_engine.certificate.keys import fingerprint, rotate
from dsr_engine.certificate.trust import write_bundle
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import home_of, house_of
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.clock import SystemClock


@click.group()
def keys() -> None:
    """Replace the signing key, write the trust bundle."""


@keys.command("rotate")
@click.pass_context
def rotate_(context: click.Context) -> int:
    """Makes a new signing key under the home's own authority. Certificates signed before stay verifiable, and the bundle stays the same."""
    home = home_of(context, allow_gaps=True)
    rotate(home.path / KEYS, home.settings.controller.get("name", ""), SystemClock())
    print_line("a new key signs from now on; what older ones signed stays verifiable with the same trust bundle")
    return DONE


@keys.command()
@click.pass_context
def bundle(context: click.Context) -> int:
    """Writes the trust bundle anew; needed after `[signing]` or the timestamp authorities in keys/tsa/ changed."""
    home = home_of(context, allow_gaps=True)
    with house_of(context) as house:
        write_bundle(home.path / BUNDLE, house.paper.bundle)
        anchors = house.paper.bundle.ca
    print_line(f"the trust bundle is in {home.path / BUNDLE}; auditors trust nothing else, so hand it over by a way that they trust")
    for anchor in anchors:
        print_line(f"  SHA-256 {fingerprint(anchor)}")
    return DONE
