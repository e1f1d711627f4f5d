"""What a token lacks, as the server itself tells it before anything is done."""

from collections.abc import Iterator, Mapping

from secretguard.rotation import Finding
from secretguard_hashicorp.connection import Hidden, Vault


def missing_rights(server: Vault, wanted: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """Yield a finding for each path on which the operator's token lacks one of its capabilities."""
    answer = server.look("post", "sys/capabilities-self", Hidden({"paths": list(wanted)}))
    if answer.status != 200:
        yield Finding("whether the token may do all that is needed cannot be seen beforehand")
        return
    for path, needed in wanted.items():
        has = answer.data.get(path) or ()
        lacks = [one for one in needed if one not in has and "root" not in has]
        if lacks:
            error = server.denied(f"{' and '.join(lacks)} {path}", path, *needed)
            yield Finding(str(error), error.hint, stops=True)
