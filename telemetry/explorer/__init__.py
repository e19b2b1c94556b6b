"""The list of calls: its filters, columns, orders, figures, saved views and exports."""
