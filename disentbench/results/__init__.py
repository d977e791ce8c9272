"""What a study came to: its tidy table, how far it is, and two results side by side."""
