"""Whether an exception would show a value to whoever prints, logs or reports it."""

import traceback
from collections.abc import Iterator


def exposure(error: BaseException, *values: str) -> list[str]:
    """Return where `error`, what it chains or the locals of its frames show one of `values`; empty is good.

    Looked at is what a crash report shows: texts, arguments and attributes of the error and of the errors it is shown
    to come from, and the `repr` of the locals of each frame. The first frame is the test's own, and left out.
    """
    found = []
    for one in _shown(error):
        name = type(one).__name__
        texts = {"text": str(one), "repr": repr(one), "arguments": repr(one.args), "attributes": repr(_state(one))}
        for depth, (frame, line) in enumerate(traceback.walk_tb(one.__traceback__)):
            if depth or one is not error:
                texts[f"locals of {frame.f_code.co_name}, line {line}"] = repr(dict(frame.f_locals))
        found += [f"{name}: {where}" for where, text in texts.items() if any(value in text for value in values)]
    return found


def _shown(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and the errors that Python prints above it."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _state(error: BaseException) -> dict[str, object]:
    """Return the attributes of an error, slots included."""
    slots = [name for kind in type(error).__mro__ for name in getattr(kind, "__slots__", ())]
    return {**{name: getattr(error, name, None) for name in slots}, **vars(error)}
