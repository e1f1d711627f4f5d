"""What tests and the tests of plugins share."""

pytest_plugins = ["tests.servers.fixtures"]
