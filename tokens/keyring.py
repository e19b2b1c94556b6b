"""The unwrapped data keys of this process.

A sealed value names its data key, and the key's row names its master key. Keys are unwrapped once and kept in memory;
an id that is not in memory is looked up in the database, so a key that another process made is found on first use.
"""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from tokens import envelope, locks
from tokens.envelope import DataKey, MasterKey, UnknownKey
from tokens.fields import SealedField
from tokens.models import EncryptionKey, KeyState

GONE = (KeyState.RETIRED, KeyState.LOST)


class Keyring:
    def __init__(self, masters: tuple[MasterKey, ...]) -> None:
        self._masters = {master.id: master for master in masters}
        self._keys: dict[UUID, DataKey] = {}

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} data keys>"

    @property
    def master_ids(self) -> list[str]:
        """The primary first."""
        return list(self._masters)

    @property
    def primary_master(self) -> MasterKey:
        if not self._masters:
            raise UnknownKey("There is no master key: set AISTRALE_MASTER_KEYS or AISTRALE_MASTER_KEYS_FILE.")
        return next(iter(self._masters.values()))

    def get(self, key_id: UUID) -> DataKey:
        """Raises UnknownKey, or Damaged where the master key's bytes are the wrong ones."""
        if key_id not in self._keys:
            row = EncryptionKey.objects.filter(pk=key_id).first()
            if row is None:
                raise UnknownKey(f"There is no data key {key_id}.")
            self._keys[key_id] = self.unwrap(row)
        return self._keys[key_id]

    def at_hand(self, key_id: UUID) -> DataKey:
        """A key that is in memory already. Raises UnknownKey."""
        if key_id not in self._keys:
            raise UnknownKey(f"The data key {key_id} has not been read yet.")
        return self._keys[key_id]

    def unwrap(self, row: EncryptionKey) -> DataKey:
        if row.state == KeyState.RETIRED:
            raise UnknownKey(f"The data key {row.pk} is retired.")
        if row.master_key_id not in self._masters:
            raise UnknownKey(f"The master key {row.master_key_id!r}, which wraps data key {row.pk}, is missing.")
        return envelope.unwrap(bytes(row.wrapped), key_id=row.pk, master=self._masters[row.master_key_id])


@lru_cache(maxsize=1)
def _keyring(master_keys: str) -> Keyring:
    return Keyring(envelope.parse_master_keys(master_keys))


def current() -> Keyring:
    """Raises MasterKeysInvalid."""
    return _keyring(settings.MASTER_KEYS)


def forget() -> None:
    """Drop every key from memory; the next use reads the database again."""
    _keyring.cache_clear()


def create_key(state: KeyState) -> EncryptionKey:
    """A new data key, wrapped by the primary master key."""
    master = current().primary_master
    key = envelope.new_data_key(uuid4())
    return EncryptionKey.objects.create(
        id=key.id,
        wrapped=envelope.wrap(key, master=master),
        master_key_id=master.id,
        state=state,
        primary_since=timezone.now() if state == KeyState.PRIMARY else None,
    )


def sealing_key() -> DataKey:
    """The primary data key, made on first use. It stays primary until the caller's transaction ends.

    A rotation therefore sees every row that was sealed with the old key before it looks for them.
    """
    primary = EncryptionKey.objects.filter(state=KeyState.PRIMARY)
    if not primary.exists():
        locks.change_primary()
        if not primary.exists():
            create_key(KeyState.PRIMARY)
    locks.keep_primary()
    return current().get(primary.get().pk)


def seal(instance: models.Model, field: SealedField, secret: str, *, key: DataKey) -> bytes:
    return envelope.seal(secret, key=key, context=field.context(instance))


def open_field(instance: models.Model, field: SealedField, *, at_hand: bool = False) -> str:
    """With ``at_hand`` only by keys that are in memory, so that nothing is read. Raises EnvelopeError."""
    sealed = bytes(getattr(instance, field.attname))
    key_for = current().at_hand if at_hand else current().get
    return envelope.open_sealed(sealed, key_for=key_for, context=field.context(instance))


def missing_master_keys() -> list[str]:
    """The ids of master keys that wrap data keys and are not at hand. Raises MasterKeysInvalid."""
    named = EncryptionKey.objects.exclude(state__in=GONE).values_list("master_key_id", flat=True)
    return sorted(set(named) - set(current().master_ids))


def broken_keys() -> dict[UUID, str]:
    """Data keys that do not unwrap, and why, in words for the operator. Raises MasterKeysInvalid."""
    broken = {}
    # Asked before migrations are applied: of the columns, only those of the first one.
    for row in EncryptionKey.objects.exclude(state__in=GONE).only("wrapped", "master_key_id", "state"):
        try:
            current().unwrap(row)
        except envelope.EnvelopeError as error:
            broken[row.pk] = str(error)
    return broken
