"""The names of everything that is recorded, as ``source:subject:verb``."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"


class Action(StrEnum):
    """A name stays what it is for ever: entries that carry it can not be rewritten."""

    SESSION_LOGIN = "accounts:session:login"
    SESSION_LOGIN_FAILED = "accounts:session:login_failed"
    SESSION_LOGOUT = "accounts:session:logout"
    SESSION_END = "accounts:session:end"
    ACCESS_DENIED = "accounts:access:deny"
    LIMIT_HIT = "accounts:limit:hit"
    MFA_ADD = "accounts:mfa:add"
    MFA_REMOVE = "accounts:mfa:remove"
    SSO_CONNECT = "accounts:sso:connect"
    MFA_RECOVER = "accounts:mfa:recover"
    USER_SETUP = "accounts:user:setup"
    USER_CREATE = "accounts:user:create"
    USER_UPDATE = "accounts:user:update"
    USER_PASSWORD = "accounts:user:password_change"
    USER_PASSWORD_LINK = "accounts:user:password_link"
    USER_ROLE = "accounts:user:role_change"
    USER_DEACTIVATE = "accounts:user:deactivate"
    USER_REACTIVATE = "accounts:user:reactivate"
    USER_EXPORT = "accounts:user:export"
    USER_ERASE = "accounts:user:erase"
    INVITATION_CREATE = "accounts:invitation:create"
    INVITATION_REVOKE = "accounts:invitation:revoke"
    INVITATION_DELETE = "accounts:invitation:delete"
    INVITATION_ACCEPT = "accounts:invitation:accept"
    API_KEY_CREATE = "accounts:api_key:create"
    API_KEY_USE = "accounts:api_key:use"
    API_KEY_REVOKE = "accounts:api_key:revoke"
    TEAM_CREATE = "accounts:team:create"
    TEAM_RENAME = "accounts:team:rename"
    TEAM_DELETE = "accounts:team:delete"
    MEMBER_ADD = "accounts:member:add"
    MEMBER_REMOVE = "accounts:member:remove"

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

    PRICE_CREATE = "telemetry:price:create"
    PRICE_UPDATE = "telemetry:price:update"
    PRICE_DELETE = "telemetry:price:delete"
    CONTENT_READ = "telemetry:content:read"

    RUN_START = "inference:run:start"
    RUN_STOP = "inference:run:stop"
    CONVERSATION_SHARE = "inference:conversation:share"
    CONVERSATION_COPY = "inference:conversation:copy"
    CONVERSATION_DELETE = "inference:conversation:delete"

    SETTING_CHANGE = "aistrale:setting:change"
    AUDIT_EXPORT = "audit:log:export"
    DETAILS_ERASE = "audit:details:erase"
