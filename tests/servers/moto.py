"""moto: an imitation of AWS, looser than AWS about labels and keys; for plumbing, not for proofs."""

import json
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers.processes import Running, Workspace, free_port


@dataclass(frozen=True, slots=True)
class Moto:
    """A running moto server, and an operator's environment for it."""

    port: int
    running: Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self, **more: str) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(self.running.workspace.path),
            **more,
        }

    def answers(self) -> object:
        with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5) as answer:
            return json.load(answer)


def start_moto() -> Moto:
    port, workspace = free_port(), Workspace("moto")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    moto = Moto(port, Running(command, workspace, as_root=True))  # its Python may lie where nobody else can read
    moto.running.await_answer(moto.answers)
    return moto


def stop_moto(moto: Moto) -> None:
    moto.running.stop()
    moto.running.workspace.remove()
