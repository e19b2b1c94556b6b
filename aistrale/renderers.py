"""How forms look: `{{ form }}` gives the error summary and every field in the house style."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class HouseRenderer(TemplatesSetting):
    form_template_name = "_form_fields.html"
    field_template_name = "_field.html"
