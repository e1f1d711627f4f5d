"""`python parse_floor.py DIR`: parse every file below DIR once with ast-grep; nobody rewrites for less."""

import sys
from pathlib import Path

from ast_grep_py import SgRoot

GRAMMARS = {".go": "go", ".js": "javascript", ".py": "python", ".rb": "ruby", ".sh": "bash", ".ts": "typescript"}
GRAMMARS |= {".yml": "yaml"}


def main(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix in GRAMMARS and path.is_file():
            SgRoot(path.read_text("utf-8"), GRAMMARS[path.suffix]).root().find_all(kind="ERROR")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
