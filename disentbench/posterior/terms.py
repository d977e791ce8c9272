"""The terms of the bound: what each is called in files, in words and on an axis.

-ELBO = distortion + rate
rate = index-code MI + TC between groups + TC within groups + dimension-wise KL
"""

from typing import NamedTuple


class Term(NamedTuple):
    """A term in nats per image: its name in the tables, the words for it, and the short ones.

    `trained` is its name in the history of a training, which estimates it on minibatches.
    """

    name: str
    words: str
    short: str
    trained: str = ""

    @property
    def title(self) -> str:
        """The short words as the title of a figure."""
        return self.short[0].upper() + self.short[1:]


DISTORTION = Term("distortion", "distortion", "distortion", "distortion")
RATE = Term("rate", "rate", "rate", "rate")
INDEX_CODE_MI = Term(
    "index_code_mi", "index-code mutual information", "index-code MI", "index_code_mi"
)
TOTAL_CORRELATION = Term("total_correlation", "total correlation", "total correlation")
DIMENSION_WISE_KL = Term("dimension_wise_kl", "dimension-wise KL", "dimension-wise KL")
TC_BETWEEN = Term(
    "tc_between_groups", "total correlation between groups", "TC between", "tc_between"
)
TC_WITHIN = Term("tc_within_groups", "total correlation within groups", "TC within", "tc_within")

PARTS = (INDEX_CODE_MI, TC_BETWEEN, TC_WITHIN, DIMENSION_WISE_KL)  # they sum to the rate
ESTIMATED = (INDEX_CODE_MI, TC_BETWEEN, TC_WITHIN)  # in training, on minibatches
