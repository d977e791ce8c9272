"""The comparison report of a study: one page that stands alone, its figures and its tables."""
