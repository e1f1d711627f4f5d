"""Old versions of a document that still hold a leaked value: found, destroyed, seen to be destroyed."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from secretguard.secret import Secret
from secretguard.spelling import holds as text_holds
from secretguard_hashicorp.connection import Number, whole
from secretguard_hashicorp.documents import Place, destroy, metadata, read


def destroy_leaked_versions(where: Place, leaked: Secret) -> tuple[str, ...]:
    """Destroy every version but the current one that holds `leaked`; return evidence. Raises StoreError.

    A deleted version can be brought back by others, but not be read. It is not brought back to look into it: for that
    moment the leaked value would be readable again. The evidence names it.
    """
    known = metadata(where)
    newest = whole(known.get("current_version"))
    holding, unseen = [], []
    for number, one in sorted((int(number), one) for number, one in (known.get("versions") or {}).items()):
        if one.get("destroyed"):
            continue
        document = read(where, number)
        if holds(document.data, leaked):
            holding.append(number)
        elif not document.data and one.get("deletion_time"):
            unseen.append(number)
    old = [number for number in holding if number != newest]
    if old:
        destroy(where, old)
    return tuple(_evidence(where, old, current=newest if newest in holding else 0, unseen=unseen))


def _evidence(where: Place, old: list[int], *, current: int, unseen: list[int]) -> Iterator[str]:
    path = f"{where.mount}/{where.path}"
    if old:
        yield f"{path}: versions {_listed(old)} held the leaked value and are destroyed"
    else:
        yield f"{path}: no old version that can be read holds the leaked value"
    if current:
        yield f"{path}: the current version {current} still holds the leaked value, and is left as it is"
    if unseen:
        yield (
            f"{path}: versions {_listed(unseen)} are deleted but can be brought back; what they hold was not looked at."
            " `secretguard store destroy REF --version N` ends one for good"
        )


def _listed(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def holds(value: object, leaked: Secret) -> bool:
    """Whether the leaked value stands anywhere in a JSON value, also within a longer text or encoded there."""
    if isinstance(value, Number):
        return value.text == leaked.reveal()
    if isinstance(value, str):
        return text_holds(value, leaked) or text_holds(unquote(value), leaked)
    if isinstance(value, Mapping):
        return any(holds(one, leaked) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(holds(one, leaked) for one in value)
