"""Files: whole or absent, checked, plain data; where each of a study stands and what it says it is."""
