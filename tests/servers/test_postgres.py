"""The servers that rotation is tested on are real ones."""

from tests.servers.postgres import Postgres


def test_only_the_right_password_lets_in(each_postgres: Postgres) -> None:
    user, password = each_postgres.role()
    assert each_postgres.lets_in(user, password)
    assert not each_postgres.lets_in(user, password + "x")
    assert str(each_postgres.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", user)[0][0]).startswith(
        "SCRAM-SHA-256$"
    )


def test_it_is_the_release_that_was_asked_for(each_postgres: Postgres) -> None:
    assert str(each_postgres.run("SHOW server_version")[0][0]).split(".")[0] == each_postgres.version
