"""Each thing has one home, and the product keeps to its own rules of shape."""

import re

import pytest

from tests.house.source import PRODUCT, ROOT, imported_by, importers_of, modules_using, name_of

LONGEST_MODULE = 400
VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|common|base|core|managers?|misc)(?:_|$)")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|tmp|home)/")
REGISTRY = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org|crates\.io)\b")
WRITTEN = sorted(
    path
    for pattern in ("secretguard/**/*", "plugins/**/*", "docs/**/*", ".ci/*", "*.md", "*.py", "*.toml", ".*.yaml")
    for path in ROOT.glob(pattern)
    if path.is_file() and path.suffix in ("", ".py", ".yaml", ".yml", ".md", ".toml")
)


def test_there_is_a_product_to_look_at() -> None:
    assert len(PRODUCT) > 150
    assert len(WRITTEN) > len(PRODUCT)


def test_processes_are_started_in_one_module() -> None:
    assert importers_of("subprocess", "pty") == {"secretguard/git/command.py"}
    others = (
        "os.system", "os.popen", "os.forkpty", "os.posix_spawn", "os.posix_spawnp",
        *(f"os.spawn{letters}" for letters in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    )  # fmt: skip
    assert modules_using(*others) == set()
    assert modules_using("os.fork") == {"secretguard/cli/masking_child.py"}, "the command of `secretguard run --mask`"


def test_one_module_hands_the_process_over_to_the_command_of_secretguard_run() -> None:
    replacing = (f"os.exec{letters}" for letters in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"))
    assert modules_using(*replacing) == {"secretguard/cli/run.py"}


def test_work_is_shared_out_in_one_module() -> None:
    assert importers_of("multiprocessing") == {"secretguard/workers.py"}


def test_hyperscan_is_behind_one_module() -> None:
    assert importers_of("hyperscan") == {"secretguard/engine/prefilter.py"}


def test_click_is_in_the_command_line_only() -> None:
    assert [name for name in importers_of("click") if not name.startswith("secretguard/cli/")] == []


def test_rich_is_where_a_person_reads() -> None:
    allowed = ("secretguard/cli/", "secretguard/report/text")
    assert [name for name in importers_of("rich") if not name.startswith(allowed)] == []


def test_connections_are_opened_in_one_module_and_by_the_libraries_of_rotators_and_stores() -> None:
    network = (
        "urllib3", "urllib.request", "http", "socketserver", "ftplib", "smtplib", "telnetlib",
        "xmlrpc", "asyncio", "httpx", "aiohttp",
    )  # fmt: skip
    assert importers_of(*network) == set()
    assert importers_of("requests") == {"secretguard/transport.py"}
    assert importers_of("ssl") == {"plugins/mysql/secretguard_mysql/connect.py"}, "TLS without a certificate to check"


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("keyring", "secretguard/stores/keys.py"), ("pyrage", "secretguard/stores/sealing.py"),
        ("secretstorage", "secretguard/stores/secret_service.py"),
        ("boto3", "plugins/aws/"), ("botocore", "plugins/aws/"), ("hvac", "plugins/hashicorp/"),
        ("pymysql", "plugins/mysql/"), ("redis", "plugins/redis/"), ("amqp", "plugins/rabbitmq/"),
        ("git", "secretguard/rewrite/commit.py"), ("gitdb", "secretguard/rewrite/"),
    ],
)  # fmt: skip
def test_a_library_is_used_in_one_place(library: str, home: str) -> None:
    assert [name for name in importers_of(library) if not name.startswith(home)] == []


def test_files_are_locked_where_stores_and_state_are_kept() -> None:
    assert importers_of("fcntl") == {"secretguard/stores/files.py", "secretguard/rotate/state_directory.py"}


def test_rotation_waits_outside_the_scan() -> None:
    rotation = ("secretguard.rotate", "secretguard.stores", "secretguard.rotation", "secretguard.transport")
    scanning = ("secretguard/scan/", "secretguard/engine/", "secretguard/git/", "secretguard/report/")
    assert [name for name in importers_of(*rotation) if name.startswith(scanning)] == []


def test_nothing_reads_data_that_can_run_code() -> None:
    assert importers_of("pickle", "shelve", "dill", "code", "pdb", "runpy") == set()
    # Numbers, bytes and strings of a file whose MAC says that we wrote it.
    assert importers_of("marshal") == {"secretguard/scan/history_state.py"}


def test_detect_secrets_is_asked_for_one_thing() -> None:
    assert importers_of("detect_secrets") == {"secretguard/engine/generic.py"}


def test_plugins_of_vendors_know_nothing_of_the_inside() -> None:
    inside = ("secretguard.cli", "secretguard.scan", "secretguard.engine", "secretguard.git", "secretguard.report")
    assert [name for name in importers_of(*inside) if name.startswith("plugins/")] == []


def test_tests_are_not_imported_by_the_product() -> None:
    assert importers_of("tests", "pytest", "hypothesis", "unittest") == set()


def test_no_module_is_long() -> None:
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in PRODUCT}
    assert {name: length for name, length in lines.items() if length > LONGEST_MODULE} == {}


def test_no_module_has_a_vague_name() -> None:
    names = [path.relative_to(ROOT).with_suffix("").as_posix() for path in PRODUCT]
    assert [name for name in names if any(VAGUE.search(part) for part in name.split("/"))] == []


def test_nobody_imports_everything() -> None:
    assert [name_of(path) for path in PRODUCT if any(name.endswith(".*") for name in imported_by(path))] == []


@pytest.mark.parametrize("place", [MACHINE_PATH, REGISTRY], ids=["machine", "registry"])
def test_no_file_names_a_place_of_one_machine(place: re.Pattern[str]) -> None:
    assert {name_of(path): found for path in WRITTEN if (found := place.findall(path.read_text("utf-8")))} == {}
