"""What an attribute is about, by the words of its name: the BANT groups, fit, source, cost."""

from __future__ import annotations

import re
import unicodedata

from features.contract import Group

_GROUP_WORDS: tuple[tuple[Group, str], ...] = (
    (
        Group.BUDGET,
        r"budget|budgt|funding|funds|willingness|spending_limit|"
        r"financement|enveloppe|moyens_financiers",
    ),
    (
        Group.AUTHORITY,
        r"authority|decision|decider|seniority|stakeholder|job_?title|role|"
        r"autorite|decideur|decisionnaire|fonction|poste|niveau_hierarchique|interlocuteur",
    ),
    (
        Group.NEED,
        r"needs?|pains?|problem|requirements?|use_?case|challenge|"
        r"besoins?|problemes?|exigences?|cas_d_usage|enjeux?",
    ),
    (
        Group.TIMELINE,
        r"timeline|timing|time_?frame|deadline|urgency|purchase_?date|horizon|"
        r"echeances?|delais?|calendrier|urgence|date_d_achat",
    ),
    (
        Group.SOURCE,
        r"source|origin|medium|utm|referr?er|campaign|channel|hear|"
        r"origine|provenance|campagne|canal|apporteur",
    ),
    (
        Group.FIT,
        r"industry|sector|company|comp|firm|employees?|size|revenue|country|region|city|"
        r"occupation|job|age|education|"
        r"secteur|entreprise|societe|effectifs?|taille|chiffre_d_affaires|pays|ville|"
        r"departement|code_postal|metier|profession|formation|salaries",
    ),
)
"""Words in the names of columns, without accents: English, then French."""


def group_of(name: str) -> Group:
    """The group that a name speaks of.

    >>> group_of("Budgt_alloc").value, group_of("Lead Source").value, group_of("foo").value
    ('budget', 'source', 'other')
    >>> [group_of(name).value for name in ("Pays", "Secteur d'activité", "Effectif", "Échéance")]
    ['fit', 'fit', 'fit', 'timeline']
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    letters = unicodedata.normalize("NFKD", words)
    words = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[^a-z0-9]+", "_", words)
    for group, pattern in _GROUP_WORDS:
        if re.search(rf"(^|_)({pattern})(_|$)", words):
            return group
    return Group.OTHER


COST_NAME = re.compile(
    r"((acquisition|lead|click|campaign|marketing|media|ads?)_(costs?|spend)"
    r"|costs?(_(per|of|by)_(lead|click|acquisition))?|cac|cpl|cpa|cpc"
    r"|couts?(_(d_acquisition|acquisition|du_lead|par_lead))?)(_(eur|euros?|usd|gbp|chf))?"
)
"""Names of numbers that say what it cost to get a lead."""


def is_cost(name: str) -> bool:
    """Whether a number of this name is what it cost to get the lead.

    >>> [is_cost(n) for n in ("acquisition_cost", "Cost per lead", "cost_of_living")]
    [True, True, False]
    """
    return COST_NAME.fullmatch(_plain_words(name)) is not None


def _plain_words(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("û", "u")
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")
