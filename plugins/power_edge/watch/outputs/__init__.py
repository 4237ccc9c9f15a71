"""What a watch publishes: lines, event log, metrics, pages and status."""
