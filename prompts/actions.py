"""What the audit log records of prompts."""

from __future__ import annotations

from audit.actions import Action


class PromptsAction(Action):
    PROMPT_CREATE = "prompts:prompt:create", "created prompt {target}"
    PROMPT_UPDATE = "prompts:prompt:update", "changed prompt {target}"
    PROMPT_SHARE = "prompts:prompt:share", "changed sharing of prompt {target}[ to {visibility}]"
    PROMPT_DELETE = "prompts:prompt:delete", "deleted prompt {target}"
    VERSION_CREATE = "prompts:version:create", "saved v{version} of {target}"
    VERSION_DELETE = "prompts:version:delete", "deleted v{version} of {target}"
    LABEL_MOVE = "prompts:label:move", "changed label {label} of {target}[ to v{version}]"
    ROLLOUT_START = "prompts:rollout:start", "started a rollout of {target}[ v{version}][ as {label}][ to {percent}%]"
    ROLLOUT_END = "prompts:rollout:end", "ended a rollout of {target}[: {state}]"
    LABEL_PROPOSE = "prompts:label:propose", "proposed label {label} of {target}[ for v{version}]"
    LABEL_APPROVE = "prompts:label:approve", "approved label {label} of {target}[ for v{version}]"
    LABEL_DECLINE = "prompts:label:decline", "declined label {label} of {target}[ for v{version}]"
    LABEL_WITHDRAW = "prompts:label:withdraw", "withdrew the proposal of label {label} of {target}"
    LABEL_PROTECT = "prompts:label:protect", "protected label {target}"
    LABEL_UNPROTECT = "prompts:label:unprotect", "removed the protection of label {target}"
    EXAMPLE_SET_CREATE = "prompts:example_set:create", "created example set {name} of {target}"
    EXAMPLE_SET_UPDATE = "prompts:example_set:update", "changed example set {name} of {target}"
    EXAMPLE_SET_DELETE = "prompts:example_set:delete", "deleted example set {name} of {target}"
    FILES_IMPORT = "prompts:files:import", "imported prompts"
    FILES_EXPORT = "prompts:files:export", "exported prompts"
