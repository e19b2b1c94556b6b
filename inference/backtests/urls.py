from __future__ import annotations

from django.urls import path

from inference.backtests import result_views, views

app_name = "backtests"
urlpatterns = [
    path("", views.backtest_list, name="backtest-list"),
    path("add/", views.backtest_add, name="backtest-add"),
    path("<uuid:pk>/", views.backtest_detail, name="backtest-detail"),
    path("<uuid:pk>/start/", views.backtest_start, name="backtest-start"),
    path("<uuid:pk>/pause/", views.backtest_pause, name="backtest-pause"),
    path("<uuid:pk>/cancel/", views.backtest_cancel, name="backtest-cancel"),
    path("<uuid:pk>/share/", views.backtest_share, name="backtest-share"),
    path("<uuid:pk>/delete/", views.backtest_delete, name="backtest-delete"),
    path("<uuid:pk>/compare/", result_views.backtest_compare, name="backtest-compare"),
    path("<uuid:pk>/export.csv", result_views.export_csv, name="export-csv"),
    path("<uuid:pk>/export.jsonl", result_views.export_jsonl, name="export-jsonl"),
    path("<uuid:pk>/calls/<int:row_pk>/again/", result_views.call_again, name="call-again"),
]
