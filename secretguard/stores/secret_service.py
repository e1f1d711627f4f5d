"""The Secret Service of a Linux desktop, asked without the library keyring, which loads every backend that it knows.

Interface: https://specifications.freedesktop.org/secret-service-spec/latest/; attributes as keyring sets them.
"""

from contextlib import closing

from secretguard.secret import Secret


def look_up(service: str, user: str) -> Secret | None:
    """Return what keyring keeps there under these names, None if it is not there or locked.

    Raises errors of the library's own where there is no such service.
    """
    try:
        import secretstorage
    except ImportError:
        return None
    with closing(secretstorage.dbus_init()) as bus:
        collection = secretstorage.get_default_collection(bus)
        if collection.is_locked():
            return None  # keyring asks a person to unlock it
        for item in collection.search_items({"service": service, "username": user}):
            return Secret(item.get_secret().decode("utf-8", "replace"))
    return None
