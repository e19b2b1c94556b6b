from __future__ import annotations

from audit.actions import Action


class TokensAction(Action):
    TOKEN_ADD = "tokens:token:add"
    TOKEN_TEST = "tokens:token:test"
    TOKEN_USE = "tokens:token:use"
    TOKEN_REPLACE = "tokens:token:replace"
    TOKEN_UPDATE = "tokens:token:update"
    TOKEN_SHARE = "tokens:token:share"
    TOKEN_DELETE = "tokens:token:delete"
    KEY_CREATE = "tokens:key:create"
    KEY_PROMOTE = "tokens:key:promote"
    KEY_RESEAL = "tokens:key:reseal"
    KEY_VERIFY = "tokens:key:verify"
    KEY_RETIRE = "tokens:key:retire"
    KEY_LOSE = "tokens:key:lose"
    KEY_COMPROMISE = "tokens:key:compromise"
    MASTER_KEY_ROTATE = "tokens:master_key:rotate"
    HOST_ALLOW = "tokens:host:allow"
    HOST_REMOVE = "tokens:host:remove"
