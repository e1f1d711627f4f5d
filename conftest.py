"""What tests and the tests of plugins share."""

import signal
from contextlib import suppress

pytest_plugins = ["tests.servers.fixtures"]

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        # So it is for a run in the background, or under nohup, and what the tests start would inherit it: what they do
        # on Ctrl-C and at the end of their terminal is under test.
        with suppress(ValueError):
            signal.signal(number, handler)
