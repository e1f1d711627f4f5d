"""What a generator yields."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of a file that holds one credential, and the parts a scanner has to find in it.

    `kind` is an id of the format reference (a family name for split settings). Empty parts say nothing.
    A `variant` that starts with `public:` is a value its vendor publishes.
    """

    kind: str
    text: str
    secret: str
    user: str = ""
    host: str = ""
    port: int | None = None
    database: str = ""
    variant: str = ""

    @property
    def is_public(self) -> bool:
        """Whether the vendor says that this value is no secret."""
        return self.variant.startswith("public:")
