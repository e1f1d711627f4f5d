"""`Secret.reveal()` is called in these modules, and nowhere else."""

import ast

from tests.house.source import PRODUCT, modules_using, name_of, tree_of

SITES = {
    "plugins/aws/secretguard_aws/calls.py": "sends a value to AWS",
    "plugins/aws/secretguard_aws/documents.py": "puts fields into the JSON that AWS keeps, and looks for a value in it",
    "plugins/aws/secretguard_aws/keys.py": "takes apart the access key that --admin names",
    "plugins/aws/secretguard_aws/session.py": "signs as the login that is tried",
    "plugins/hashicorp/secretguard_hashicorp/approle.py": "asks the server about the secret id, and logs in with it",
    "plugins/hashicorp/secretguard_hashicorp/approle_rotator.py": "has the secret id destroyed",
    "plugins/hashicorp/secretguard_hashicorp/connection.py": "sends the operator's token or secret id",
    "plugins/hashicorp/secretguard_hashicorp/documents.py": "writes the value into a document",
    "plugins/hashicorp/secretguard_hashicorp/leaked.py": "finds the versions that hold the leaked value",
    "plugins/hashicorp/secretguard_hashicorp/logins.py": "logs in at a database",
    "plugins/hashicorp/secretguard_hashicorp/settings.py": "looks whether the operator's token can be one",
    "plugins/hashicorp/secretguard_hashicorp/store.py": "looks whether a value is text that can be stored",
    "plugins/hashicorp/secretguard_hashicorp/token_rotator.py": "asks the server about the token, and has it revoked",
    "plugins/languages/secretguard_languages/code.py": "finds the value in the text that an encoded literal holds",
    "plugins/languages/secretguard_languages/dotenv.py": "finds the value in the text that an encoded setting holds",
    "plugins/languages/secretguard_languages/hcl.py": "looks whether a variable has the value as its default",
    "plugins/languages/secretguard_languages/readings.py": "finds the value in the text that an encoded literal holds",
    "plugins/mysql/secretguard_mysql/addresses.py": "reads the operator's login and the TLS mode beside a leaked one",
    "plugins/mysql/secretguard_mysql/connect.py": "logs in",
    "plugins/mysql/secretguard_mysql/passwords.py": "makes what a server keeps of a password",
    "plugins/postgres/secretguard_postgres/addresses.py": "reads `sslmode` out of a spelling, and an operator's DSN",
    "plugins/postgres/secretguard_postgres/connect.py": "tells libpq the password, and masks it in what a server says",
    "plugins/postgres/secretguard_postgres/passwords.py": "sets the password itself, on hosts that take no verifier",
    "plugins/postgres/secretguard_postgres/scram.py": "makes the verifier of a password",
    "plugins/rabbitmq/secretguard_rabbitmq/addresses.py": "reads the API's login and whether a leaked one wants TLS",
    "plugins/rabbitmq/secretguard_rabbitmq/connect.py": "logs in",
    "plugins/rabbitmq/secretguard_rabbitmq/management.py": "makes and compares what a broker keeps of a password",
    "plugins/redis/secretguard_redis/acl.py": "makes what a server keeps of a password",
    "plugins/redis/secretguard_redis/addresses.py": "reads the operator's login and whether a leaked one wants TLS",
    "plugins/redis/secretguard_redis/connect.py": "logs in",
    "secretguard/cli/baseline.py": "masks copies of the value in the places that `baseline audit` shows",
    "secretguard/cli/rotation_source.py": "looks for the leaked value in what the operator gives, by its id",
    "secretguard/cli/run.py": "gives the value to the command that it becomes",
    "secretguard/cli/store.py": "prints the value, in `store get` only, on a terminal or with --show-secrets",
    "secretguard/engine/matches.py": "tells whether one match says the same as another that it lies in",
    "secretguard/escapes.py": "builds the pattern that finds the value however it is escaped",
    "secretguard/report/json_report.py": "writes the value, with --show-secrets only",
    "secretguard/report/masking.py": "masks copies of the value in everything else that a report says",
    "secretguard/report/sarif.py": "writes the value, with --show-secrets only",
    "secretguard/report/text.py": "writes the value, with --show-secrets only",
    "secretguard/rewrite/forges/access.py": "sends the operator's token to GitHub or GitLab",
    "secretguard/rewrite/naming.py": "tells two spellings apart, each of which gets a variable",
    "secretguard/rewrite/sightings.py": "looks for the value in what is delivered, and masks it on a screen",
    "secretguard/rewrite/spots.py": "looks for the value in the files that are rewritten",
    "secretguard/rotate/fields.py": "reads back user and id, which are stored beside the value, and looks whether a field has it",
    "secretguard/rotate/target.py": "counts how often each spelling leaked",
    "secretguard/rotate/wording.py": "masks copies of the value in what others say",
    "secretguard/scan/baseline_import.py": "compares with the values that another tool's report holds",
    "secretguard/scan/credentials.py": "groups the occurrences of one value",
    "secretguard/scan/foreign.py": "compares with the hashes and allowlists of other tools",
    "secretguard/scan/history_matches.py": "tells which matches of a history say the same, by keyed digests",
    "secretguard/scan/identity.py": "makes the id",
    "secretguard/spelling.py": "writes a connection string with the new login",
    "secretguard/stores/local.py": "finds the versions that hold the leaked value",
    "secretguard/stores/sealing.py": "encrypts it, and reads the key that opens it",
    "secretguard/testing/store_place.py": "compares what a store gives back, in the tests of plugin authors",
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
