"""How much of the slow and of the random a run takes: a plain run little, a run of all tests more, a run of all kill points everything."""

import os

#: Every border of every journey is killed at: about three times as long as a run of all tests.
EVERY_KILL_POINT = os.environ.get("DSR_ALL_KILL_POINTS") == "1"
#: All slow tests are run, with all examples, and a journey is killed at one border of each passage.
ALL_TESTS = EVERY_KILL_POINT or os.environ.get("DSR_ALL_TESTS") == "1"
