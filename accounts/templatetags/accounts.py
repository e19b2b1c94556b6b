"""What the log-in page offers besides the password."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.template import Context, Library
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.login.mfa import lacks_factor

register = Library()


@register.simple_tag
def entrances() -> dict[str, str | bool]:
    """``sso_url`` is empty where there is no single sign-on; ``has_mail``: whether passwords are reset by mail."""
    sso = reverse("openid_connect_login", args=[settings.OIDC_PROVIDER_ID]) if settings.OIDC_SERVER else ""
    return {"sso_url": sso, "sso_name": settings.OIDC_NAME, "has_mail": settings.MAIL_IS_CONFIGURED}


@register.simple_tag
def identity_link(view_name: str, *arguments: object) -> SafeString:
    """Attributes of a link to a page that asks who one is first: in a dialog, and without script on a page."""
    url = reverse(view_name, args=arguments)
    question = f"{reverse('account_reauthenticate')}?{urlencode({'next': url})}"
    return format_html('href="{}" hx-get="{}" hx-target="#dialog-content"', url, question)


@register.simple_tag(takes_context=True)
def must_add_factor(context: Context) -> bool:
    return lacks_factor(context["request"].user)
