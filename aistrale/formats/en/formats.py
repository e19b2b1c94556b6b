"""Dates and times of Django admin, in the order that sorts."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s"
TIME_FORMAT = "H:i:s"
MONTH_DAY_FORMAT = "j F"
