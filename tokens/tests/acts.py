from __future__ import annotations

from audit.tests.scene import Acts, Scene
from tokens import envelope, master_keys, rotation, services
from tokens.actions import TokensAction
from tokens.allowed_hosts import allow_host, remove_host
from tokens.models import EncryptionKey, ProviderToken, Trigger
from tokens.tests.access import SECRET, a_token


def prepare(scene: Scene) -> None:
    a_token(scene.alice)


def path(step: str) -> str:
    return f"/tokens/{ProviderToken.objects.get().pk}/{step}/"


def add(scene: Scene) -> None:
    scene.as_alice.post("/tokens/add/", {"provider": "openai", "label": "New", "secret": SECRET})


def use(scene: Scene) -> None:
    services.open_token(token_id=ProviderToken.objects.get().pk, actor=scene.alice)


def allow_a_host(scene: Scene) -> None:
    allowed = allow_host(host="gpu-1.lan:8000", note="", actor=scene.admin)
    remove_host(allowed=allowed, actor=scene.admin)


def rotate(scene: Scene, *, compromised: EncryptionKey | None = None) -> None:
    rotation.run(trigger=Trigger.COMMAND, actor=scene.admin, compromised=compromised)


def rotate_master(scene: Scene) -> None:
    kept, scene.settings.MASTER_KEYS = scene.settings.MASTER_KEYS, envelope.new_master_key()
    scene.settings.MASTER_KEYS = f"{scene.settings.MASTER_KEYS},{kept}"
    master_keys.rewrap(actor=scene.admin)


def lose_master(scene: Scene) -> None:
    scene.settings.MASTER_KEYS = envelope.new_master_key()
    master_keys.declare_lost("m-test", actor=scene.admin)


ROTATION = [
    TokensAction.KEY_CREATE,
    TokensAction.KEY_PROMOTE,
    TokensAction.KEY_RESEAL,
    TokensAction.KEY_VERIFY,
    TokensAction.KEY_RETIRE,
]
ACTS: Acts = {
    "host allowed and removed": (allow_a_host, [TokensAction.HOST_ALLOW, TokensAction.HOST_REMOVE]),
    "token tested and added": (add, [TokensAction.TOKEN_TEST, TokensAction.TOKEN_ADD]),
    "token used": (use, [TokensAction.TOKEN_USE]),
    "token tested and replaced": (
        lambda s: s.as_alice.post(path("replace"), {"secret": SECRET}),
        [TokensAction.TOKEN_TEST, TokensAction.TOKEN_REPLACE],
    ),
    "token made default": (lambda s: s.as_alice.post(path("default")), [TokensAction.TOKEN_UPDATE]),
    "token deleted": (lambda s: s.as_alice.post(path("delete"), {"name": "Main"}), [TokensAction.TOKEN_DELETE]),
    "keys rotated": (rotate, ROTATION),
    "key compromised": (
        lambda s: rotate(s, compromised=EncryptionKey.objects.get()),
        [*ROTATION, TokensAction.KEY_COMPROMISE],
    ),
    "master key rotated": (rotate_master, [TokensAction.MASTER_KEY_ROTATE]),
    "master key lost": (lose_master, [TokensAction.KEY_LOSE]),
}
