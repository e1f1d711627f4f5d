"""The entries of a pack and the order in which to rebuild them. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `families.pxd`. A family is an object stored whole with everything
built on it by deltas. Entries are numbered in the order of their offsets.
The format: gitformat-pack(5).
"""

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads this line, and nothing runs it: see uncompiled.py
    import cython
else:
    from secretguard.git import uncompiled as cython

BAD, COMMIT, TREE, BLOB, TAG = range(5)
"""Types of objects as packs number them; BAD for an entry that cannot be read."""
REF_DELTA = 7
NONE = -1

_BAD = BAD  # the compiler makes numbers of these, which only this module sees
_TREE = TREE
_TAG = TAG
_OFFSET_DELTA = 6
_REF_DELTA = REF_DELTA
_NONE = NONE
_FAR = 1 << 31
"""Offsets from here on stand in a table of their own."""
_NOWHERE = 1 << 62
_TOO_FAR = 64
"""What a far offset begins with from `_NOWHERE` on."""
_HEAVIEST = 1 << 24
"""What is larger is never held: see `packs.LARGE`. It keeps sums of sizes, which a pack may choose, small."""


def read_offsets(near: memoryview, far: memoryview, offsets: "array[int]") -> None:
    """Read where each entry starts, in the order of the index: `near` and `far` are its tables of offsets.

    What is in neither is nowhere: behind the end of every pack.
    """
    for i in range(len(offsets)):
        offset = 0
        for k in range(4):
            offset = (offset << 8) | near[4 * i + k]
        if offset >= _FAR:
            at = (offset - _FAR) * 8
            offset = _NOWHERE
            if at + 8 <= len(far) and far[at] < _TOO_FAR:
                offset = 0
                for k in range(8):
                    offset = (offset << 8) | far[at + k]
        offsets[i] = offset


def sort_offsets(offsets: "array[int]", places: "array[int]", spare: "array[int]") -> None:
    """Sort `offsets` in place and put into `places` where each stood before; `spare` is twice as long as it."""
    count = len(offsets)
    if not cython.compiled:
        places[:] = array(places.typecode, sorted(range(count), key=offsets.__getitem__))
        offsets[:] = array(offsets.typecode, sorted(offsets))
        return
    for i in range(count):
        places[i] = i
    for shift in range(0, 64, 11):
        starts = memoryview(array("q", bytes(8 * 2049)))
        for i in range(count):
            starts[((offsets[i] >> shift) & 2047) + 1] += 1
        if starts[1] == count:
            continue  # all have the same digit here, zero
        for i in range(2048):
            starts[i + 1] += starts[i]
        for i in range(count):
            digit = (offsets[i] >> shift) & 2047
            to = starts[digit]
            spare[2 * to] = offsets[i]
            spare[2 * to + 1] = places[i]
            starts[digit] = to + 1
        for i in range(count):
            offsets[i] = spare[2 * i]
            places[i] = spare[2 * i + 1]


def read_headers(  # noqa: C901, PLR0912, PLR0915 - one loop without calls in it
    pack: memoryview,
    offsets: "array[int]",
    kinds: bytearray,
    sizes: "array[int]",
    starts: "array[int]",
    bases: "array[int]",
) -> None:
    """Read the header of each entry: its type, size, where its data starts, and the entry an offset delta is built on.

    `offsets` ends with the end of the last entry. For a REF_DELTA the data "starts" with the id of the base. What is
    malformed is BAD.
    """
    for i in range(len(offsets) - 1):
        kinds[i] = _BAD
        bases[i] = _NONE
        sizes[i] = 0
        at = offsets[i]
        stop = min(offsets[i + 1], len(pack))
        if at >= stop:
            continue
        byte = pack[at]
        at += 1
        kind = (byte >> 4) & 7
        size = byte & 15
        shift = 4
        while byte & 128 and at < stop and shift < 56:
            byte = pack[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
        if byte & 128:
            continue
        if kind == _OFFSET_DELTA:
            if at >= stop:
                continue
            byte = pack[at]
            at += 1
            back = byte & 127
            while byte & 128 and at < stop and back < 1 << 48:
                byte = pack[at]
                at += 1
                back = ((back + 1) << 7) | (byte & 127)
            if byte & 128 or back <= 0 or back > offsets[i]:
                continue
            wanted = offsets[i] - back
            low = 0
            high = i
            while low < high:
                middle = (low + high) >> 1
                if offsets[middle] < wanted:
                    low = middle + 1
                else:
                    high = middle
            if low >= i or offsets[low] != wanted:
                continue
            bases[i] = low
        elif kind == _BAD or (kind > _TAG and kind != _REF_DELTA):
            continue
        if at >= stop:
            continue
        kinds[i] = kind
        sizes[i] = size
        starts[i] = at


def arrange(  # noqa: C901, PLR0912, PLR0915 - loops over all entries without calls in them
    kinds: bytearray,
    bases: "array[int]",
    sizes: "array[int]",
    order: "array[int]",
    left: "array[int]",
    spare: "array[int]",
) -> int:
    """Put into `order` the entries so that each follows its base, and return how many of them are no trees.

    Families of trees come last, entries that are BAD or built on such a one nowhere (the rest of `order` is NONE).
    Depth first; among the entries built on one base the heaviest, with all that is built on it, comes last. So each
    base that waits for another of its entries is at least twice as heavy as the next one that waits, and of n entries
    no more than about log2(n) + 18 can wait at a time. `left` gets the number of entries built on each. `kinds`
    becomes the type of the finished object. `spare` has room for five numbers an entry.
    """
    count = len(bases)
    child = 0
    sibling = count
    queue = 2 * count
    weight = 3 * count
    place = 4 * count
    for i in range(count):
        spare[child + i] = _NONE
        spare[sibling + i] = _NONE
        spare[weight + i] = min(sizes[i], _HEAVIEST) + 64
        order[i] = _NONE
        left[i] = 0
    for i in range(count - 1, -1, -1):
        base = bases[i]
        if base >= 0 and kinds[i] != _BAD:
            spare[sibling + i] = spare[child + base]
            spare[child + base] = i
            left[base] += 1
    # Breadth first: a base before what is built on it.
    filled = 0
    for i in range(count):
        if bases[i] < 0 and _BAD < kinds[i] <= _TAG:
            spare[queue + filled] = i
            filled += 1
    roots = filled
    done = 0
    while done < filled:
        i = spare[queue + done]
        done += 1
        one = spare[child + i]
        while one >= 0:
            kinds[one] = kinds[i]
            spare[queue + filled] = one
            filled += 1
            one = spare[sibling + one]
    # What was not reached is built on a ring, or on something bad.
    for i in range(count):
        if kinds[i] > _TAG:
            kinds[i] = _BAD
    # From the leaves up: how many entries, and how many bytes, are built on each.
    for k in range(count):
        spare[place + k] = 1
    for k in range(filled - 1, roots - 1, -1):
        i = spare[queue + k]
        spare[weight + bases[i]] += spare[weight + i]
        spare[place + bases[i]] += spare[place + i]
    # From the roots down: the place of each; a family takes as many as it has members.
    content = 0
    for k in range(roots):
        i = spare[queue + k]
        if kinds[i] != _TREE:
            members = spare[place + i]
            spare[place + i] = content
            content += members
    following = content
    for k in range(roots):
        i = spare[queue + k]
        if kinds[i] == _TREE:
            members = spare[place + i]
            spare[place + i] = following
            following += members
    for k in range(filled):
        i = spare[queue + k]
        at = spare[place + i]
        order[at] = i
        at += 1
        last = _NONE
        one = spare[child + i]
        while one >= 0:
            if last < 0 or spare[weight + one] > spare[weight + last]:
                last = one
            one = spare[sibling + one]
        one = spare[child + i]
        while one >= 0:
            if one != last:
                members = spare[place + one]
                spare[place + one] = at
                at += members
            one = spare[sibling + one]
        if last >= 0:
            spare[place + last] = at
    return content


def cut_evenly(
    order: "array[int]", stop: int, sizes: "array[int]", each: int, least: int
) -> list[tuple[int, int, int]]:
    """Cut `order[:stop]` into ranges of about the same cost, `least`: the start, end and cost of each.

    An entry costs its size, though not all of one that is never held, and `each`.
    """
    ranges = []
    start = 0
    cost = 0
    for k in range(stop):
        cost += min(sizes[order[k]], _HEAVIEST) + each
        if cost >= least or k == stop - 1:
            ranges.append((start, k + 1, cost))
            start = k + 1
            cost = 0
    return ranges


def mark_common(ids: memoryview, others: memoryview, width: int, flags: bytearray) -> None:
    """Set the flag of each id of one sorted table, of `width` bytes each, that another sorted table holds too."""
    i = 0
    j = 0
    while i < len(ids) and j < len(others):
        k = 0
        while k < width and ids[i + k] == others[j + k]:
            k += 1
        if k == width:
            flags[i // width] = 1
            i += width
            j += width
        elif ids[i + k] < others[j + k]:
            i += width
        else:
            j += width


def find_ids(ids: memoryview, width: int, wanted: bytes | memoryview, positions: "array[int]") -> None:
    """Put into `positions` where in a sorted table of ids, of `width` bytes each, each of the wanted stands, or NONE.

    Positions that are known already (not NONE) are left alone.
    """
    for number in range(len(positions)):
        if positions[number] != _NONE:
            continue
        start = number * width
        low = 0
        high = len(ids) // width
        while low < high:
            middle = (low + high) >> 1
            k = 0
            while k < width and ids[middle * width + k] == wanted[start + k]:
                k += 1
            if k == width:
                positions[number] = middle
                break
            if ids[middle * width + k] < wanted[start + k]:
                low = middle + 1
            else:
                high = middle
