"""What the package is decorated with while tests run: arguments are of the types they say."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int will do for a float
