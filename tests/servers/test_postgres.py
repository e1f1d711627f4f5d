"""The servers that rotation is tested on are real ones."""

import pytest

from tests.servers.postgres import Postgres


@pytest.mark.parametrize("fixture", ["postgres", "postgres16", "postgres_with_statistics"])
def test_only_the_right_password_lets_in(fixture: str, request: pytest.FixtureRequest) -> None:
    server: Postgres = request.getfixturevalue(fixture)
    user, password = server.role()
    assert server.lets_in(user, password)
    assert not server.lets_in(user, password + "x")
    assert str(server.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", user)[0][0]).startswith(
        "SCRAM-SHA-256$"
    )
