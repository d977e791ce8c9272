"""What tests of several rooms are built from: packs, studies, checkouts, the bait of strangers."""
