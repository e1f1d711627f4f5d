"""Files in, rewriting out, for authors of rewriters: with the installed rules, without a repository."""

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from types import ModuleType
from typing import ClassVar, cast

from secretguard.interfaces import Rewriter
from secretguard.reference import SecretReference
from secretguard.rewrite.naming import conventional
from secretguard.rewrite.plan import Naming, Rewrite, gather, plan_rewrite
from secretguard.rewrite.survey import TrackedFile, all_rewriters
from secretguard.rewriting import Surroundings
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard.testing.rules import find

_STORE = SecretReference("vault", "secret/app")


def rewritten(
    files: Mapping[str, str | bytes],
    leaked: Login,
    *,
    kind: str = "postgres-uri",
    family: str = "postgres",
    rewriters: Sequence[Rewriter] = (),
    store: SecretReference = _STORE,
) -> Rewrite:
    """Return what the rewriting of a repository that holds these files does; each name is a field of the `store`.

    `rewriters`: those that are asked; every installed one, if none is named.
    """
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    tracked = [TrackedFile(path, content, tuple(find(content))) for path, content in data.items()]

    def read(path: str) -> str | None:
        return data[path].decode("utf-8", "replace") if path in data else None

    gathered = gather(tracked, rewriters or _rewriters(), Surroundings(frozenset(data), read), leaked)
    return plan_rewrite(gathered, Naming(lambda _, name: store.with_field(name), conventional(kind, family)))


class RewriterContract:
    """Subclass it, say what is rewritten, and pytest checks what a rewriter must hold."""

    plugin: ClassVar[ModuleType]
    path: ClassVar[str]
    """A file that it claims."""
    examples: ClassVar[Mapping[str, str | None]]
    """Text of the file, `<SECRET>` where the value stands -> what it becomes; None if a person has to do it."""

    def _rewritten(self, text: str) -> tuple[str, Rewrite]:
        value = "".join(Random(text).choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=24))
        leaked, rewriter = Login("app", Secret(value)), cast(Rewriter, self.plugin)
        return value, rewritten({self.path: text.replace("<SECRET>", value)}, leaked, rewriters=(rewriter,))

    def test_each_example_becomes_what_it_says_or_is_left_to_a_person(self) -> None:
        """An example is edited to its other half, or reported with its line."""
        for text, wanted in self.examples.items():
            _, found = self._rewritten(text)
            after = [one.after.decode() for one in found.changes if one.path == self.path and one.after is not None]
            assert after == ([] if wanted is None else [wanted]), found.manual
            assert wanted is not None or found.manual

    def test_what_surrounds_a_secret_breaks_nothing(self) -> None:
        """Whatever stands around the value, it is edited out of the file or reported."""
        for text in ("<SECRET>", *(f"{noise}{one}{noise}" for one in self.examples for noise in _NOISE)):
            value, found = self._rewritten(text)
            assert not any("failed on it" in one.reason for one in found.manual), found.manual
            after = [one.after for one in found.changes if one.path == self.path and one.after is not None]
            assert found.manual or (after and value.encode() not in after[0])


_NOISE = ("", "\n", "\r\n", "'", '"', "\\", "{", ")", "#", "${", "\u00e9\U0001f511", "\t<!--", "[" * 2_000)
"""What comes before and behind: line ends, quotes that are never closed, characters of more bytes, deep nesting."""


@cache
def _rewriters() -> tuple[Rewriter, ...]:
    return all_rewriters()
