"""Tables say what was measured, against git and against the fastest peer, and hide no failure."""

from pathlib import Path

import pytest

from benchmarks.bench import Contender
from benchmarks.process import Memory, Run
from benchmarks.rounds import Comparison, Result
from benchmarks.tables import comparison, ratios, seconds, table


def result(name: str, kind: str, *walls: float, **facts: object) -> Result:
    contender = Contender(name, ("true",), kind, frozenset({0}), Path())
    return Result(contender, tuple(Run(wall, wall, 0.0, 0, **facts) for wall in walls), Memory(120_000_000, 9_000_000))


OURS = result("secretguard", "ours", 2.0, 1.0, 9.0, findings=3, timings={"sweep": 1.5, "start-up": 0.25})
GIT = result("git cat-file", "git", 4.0)
SLOW, QUICK = result("slow", "peer", 50.0, findings=1), result("quick", "peer", 10.0, 12.0)
ONE = Comparison("some.git", "history", (OURS, GIT, SLOW, QUICK), {"objects": 12_345}, ("A note.",))


def test_ratios_are_those_of_the_medians() -> None:
    assert list(ratios(ONE)) == [
        "secretguard / git cat-file: 0.50 × (CPU 0.50 ×)",
        "fastest peer (quick) / secretguard: 5.50 × (CPU 5.50 ×)",
    ]


def test_the_text_table_is_aligned_and_has_every_row() -> None:
    text = comparison(ONE, markdown=False)
    assert "objects 12,345" in text
    assert "- A note." in text
    lines = [
        line for line in text.splitlines() if line.startswith(("secretguard  ", "git cat-file  ", "slow", "quick"))
    ]
    cells = lines[0].split("  ")
    values = ["2.00 s", "1.000–9.000", "2.00 s", "0.50 ×", "1.00 ×", "120 MB", "9 MB", "3"]
    assert [cell.strip() for cell in cells if cell.strip()] == ["secretguard", *values]
    assert len({line.index(" s ") for line in lines[:4]}) == 1


def test_the_markdown_table_is_one() -> None:
    lines = [line for line in comparison(ONE, markdown=True).splitlines() if line.startswith("|")]
    first = lines[: lines.index(next(line for line in lines if "where the time goes" in line))]
    assert len({line.count("|") for line in first}) == 1
    assert set(first[1]) <= set("|-: ")


def test_the_steps_add_up_to_the_whole() -> None:
    text = comparison(ONE, markdown=False)
    head, _, row = text[text.index("where the time goes") :].splitlines()[:3]
    assert head.split()[4:] == ["start-up", "sweep", "the", "rest"]
    assert row.split() == ["secretguard", "0.250", "s", "1.50", "s", "0.250", "s"]


def test_without_steps_there_is_no_table_of_steps() -> None:
    assert "where the time goes" not in comparison(Comparison("x", "history", (GIT,)), markdown=False)


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"exit_code": 3, "finished": False}, "exit 3"), ({"timed_out": True, "finished": False}, "> 7 s")],
)
def test_a_scan_that_did_not_end_has_no_time(facts: dict[str, object], said: str) -> None:
    run = Run(**({"wall": 7.0, "user": 1.0, "system": 0.0, "exit_code": 0} | facts))
    failed = Result(Contender("failed", (), "peer", frozenset({0}), Path()), (Run(6.0, 1.0, 0.0, 0), run))
    one = Comparison("x", "history", (OURS, failed))
    assert said in comparison(one, markdown=False)
    assert list(ratios(one)) == []


@pytest.mark.parametrize(("value", "text"), [(0.0754, "0.075 s"), (1.234, "1.23 s"), (123.4, "123 s"), (None, "–")])
def test_times_have_the_digits_that_mean_something(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_an_empty_table_is_a_head() -> None:
    assert table(("a", "b"), [], markdown=False).splitlines()[0] == "a  b"
