"""Which parts of an object store are known from an earlier scan, and which are new."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from secretguard.git.commit_graph import CommitTable
from secretguard.git.families import NONE
from secretguard.git.loose import LooseObjects
from secretguard.git.packs import known_entries
from secretguard.git.store import ObjectStore
from secretguard.scan.history_state import History, KnownLoose, KnownPack, loose_stamp, pack_name, pack_stamp
from secretguard.scan.history_sweep import Swept
from secretguard.scan.history_touched import is_loose_intact, is_pack_intact, recognised


@dataclass(frozen=True, slots=True)
class Division:
    """An object store, divided into what is known and what is new."""

    known: ObjectStore
    packs: Sequence[KnownPack]
    """What is known of each pack of `known`."""
    loose: dict[bytes, KnownLoose]
    """By stamp."""
    loose_swept: Swept
    new: ObjectStore
    pack_stamps: Sequence[bytes | None]
    """Of the packs of `new`."""
    loose_stamps: Sequence[dict[str, bytes | None]]
    """Of the loose objects, for each directory."""
    lost: bool
    """Whether something that was known is not here any more, or in another file."""
    renewed: bool
    """Whether something that is known has another stamp than before."""

    @property
    def is_all_known(self) -> bool:
        """Whether nothing is new, and nothing gone."""
        return not (self.lost or self.new.packs or any(self.new.loose))

    @property
    def is_settled(self) -> bool:
        """Whether all that is new can be told from what may come in its place."""
        return None not in self.pack_stamps and all(None not in stamps.values() for stamps in self.loose_stamps)

    def elsewhere(self) -> list[bytearray]:
        """Return for each new part a flag for each entry: a known part holds the object too."""
        flags = [known_entries(pack, self.known.packs) for pack in self.new.packs]
        for pack, held in zip(self.new.packs, flags, strict=True):
            for name in (name for loose in self.known.loose for name in loose.names):
                if (position := pack.position(bytes.fromhex(name))) != NONE:
                    held[pack.entry_at(position)] = 1
        flags += (bytearray(self.known.holds(name) for name in loose.names) for loose in self.new.loose)
        return flags

    def learnt(
        self, swept: Sequence[Swept], elsewhere: Sequence[bytearray]
    ) -> tuple[list[KnownPack], dict[bytes, KnownLoose], Swept]:
        """Return what is known of packs and of loose objects now that the new parts are swept."""
        packs, loose = [*self.packs], dict(self.loose)
        shared = [bytearray(map(max, *flags)) for flags in zip(self.new.repeated, elsewhere, strict=True)]
        for stamp, flags, one in zip(self.pack_stamps, shared, swept, strict=False):
            if stamp is not None:
                packs.append(KnownPack(stamp, any(flags), one))
        first = len(self.new.packs)
        directories = zip(self.new.loose, self.loose_stamps, shared[first:], swept[first:], strict=True)
        for part, stamps, flags, one in directories:
            is_shared = dict(zip(part.names, map(bool, flags), strict=True))
            settled = one.only({raw_id for raw_id in one.loose if stamps[raw_id.hex()]})
            for raw_id, size in settled.loose.items():
                if stamp := stamps[raw_id.hex()]:
                    loose[stamp] = KnownLoose(size, is_shared[raw_id.hex()])
            self.loose_swept.add(settled)
        return packs, loose, self.loose_swept


def divide(store: ObjectStore, history: History) -> Division:
    """Tell what of `store` is known."""
    packs, loose = {one.stamp: one for one in history.packs}, dict(history.loose)
    pack_stamps, loose_stamps = _pack_stamps(store, packs), _loose_stamps(store, loose)
    renewed = packs.keys() != {one.stamp for one in history.packs} or loose.keys() != history.loose.keys()
    here = {stamp for stamps in loose_stamps for stamp in stamps.values()}
    lost = not (packs.keys() <= set(pack_stamps) and loose.keys() <= here)
    if lost:
        # What counted where it is gone has to count somewhere else.
        packs = {stamp: one for stamp, one in packs.items() if not one.shared}
        loose = {stamp: one for stamp, one in loose.items() if stamp in here and not one.shared}
    pairs = [*zip(store.packs, pack_stamps, strict=True)]
    directories = [*zip(store.loose, loose_stamps, strict=True)]
    return Division(
        known=ObjectStore(
            tuple(pack for pack, stamp in pairs if stamp in packs),
            tuple(_part(one, [name for name in one.names if stamps[name] in loose]) for one, stamps in directories),
            id_size=store.id_size,
        ),
        packs=[packs[stamp]._replace(stamp=stamp) for stamp in pack_stamps if stamp in packs],
        loose=loose,
        loose_swept=_loose_swept(history.loose_swept, loose, store.id_size),
        new=ObjectStore(
            tuple(pack for pack, stamp in pairs if stamp not in packs),
            tuple(_part(one, [name for name in one.names if stamps[name] not in loose]) for one, stamps in directories),
            id_size=store.id_size,
        ),
        pack_stamps=[stamp for stamp in pack_stamps if stamp not in packs],
        loose_stamps=loose_stamps,
        lost=lost,
        renewed=renewed,
    )


def _pack_stamps(store: ObjectStore, known: dict[bytes, KnownPack]) -> list[bytes | None]:
    files = {at: (pack_name(pack), pack_stamp(pack)) for at, pack in enumerate(store.packs)}
    return [*recognised(files, known, lambda at: is_pack_intact(store.packs[at])).values()]


def _loose_stamps(store: ObjectStore, known: dict[bytes, KnownLoose]) -> list[dict[str, bytes | None]]:
    files = {
        (at, name): (bytes.fromhex(name), loose_stamp(os.fspath(loose.path), name))
        for at, loose in enumerate(store.loose)
        for name in loose.names
    }
    stamps = recognised(files, known, lambda file: is_loose_intact(store.loose[file[0]], file[1]))
    return [{name: stamps[at, name] for name in loose.names} for at, loose in enumerate(store.loose)]


def _part(loose: LooseObjects, names: list[str]) -> LooseObjects:
    return LooseObjects(loose.path, names, bytearray(len(names)))


def _loose_swept(swept: Swept, known: dict[bytes, KnownLoose], id_size: int) -> Swept:
    """Return what the loose objects that are still known gave."""
    if not known:
        return Swept(CommitTable(id_size))
    found = swept.only({stamp[-id_size:] for stamp in known})
    for one in known.values():
        found.objects += one.size.objects
        found.bytes += one.size.bytes
        found.bytes_matched += one.size.matched
    return found
