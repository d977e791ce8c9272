"""Training a pack, and encoding with what came of it."""
