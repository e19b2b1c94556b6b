"""Prompts with their versions and labels (``registry``), what a change of a label goes through (``deployment``), and
who reads them (``use``).
"""

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
from prompts.models.use import KeyRead

__all__ = [
    "Approval",
    "ExampleSet",
    "KeyRead",
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
