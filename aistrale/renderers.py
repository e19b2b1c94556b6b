"""How forms look: `{{ form }}` gives the error summary and every field."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class FormRenderer(TemplatesSetting):
    form_template_name = "_form_fields.html"
    field_template_name = "_field.html"
