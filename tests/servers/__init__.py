"""Real servers on loopback, from wheels and packages, for the tests of rotation."""
