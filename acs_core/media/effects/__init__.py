"""What is done to pictures and sound between a source and whoever sends or shows it."""
