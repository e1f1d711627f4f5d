"""A TCP proxy on loopback that loses replies, keeps them back, waits or cuts, in front of a real server."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal["", "drop", "hold", "delay", "cut"]
"""What happens to a connection whose request matches.

`drop`: the request reaches the server, the reply is thrown away and the connection ends. `hold`: the reply is kept
until `release`, and goes on then. `delay`: the request waits for `seconds`, or until `release`, first. `cut`: the
connection ends before the request reaches the server.
"""


@dataclass
class Proxy:
    """Forwards to one port; `fault` is what happens next."""

    target: tuple[str, int]
    listener: socket.socket
    fault: Fault = ""
    matching: bytes = b""
    """Only to requests that hold this."""
    times: int = 1
    """To how many of them."""
    seconds: float = 0.0
    seen: list[bytes] = field(default_factory=list)
    """First bytes of each request that the fault happened to."""
    _released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def will(self, fault: Fault, matching: bytes = b"", *, times: int = 1, seconds: float = 0.0) -> None:
        """Do this to the next `times` connections whose request holds `matching`."""
        with self._lock:
            self.fault, self.matching, self.times, self.seconds = fault, matching, times, seconds
            self.seen.clear()
            self._released.clear()

    def release(self) -> None:
        """Let go of the replies that are held, and of the requests that wait."""
        self._released.set()

    def serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._released.set()
        for one in (self.listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _forward(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.target)
        except OSError:  # it is down, and so are we
            client.close()
            return
        with self._lock:
            self._open += [client, server]
        lost = threading.Event()
        threading.Thread(target=self._replies, args=(server, client, lost), daemon=True).start()
        with client, server, suppress(OSError):
            while chunk := client.recv(65536):
                fault = self._for(chunk)
                if fault == "cut":
                    return
                if fault == "delay":
                    self._released.wait(self.seconds)
                if fault in ("drop", "hold"):
                    lost.set()
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)
            time.sleep(0.05)

    def _for(self, chunk: bytes) -> Fault:
        with self._lock:
            if not self.fault or self.times <= 0 or self.matching not in chunk:
                return ""
            self.times -= 1
            self.seen.append(chunk[:200])
            return self.fault

    def _replies(self, server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while chunk := server.recv(65536):
                if lost.is_set():
                    if self.fault == "drop":
                        break
                    self._released.wait()
                client.sendall(chunk)
        for one in (client, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(port: int, host: str = "127.0.0.1") -> Iterator[Proxy]:
    """A proxy in front of `host:port`."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Proxy((host, port), listener)
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.close()
