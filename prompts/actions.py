"""What the audit log records of prompts."""

from __future__ import annotations

from audit.actions import Action


class PromptsAction(Action):
    PROMPT_CREATE = "prompts:prompt:create"
    PROMPT_UPDATE = "prompts:prompt:update"
    PROMPT_SHARE = "prompts:prompt:share"
    PROMPT_DELETE = "prompts:prompt:delete"
    VERSION_CREATE = "prompts:version:create"
    VERSION_DELETE = "prompts:version:delete"
    LABEL_MOVE = "prompts:label:move"
    ROLLOUT_START = "prompts:rollout:start"
    ROLLOUT_END = "prompts:rollout:end"
    LABEL_PROPOSE = "prompts:label:propose"
    LABEL_APPROVE = "prompts:label:approve"
    LABEL_DECLINE = "prompts:label:decline"
    LABEL_WITHDRAW = "prompts:label:withdraw"
    LABEL_PROTECT = "prompts:label:protect"
    LABEL_UNPROTECT = "prompts:label:unprotect"
    EXAMPLE_SET_CREATE = "prompts:example_set:create"
    EXAMPLE_SET_UPDATE = "prompts:example_set:update"
    EXAMPLE_SET_DELETE = "prompts:example_set:delete"
    FILES_IMPORT = "prompts:files:import"
    FILES_EXPORT = "prompts:files:export"
