"""The scheduler: when a target is checked, and by whom."""
