"""`Secret.reveal()` is called in these modules, and nowhere else."""

import ast

from tests.house.source import PRODUCT, modules_using, name_of, tree_of

SITES = {
    "plugins/mysql/secretguard_mysql/addresses.py": "reads the operator's login and the TLS mode beside a leaked one",
    "plugins/mysql/secretguard_mysql/connect.py": "logs in",
    "plugins/mysql/secretguard_mysql/passwords.py": "makes what a server keeps of a password",
    "plugins/rabbitmq/secretguard_rabbitmq/addresses.py": "reads the API's login and whether a leaked one wants TLS",
    "plugins/rabbitmq/secretguard_rabbitmq/connect.py": "logs in",
    "plugins/rabbitmq/secretguard_rabbitmq/management.py": "makes and compares what a broker keeps of a password",
    "plugins/redis/secretguard_redis/acl.py": "makes what a server keeps of a password",
    "plugins/redis/secretguard_redis/addresses.py": "reads the operator's login and whether a leaked one wants TLS",
    "plugins/redis/secretguard_redis/connect.py": "logs in",
    "secretguard/cli/baseline.py": "masks copies of the value in the places that `baseline audit` shows",
    "secretguard/cli/run.py": "gives the value to the command that it becomes",
    "secretguard/cli/store.py": "prints the value, in `store get` only, on a terminal or with --show-secrets",
    "secretguard/engine/matches.py": "tells whether one match says the same as another that it lies in",
    "secretguard/report/json_report.py": "writes the value, with --show-secrets only",
    "secretguard/report/masking.py": "masks copies of the value in everything else that a report says",
    "secretguard/report/sarif.py": "writes the value, with --show-secrets only",
    "secretguard/report/text.py": "writes the value, with --show-secrets only",
    "secretguard/scan/baseline_import.py": "compares with the values that another tool's report holds",
    "secretguard/scan/credentials.py": "groups the occurrences of one value",
    "secretguard/scan/foreign.py": "compares with the hashes and allowlists of other tools",
    "secretguard/scan/history_matches.py": "tells which matches of a history say the same, by keyed digests",
    "secretguard/scan/identity.py": "makes the id",
    "secretguard/stores/local.py": "finds the versions that hold the leaked value",
    "secretguard/stores/sealing.py": "encrypts it, and reads the key that opens it",
}
"""Module -> what it needs the value for."""


def test_only_these_modules_reveal_a_value() -> None:
    assert modules_using("reveal") == set(SITES)


def test_nobody_reaches_around_the_one_way_out() -> None:
    assert modules_using("_value") == {"secretguard/secret.py"}
    constants = {
        name_of(path)
        for path in PRODUCT
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and node.value in ("_value", "reveal") and path.name != "secret.py"
    }
    assert constants == set()
