"""The repository that the README's sample comes from; its keys are made up anew each time, and always the same."""

import io
import json
from pathlib import Path
from typing import Any

from secretguard.config import Config
from secretguard.examples import fill
from secretguard.model import Report
from secretguard.report import json_report, text
from secretguard.scan.run import ScanRequest, scan
from secretguard.testing import RepositoryBuilder


class Nobody:
    """Progress that nobody watches."""

    def phase(self, name: str, total: int) -> None:
        pass

    def advance(self, amount: int, objects: int = 0) -> None:
        pass


def build(path: Path) -> Path:
    """A small shop: one database login in three spellings, one key that was taken out again."""
    password = fill("{{alnum:20}}", 1)
    key = fill("sk-proj-{{base64url:73}}aT3BlbkFJ{{base64url:73}}a", 1)
    host = "db.orders.internal"
    builder = RepositoryBuilder(path)
    builder.write("deploy/.env", f"DATABASE_URL=postgresql://orders_app:{password}@{host}:5432/orders\n")
    builder.commit("Add deployment")
    builder.write("app/db.py", f'pool = psycopg.connect(host="{host}", user="orders_app", password="{password}")\n')
    builder.write("app/assistant.py", f'client = OpenAI(api_key="{key}")\n').commit("Add the assistant")
    query = f"user=orders_app&password={password}"
    builder.write("ops/report.properties", f"url=jdbc:postgresql://{host}/orders?{query}\n")
    builder.write("app/assistant.py", "client = OpenAI()\n").commit("Read the key from the environment")
    return path


def report(path: Path) -> Report:
    """What `secretguard scan --history` finds in it."""
    return scan(ScanRequest(Config(), str(build(path / "orders")), "history"), Nobody())


def printed(path: Path) -> str:
    """The report as it stands in the README."""
    out = io.StringIO()
    text.write(report(path), out, show_secrets=False)
    return out.getvalue()


def scanned(path: Path, **more: Any) -> dict[str, Any]:
    """The JSON report, with other fields put in place."""
    out = io.StringIO()
    json_report.write(report(path)._replace(**more), out, show_secrets=False)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document
