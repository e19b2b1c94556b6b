"""Prompts with their versions and labels (``registry``), and what a change of a label goes through (``deployment``)."""

from prompts.models.deployment import Approval, LabelProposal, ProposalState, ProtectedLabel, Rollout, RolloutState
from prompts.models.registry import (
    LABEL_NAME,
    LATEST,
    NAME,
    PRODUCTION,
    ExampleSet,
    Label,
    LabelMove,
    Prompt,
    PromptType,
    PromptVersion,
)

__all__ = [
    "Approval",
    "ExampleSet",
    "LABEL_NAME",
    "LATEST",
    "Label",
    "LabelMove",
    "LabelProposal",
    "NAME",
    "PRODUCTION",
    "Prompt",
    "PromptType",
    "PromptVersion",
    "ProposalState",
    "ProtectedLabel",
    "Rollout",
    "RolloutState",
]
