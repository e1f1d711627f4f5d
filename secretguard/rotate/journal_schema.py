"""The tables of the journal, version by version, in the SQL that sqlite and Postgres share."""

from secretguard.errors import RotationError

VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE rotations (
            position {counter}, id TEXT NOT NULL UNIQUE, credential TEXT NOT NULL, state TEXT NOT NULL,
            record TEXT NOT NULL)""",
        """CREATE TABLE attempts (
            rotation TEXT NOT NULL REFERENCES rotations (id), number INTEGER NOT NULL, step TEXT NOT NULL,
            actor TEXT NOT NULL, began TEXT NOT NULL, ended TEXT NOT NULL DEFAULT '', outcome TEXT,
            evidence TEXT NOT NULL DEFAULT '[]', PRIMARY KEY (rotation, number))""",
        """CREATE TABLE leases (
            credential TEXT PRIMARY KEY, token TEXT NOT NULL, process TEXT NOT NULL, since TEXT NOT NULL,
            expires DOUBLE PRECISION NOT NULL, uptime DOUBLE PRECISION NOT NULL)""",
        "CREATE TABLE anchors (trail TEXT PRIMARY KEY, count INTEGER NOT NULL, seal TEXT NOT NULL)",
    ),
    (
        # What `begin` checks holds even against a journal of an older program.
        "CREATE UNIQUE INDEX one_at_a_time ON rotations (credential) WHERE state IN ('open', 'waiting')",
        "ALTER TABLE anchors ADD COLUMN keeper TEXT NOT NULL DEFAULT ''",
    ),
    (
        # From here on records may also say `left_out`, which older programs do not read.
        "ALTER TABLE attempts ADD COLUMN refused INTEGER NOT NULL DEFAULT 0",
    ),
)
"""Statements that lead from each version to the next; those of a released version are never changed."""
CURRENT = len(VERSIONS)


def missing(version: int, counter: str, where: str) -> list[str]:
    """Return the statements from `version` to the current one; raises RotationError if it is newer than we are.

    `counter` declares a primary key that counts up by itself, which each database spells in its own way.
    """
    if not 0 <= version <= CURRENT:
        raise RotationError(
            f"{where} is of version {version}, and this secretguard knows versions up to {CURRENT}",
            hint="A newer secretguard wrote it: use that one, or update this one.",
        )
    return [statement.format(counter=counter) for step in VERSIONS[version:] for statement in step]
