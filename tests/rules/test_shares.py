"""`rules test --over`: how much of a repository a rule leaves to the precise pass, and when that is too much."""

from pathlib import Path

import pytest

from tests.journeys.running import CommandLine, Done

RULES = """
vendor: Acme
rules:
  - id: acme-rare
    kind: acme
    title: Acme key
    severity: high
    pattern: 'acme_[a-z]{20}'
    examples: ['KEY=acme_{{lower:20}}']
    counter_examples: ['KEY=acme_{{lower:19}}']
  - id: acme-common
    kind: acme
    title: Acme key
    severity: high
    pattern: '[a-z]{20}'
    context: ['copyright']
    examples: ["copyright of the token\\n{{lower:20}}_token = '{{lower:20}}'"]
    counter_examples: ['KEY={{lower:19}}']
  - id: acme-silent
    kind: acme
    title: Acme key
    severity: high
    pattern: 'emca_[a-z]{20}'
    examples: ['KEY=emca_{{lower:20}}']
    counter_examples: ['KEY=emca_{{lower:19}}']
"""


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, command_line: CommandLine) -> Path:
    """1,000 blobs: six of them speak of a copyright (one no longer at HEAD), five hold what looks like a key."""
    root = tmp_path_factory.mktemp("repository")
    command_line.git("init", "-q", cwd=root)
    for number in range(999):
        text = "copyright of Acme\n" if number < 5 else f"acme_{'abcde' * 4}\n" if number < 10 else "nothing\n"
        (root / f"{number}.txt").write_text(f"{text}{number}\n")
    (root / "0.txt").write_text("copyright of Acme, at first\n")
    command_line.git("add", ".", cwd=root)
    command_line.git("commit", "-qm", "first, of 999", cwd=root)
    (root / "0.txt").write_text("copyright of Acme, later\n")
    command_line.git("commit", "-qam", "copyright, in a message, is no blob", cwd=root)
    return root


def rules_test(command_line: CommandLine, repository: Path, over: Path, rules: str = RULES) -> Done:
    file = repository.parent / "rules.yaml"
    file.write_text(rules)
    return command_line.run("rules", "test", file, "--over", over, cwd=repository.parent)


def shares(done: Done) -> dict[str, tuple[str, str]]:
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("acme-") and len(line.split()) == 3]
    return {name: (candidates, share) for name, candidates, share in rows}


def test_each_rule_s_share_of_the_whole_history_is_printed(command_line: CommandLine, repository: Path) -> None:
    done = rules_test(command_line, repository, repository)
    assert shares(done) == {"acme-common": ("6", "0.60%"), "acme-rare": ("5", "0.50%")}
    assert done.stdout.splitlines()[-1] == "1,000 blobs; 1 of 3 rules without a candidate."


def test_a_rule_above_one_in_two_hundred_fails(command_line: CommandLine, repository: Path) -> None:
    done = rules_test(command_line, repository, repository)
    assert done.returncode == 1
    told = [line for line in done.stdout.splitlines() if "points at" in line and line.startswith("acme")]
    assert told == ["acme-common points at 0.60% of the blobs, more than 0.5%"]


def test_rules_below_it_pass(command_line: CommandLine, repository: Path) -> None:
    rare = RULES.replace("['copyright']", "['copyright, at']")
    assert (
        rules_test(command_line, repository, repository, rare.replace("copyright of", "copyright, at")).returncode == 0
    )


def test_a_directory_is_its_files_and_too_few_prove_nothing(command_line: CommandLine, repository: Path) -> None:
    below = repository / "below"
    below.mkdir(exist_ok=True)
    (below / "one.txt").write_text("copyright\n")
    done = rules_test(command_line, repository, below)
    assert shares(done) == {"acme-common": ("1", "100.00%")}
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "1 blob; 2 of 3 rules without a candidate. Fewer than 1,000 blobs tell nothing about a rule.",
    )


def test_a_failing_example_counts_as_well(command_line: CommandLine, repository: Path) -> None:
    broken = RULES.replace("'copyright'", "'nowhere'").replace("lower:19", "lower:20", 1)
    assert rules_test(command_line, repository, repository, broken).returncode == 1


@pytest.mark.parametrize("name", ["nowhere", "rules.yaml"])
def test_what_is_no_directory_is_a_usage_error(command_line: CommandLine, repository: Path, name: str) -> None:
    done = rules_test(command_line, repository, repository.parent / name)
    assert done.returncode == 2
    assert "no directory" in done.stderr
