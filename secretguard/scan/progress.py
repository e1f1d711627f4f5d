"""What a scan tells whoever watches it, and what a source needs to find matches by itself."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from secretguard.engine.detect import Detector


class Progress(Protocol):
    """Something that shows how far a scan is."""

    def phase(self, name: str, total: int) -> None:
        """Begin a phase of `total` bytes; 0 if nobody knows."""
        ...

    def advance(self, amount: int, objects: int = 0) -> None:
        """Count `amount` bytes as looked at, of so many objects where they are counted."""
        ...


class Sweeping(NamedTuple):
    """The rules, and how to go about it."""

    detector: "Detector"
    rules_digest: str
    progress: Progress
    jobs: int = 0
    """Processes; 0: as many as there are processors."""
    use_cache: bool = True
    """Whether what earlier scans learnt counts."""
