"""OpenBao is a real one, and the proxy in front of a server does what it says."""

import pytest
import requests

from tests.servers.openbao import OpenBao
from tests.servers.proxy import proxy


def test_only_the_right_token_reads(openbao: OpenBao) -> None:
    openbao.done("POST", "secret/data/real", {"data": {"x": "y"}})
    assert openbao.data("real") == {"x": "y"}
    assert openbao.ask("GET", "secret/data/real", token="wrong").status_code == 403
    assert openbao.ask("GET", "secret/data/real", token=openbao.limited()).status_code == 403


def test_a_deleted_version_is_seen_to_hold_what_it_held(openbao: OpenBao) -> None:
    openbao.done("POST", "secret/data/deleted", {"data": {"x": "hidden"}})
    openbao.done("DELETE", "secret/data/deleted")
    assert openbao.holds("deleted", "hidden")
    openbao.done("PUT", "secret/destroy/deleted", {"versions": [1]})
    assert not openbao.holds("deleted", "hidden")


def test_a_dropped_reply_had_its_effect_and_a_cut_request_had_none(openbao: OpenBao) -> None:
    with proxy(openbao.port) as between:
        beside = OpenBao(between.port, openbao.root, openbao.running)
        for fault, path, written in (("drop", "dropped", True), ("cut", "cut", False)):
            between.will(fault, b"POST")  # type: ignore[arg-type]
            with pytest.raises(requests.ConnectionError):
                beside.ask("POST", f"secret/data/{path}", {"data": {"x": "y"}})
            assert (openbao.ask("GET", f"secret/data/{path}").status_code == 200) is written
            assert len(between.seen) == 1
        assert beside.done("POST", "secret/data/after", {"data": {"x": "y"}})
