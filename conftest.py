"""What tests and the tests of plugins share."""

import signal
from contextlib import suppress

pytest_plugins = ["tests.servers.fixtures"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So it is for a run in the background, and what the tests start would inherit it: Ctrl-C is under test.
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.default_int_handler)
