"""How the API answers what the registry refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied, ValidationError

from accounts.api.errors import ApiError
from prompts.api.serving import PromptNotFound
from prompts.composition import IncludeRefused
from prompts.drafts import DraftRefused
from prompts.label_rules import LabelRefused
from prompts.reading import VersionNotFound

_STATUS = {
    "wrong_type": 409,
    "prompt_too_large": 413,
    "label_in_use": 409,
    "version_missing": 404,
    "label_protected": 403,
    "proposal_open": 409,
    "invalid_include": 409,
}
BY_API = " Programs request it by PATCH of the version with requestApproval."


@contextmanager
def refusals() -> Iterator[None]:
    """Raises ApiError instead of what reading and the services raise."""
    try:
        yield
    except PromptNotFound as error:
        raise ApiError(404, "prompt_not_found", str(error)) from error
    except VersionNotFound as error:
        raise ApiError(404, "version_not_found", str(error)) from error
    except IncludeRefused as error:
        raise ApiError(409, "invalid_include", str(error)) from error
    except LabelRefused as error:
        hint = BY_API if error.code == "label_protected" else ""
        raise ApiError(_STATUS.get(error.code, 422), error.code, f"{error.message}{hint}") from error
    except DraftRefused as error:
        message = error.errors[0][1]
        raise ApiError(_STATUS.get(error.code, 422), error.code, message, details=error.errors) from error
    except ValidationError as error:
        details = [(field, text) for field, texts in error.message_dict.items() for text in texts]
        raise ApiError(422, "invalid_prompt", details[0][1], details=details) from error
    except PermissionDenied as error:
        raise ApiError(403, "permission_denied", str(error)) from error
