"""Names of attributes that say that a lead must not be contacted, and the words that mean yes.

Apart from :mod:`scoring.contact`, so that the store's loader reads them without compiled kernels.
"""

from __future__ import annotations

import re
from functools import lru_cache

DO_NOT_CONTACT = re.compile(
    r"(has_)?(opted|opt)_?out(_of_\w+)?|opt_?out|unsubscribed?|do_?not_?(contact|call|phone|e?_?mail)"
    r"|dnc|no_?(contact|calls?)|ne_pas_(contacter|appeler)|desinscrite?|desabonnee?|bloctel"
)
"""Names of attributes that say, when their value is yes, that a lead must not be contacted."""


YES = ("opted out", "opted_out", "unsubscribed", "do not contact", "do not call")
"""Words that mean yes in such an attribute, besides the usual ones."""


@lru_cache(maxsize=4096)
def forbids_contact(name: str) -> bool:
    """Whether an attribute of this name says that a lead must not be contacted.

    >>> [forbids_contact(n) for n in ("Do Not Call", "HasOptedOutOfEmail", "country")]
    [True, True, False]
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = words.translate(str.maketrans("éèêà", "eeea"))
    return DO_NOT_CONTACT.fullmatch(re.sub(r"[^a-z0-9]+", "_", words).strip("_")) is not None
