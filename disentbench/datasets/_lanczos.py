"""Images made smaller as the field does it: by Lanczos, in eight bits."""

import numpy as np
from jaxtyping import UInt8

SIDE = 64  # pixels, of all data sets of the field


def smaller(
    image: UInt8[np.ndarray, "height width *channel"],
) -> UInt8[np.ndarray, "64 64 *channel"]:
    """An image of 64 x 64 pixels."""
    from PIL import Image

    whole = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
