"""What a watch tells others: its lines, event log, metrics, pages and status."""
