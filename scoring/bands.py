"""Cold, warm, hot: the three bands a sales team acts on, and the thresholds between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from features.language.catalogues import language_or_english
from features.language.language import Language


class Band(StrEnum):
    """How urgent a lead is, coldest first."""

    COLD = "cold"
    WARM = "warm"
    HOT = "hot"


_ORDER = np.array([Band.COLD.value, Band.WARM.value, Band.HOT.value], dtype=object)


def label(band: Band | str, language: Language | str = "en") -> str:
    """The band as shown to a person; English where there are no words for the language.

    >>> label(Band.WARM, "fr"), label(Band.WARM, "fr-CA"), label(Band.WARM, "de")
    ('tiède', 'tiède', 'warm')
    """
    chosen = language if isinstance(language, Language) else language_or_english(language)
    match Band(band):
        case Band.COLD:
            return chosen.pgettext("band", "cold")
        case Band.WARM:
            return chosen.pgettext("band", "warm")
        case Band.HOT:
            return chosen.pgettext("band", "hot")


@dataclass(frozen=True, slots=True)
class BandThresholds:
    """The lowest probability that is warm and the lowest that is hot: 0 <= warm <= hot.

    A threshold above 1 means that no lead reaches the band. Raises DataError for thresholds that
    are not finite, negative or out of order.

    >>> thresholds = BandThresholds(warm=0.1, hot=0.4)
    >>> [thresholds.band_of(p).value for p in (0.0999, 0.1, 0.4)]
    ['cold', 'warm', 'hot']
    """

    warm: float
    hot: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.warm) and np.isfinite(self.hot) and 0 <= self.warm <= self.hot):
            raise DataError(
                f"thresholds warm={self.warm}, hot={self.hot} are not in order; "
                "expected finite numbers with 0 <= warm <= hot"
            )

    def band_of(self, probability: float) -> Band:
        """The band of one probability; monotone in it. NaN raises DataError."""
        if not 0 <= probability <= 1:
            raise DataError(f"{probability} is not a probability; expected a number in [0, 1]")
        if probability >= self.hot:
            return Band.HOT
        return Band.WARM if probability >= self.warm else Band.COLD

    def bands_of(self, probability: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
        """Bands of many probabilities, (n,) float64 in [0, 1] → (n,) str. NaN raises DataError."""
        if not bool(np.all((probability >= 0) & (probability <= 1))):
            raise DataError("a probability is outside [0, 1] or unknown; there is no band for it")
        reached = (probability >= self.warm).astype(np.intp) + (probability >= self.hot)
        return np.asarray(_ORDER[reached], dtype=object)

    def to_dict(self) -> dict[str, float]:
        """Plain data for the release."""
        return {"hot": float(self.hot), "warm": float(self.warm)}
