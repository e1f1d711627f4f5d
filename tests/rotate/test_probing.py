"""Servers are asked side by side; only one where nobody is may be left out of the proof."""

import socket
import time
from contextlib import ExitStack
from typing import cast

import pytest

from secretguard.errors import UsageError
from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.plugins import ROTATORS, load
from secretguard.rotate.probing import Heard, proven, silent
from secretguard.rotate.servers import server
from secretguard.rotation import Answer, Context, Login, Target
from secretguard.secret import Secret

DB, REPLICA = Endpoint("db", 5432, "orders"), Endpoint("replica.internal", 5432)


class TestLeavingOut:
    def test_what_does_not_answer_may_be(self) -> None:
        heard = [Heard(DB, Answer.WORKS), Heard(REPLICA, Answer.UNKNOWN)]
        assert silent([server("replica.internal")], heard, [DB]) == [REPLICA]
        assert silent([server("elsewhere")], heard, [DB]) == []

    @pytest.mark.parametrize(("answer", "told"), [(Answer.WORKS, "lets the leaked value in"), (Answer.REFUSED, "answers")])  # fmt: skip
    def test_what_answers_may_not_be(self, answer: Answer, told: str) -> None:
        with pytest.raises(UsageError, match=told):
            silent([server("replica.internal")], [Heard(DB, Answer.WORKS), Heard(REPLICA, answer)], [DB])

    def test_whoever_takes_a_connection_is_there_although_nothing_plain_is_said(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there = Endpoint("127.0.0.1", listener.getsockname()[1])
            asked = [server("127.0.0.1")]
            with pytest.raises(UsageError, match="answers, so it is not left out: too many clients"):
                silent(asked, [Heard(DB, Answer.WORKS), Heard(there, Answer.UNKNOWN, "too many clients")], [DB])
        assert silent(asked, [Heard(DB, Answer.WORKS), Heard(there, Answer.UNKNOWN)], [DB]) == [there]

    def test_one_has_to_be_left(self) -> None:
        with pytest.raises(UsageError, match="no server would be left"):
            silent([server("db")], [Heard(DB, Answer.UNKNOWN), Heard(REPLICA, Answer.UNKNOWN)], [DB])


@pytest.mark.usefixtures("fresh_breakers")
def test_servers_that_say_nothing_cost_the_time_of_one() -> None:
    with ExitStack() as open_until_the_end:
        listeners = [open_until_the_end.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(5)]
        endpoints = tuple(Endpoint("127.0.0.1", one.getsockname()[1], "orders") for one in listeners)
        login = Login("app", Secret("not " + "the one"))
        target = Target("sg_000000000000", "postgres-uri", "postgres", login, endpoints)
        began = time.monotonic()
        proof = proven(cast(Rotator, load(ROTATORS, "postgres")), target, login, Context({}, timeout=1.0))
    assert time.monotonic() - began < 10  # each of them takes four tries of a second
    assert [where for where, _, _ in proof.answers] == [f"127.0.0.1:{one.port}/orders" for one in endpoints]
    assert {answer for _, answer, _ in proof.answers} == {Answer.UNKNOWN}
