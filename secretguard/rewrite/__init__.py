"""From literals in the code to references: edits, their checks, and how they are delivered."""
