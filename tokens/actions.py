from __future__ import annotations

from audit.actions import ROUTINE, Action


class TokensAction(Action):
    TOKEN_ADD = "tokens:token:add", "added provider key {target}"
    TOKEN_TEST = "tokens:token:test", "tested a provider key[: {target}]", ROUTINE
    TOKEN_USE = "tokens:token:use", "used provider key {target}", ROUTINE
    TOKEN_REPLACE = "tokens:token:replace", "replaced the secret of provider key {target}"
    TOKEN_UPDATE = "tokens:token:update", "changed provider key {target}"
    TOKEN_SHARE = "tokens:token:share", "changed sharing of provider key {target}[ to {visibility}]"
    TOKEN_DELETE = "tokens:token:delete", "deleted provider key {target}"
    KEY_CREATE = "tokens:key:create", "created encryption key {target}"
    KEY_PROMOTE = "tokens:key:promote", "made {target} the primary encryption key"
    KEY_RESEAL = "tokens:key:reseal", "re-encrypted {rows} values with {target}"
    KEY_VERIFY = "tokens:key:verify", "verified encryption key {target}"
    KEY_RETIRE = "tokens:key:retire", "retired encryption key {target}"
    KEY_LOSE = "tokens:key:lose", "marked encryption keys as lost"
    KEY_COMPROMISE = "tokens:key:compromise", "marked encryption key {target} as compromised"
    MASTER_KEY_ROTATE = "tokens:master_key:rotate", "rotated the master key"
    HOST_ALLOW = "tokens:host:allow", "allowed provider keys at host {target}"
    HOST_REMOVE = "tokens:host:remove", "no longer allows provider keys at host {target}"
