"""Every case of the corpus: the file becomes exactly what stands there, and stays what its language can read."""

import pytest

from plugins.languages.tests.corpus import Case, cases, described, filled, leaked
from secretguard.reference import parse_reference
from secretguard.rewrite.plan import Rewrite
from secretguard.testing.rewriting import rewritten

CASES = cases()


def _rewrite(case: Case, text: str) -> Rewrite:
    login, kind, family = leaked(case)
    others = {path: filled(content) for path, content in case.files.items()}
    files = {case.path: case.written(text), **others}
    return rewritten(files, login, kind=kind, family=family, store=parse_reference(case.store))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_becomes_what_the_corpus_says(case: Case) -> None:
    rewrite = _rewrite(case, case.before)
    changed = {one.path: one.after for one in rewrite.changes}
    if case.manual:
        manual = [one for one in rewrite.manual if one.path not in case.files]
        assert [one.path for one in manual] == [case.path]
        assert case.manual in manual[0].reason
        assert case.advice in manual[0].advice
    else:
        assert rewrite.manual == ()
    if case.after is not None:
        assert (changed.get(case.path) or b"").decode(case.encoding) == case.written(case.after).decode(case.encoding)
    else:
        assert not changed.get(case.path)
    for path, content in case.also.items():
        assert path in changed
        assert changed[path] == (None if content is None else filled(content).encode())
    if case.variables:
        assert described(rewrite) == case.variables


@pytest.mark.parametrize("case", [one for one in CASES if one.after is not None], ids=str)
def test_what_was_rewritten_is_left_alone_the_next_time(case: Case) -> None:
    rewrite = _rewrite(case, case.after or "")
    assert [one.path for one in rewrite.changes if one.path == case.path] == []
