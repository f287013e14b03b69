"""What a check is measured against, each a process of its own, so that its CPU time is its own."""
