"""Every change to a saved view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts.sharing import Audience, check_team, lock_team
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.explorer.models import SavedView

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def save_view(*, owner: User, name: str, query: str, audience: Audience) -> SavedView:
    """Raises PermissionDenied where the team is not the owner's."""
    lock_team(audience.team)
    check_team(audience=audience, actor=owner)
    view = SavedView(owner=owner, name=name, query=query)
    view.audience = audience
    view.save()
    record(action=TelemetryAction.VIEW_CREATE, actor=owner, target=view, after=audience.as_audited())
    return view


@transaction.atomic
def rename_view(*, view: SavedView, name: str, actor: User) -> None:
    before = SavedView.objects.select_for_update(no_key=True).get(pk=view.pk).name
    view.name = name
    view.save(update_fields=["name"])
    record(action=TelemetryAction.VIEW_RENAME, actor=actor, target=view, details={"name_before": before})


@transaction.atomic
def delete_view(*, view: SavedView, actor: User) -> None:
    pk = view.pk
    view.delete()
    view.pk = pk
    record(action=TelemetryAction.VIEW_DELETE, actor=actor, target=view)
