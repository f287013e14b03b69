"""What can go wrong, a module for each kind, and the table of it all."""
