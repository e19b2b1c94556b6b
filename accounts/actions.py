from __future__ import annotations

from audit.actions import ROUTINE, Action


class AccountsAction(Action):
    SESSION_LOGIN = "accounts:session:login", "logged in", ROUTINE
    SESSION_LOGIN_FAILED = "accounts:session:login_failed", "failed to log in[ as {email}]"
    SESSION_LOGOUT = "accounts:session:logout", "logged out", ROUTINE
    SESSION_END = "accounts:session:end", "ended sessions of {target}"
    ACCESS_DENIED = "accounts:access:deny", "was denied access[ to {path}]"
    LIMIT_HIT = "accounts:limit:hit", "reached a rate limit[: {limit}]"
    MFA_ADD = "accounts:mfa:add", "added a two-factor method[: {factors}]"
    MFA_REMOVE = "accounts:mfa:remove", "removed two-factor of {target}"
    SSO_CONNECT = "accounts:sso:connect", "connected single sign-on"
    MFA_RECOVER = "accounts:mfa:recover", "used a recovery code"
    USER_SETUP = "accounts:user:setup", "created the first administrator {target}"
    USER_CREATE = "accounts:user:create", "created user {target}[ as {role}]"
    USER_UPDATE = "accounts:user:update", "changed the profile of {target}"
    USER_PASSWORD = "accounts:user:password_change", "changed the password of {target}"
    USER_PASSWORD_LINK = "accounts:user:password_link", "created a password reset link for {target}"
    USER_ROLE = "accounts:user:role_change", "changed the role of {target}[ to {role}]"
    USER_DEACTIVATE = "accounts:user:deactivate", "deactivated user {target}"
    USER_REACTIVATE = "accounts:user:reactivate", "reactivated user {target}"
    USER_EXPORT = "accounts:user:export", "exported personal data of {target}"
    USER_ERASE = "accounts:user:erase", "deleted the account of {target}"
    INVITATION_CREATE = "accounts:invitation:create", "created an invitation: {target}[ as {role}]"
    INVITATION_REVOKE = "accounts:invitation:revoke", "revoked an invitation: {target}"
    INVITATION_DELETE = "accounts:invitation:delete", "deleted an invitation: {target}"
    INVITATION_ACCEPT = "accounts:invitation:accept", "accepted an invitation[ as {role}]"
    API_KEY_CREATE = "accounts:api_key:create", "created API key {target}"
    API_KEY_USE = "accounts:api_key:use", "used API key {target}", ROUTINE
    API_KEY_REVOKE = "accounts:api_key:revoke", "revoked API key {target}"
    TEAM_CREATE = "accounts:team:create", "created team {target}"
    TEAM_RENAME = "accounts:team:rename", "renamed team [{name_before} to ]{target}"
    TEAM_DELETE = "accounts:team:delete", "deleted team {target}"
    MEMBER_ADD = "accounts:member:add", "added {target} to a team"
    MEMBER_REMOVE = "accounts:member:remove", "removed {target} from a team"
