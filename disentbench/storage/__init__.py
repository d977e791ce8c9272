"""Files: whole or absent, checked, plain data; where each file of a study is and what it says."""
