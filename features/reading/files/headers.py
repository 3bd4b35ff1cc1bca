"""Which column of a file is which: names trimmed, declared, nameless, twice there, near misses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.cleaning import trimmed
from features.errors import DataError
from features.language.plural import plural

_INDEX = re.compile(r"Unnamed: \d+(_level_\d+)?|__index_level_\d+__|__null_dask_index__")
"""Names under which pandas, Polars and Dask write out the numbers of rows."""

NEAR_NAMES: Mapping[str, tuple[str, ...]] = {
    "lead_id": (
        "leadid", "lead", "leadnumber", "recordid", "recordidcontact", "recordidlead",
        "contactid", "contact", "vid", "hsobjectid", "id", "leadname", "objectid", "whoid",
        "personid", "customerid", "prospectid", "opportunityid", "dealid", "recordiddeal",
        "uuid", "reference", "leadreference", "externalid", "relatedto", "numerodelead",
        "identifiant", "datensatzid", "kontaktid", "idlead", "iddulead", "idcontact",
        "idprospect", "idclient", "numeroclient", "numeroprospect", "referenceclient",
        "codeclient", "leadnr", "leadnummer", "kundennummer", "kundennr", "kontaktnummer",
        "interessentid", "interessentennummer", "idcontacto", "idcliente", "iddelcliente",
        "iddecliente", "iddelclientepotencial", "idclientepotencial", "iddeprospecto",
        "identificador", "idcontatto", "idpotenziale", "identificativo", "codicecliente",
        "codigocliente", "klantnummer", "relatienummer",
    ),
    "created_at": (
        "createdat", "createdate", "created", "createdtime", "createddate", "createdon",
        "creationdate", "datecreated", "datecreation", "creatat", "createdatetime",
        "leadcreated", "leadcreateddate", "addtime", "dateadded", "dateentered",
        "signupdate", "signedupat", "registeredat", "datedecreation", "creele",
        "erstelltam", "angelegtam", "erstellungsdatum", "fechadecreacion",
        "datadicreazione", "datadecriacao", "crele", "creeele", "datedajout", "ajoutele",
        "dateinscription", "dateentree", "datedentree", "erstelldatum", "erstellt",
        "angelegt", "anlagedatum", "eingangsdatum", "fechacreacion", "fechadealta",
        "fechaalta", "creadoel", "fechaderegistro", "datacreazione", "datainserimento",
        "creatoil", "dataregistrazione", "datacriacao", "criadoem", "aangemaaktop",
        "aanmaakdatum",
    ),
    "occurred_at": (
        "occurredat", "timestamp", "time", "date", "datetime", "eventtime", "eventdate",
        "eventtimestamp", "happenedat", "activitydate", "closedate", "closedat",
        "closeddate", "dateclosed", "convertedat", "conversiondate", "converteddate",
        "createdat", "createddate", "createdon", "sentat", "when", "closeddatetime",
        "wontime", "losttime", "horodatage", "datedecloture", "zeitpunkt", "datum", "fecha",
        "data", "starttime", "startdate", "activitytime", "cloturele", "dateevenement",
        "datedevenement", "dateactivite", "datedelactivite", "datededebut", "fermele",
        "dategagne", "abgeschlossenam", "abschlussdatum", "geschlossenam",
        "aktivitatsdatum", "startdatum", "fechadecierre", "fechacierre", "cerradoel",
        "fechaactividad", "fechadeactividad", "fechahora", "datachiusura", "datadichiusura",
        "chiusoil", "dataattivita", "dataora", "dataevento", "datadefechamento",
        "afgeslotenop", "sluitdatum",
    ),
    "outcome": (
        "outcome", "status", "stage", "result", "leadstatus", "dealstage", "state",
        "stagename", "lifecyclestage", "statut", "etape", "phase", "ergebnis", "resultat",
        "etat", "issue", "estado", "etapa", "fase", "esito", "stato", "risultato",
        "resultado", "abschluss", "uitkomst",
    ),
    "kind": (
        "kind", "type", "event", "eventtype", "eventname", "activitytype", "activity",
        "interaction", "interactiontype", "action", "subject", "category", "typ", "art",
        "tipo", "typedactivite", "typeactivite", "typedevenement", "aktivitat",
        "aktivitatstyp", "tipodeactividad", "evenement", "typeevenement", "activite",
        "aktivitatsart", "ereignis", "ereignistyp", "evento", "tipoevento", "tipodeevento",
        "actividad", "tipoactividad", "attivita", "tipoattivita", "tipodiattivita",
        "categorie", "kategorie", "soort",
    ),
    "answered_at": (
        "answeredat", "changedat", "timestamp", "date", "changedate", "modifiedat",
        "editdate", "createddate", "learnedat", "updatedat", "modifiele",
        "datedemodification", "geandertam", "anderungsdatum", "modificadoel",
        "fechademodificacion", "modificatoil", "datamodifica",
    ),
    "attribute": (
        "attribute", "field", "property", "fieldname", "propertyname", "question", "champ",
        "feld", "nomduchamp", "propriete", "feldname", "eigenschaft", "campo",
        "nombredelcampo", "propiedad", "attributo", "proprieta",
    ),
    "value": (
        "value", "newvalue", "answer", "amount", "valeur", "wert", "reponse", "betrag",
        "montant", "nouvellevaleur", "neuerwert", "valor", "nuevovalor", "valore",
        "nuovovalore", "importe", "importo",
    ),
    "duration_s": (
        "durations", "duration", "durationseconds", "seconds", "callduration", "duree",
        "dauer", "dureesecondes", "dureeensecondes", "dureessecondes", "dauersekunden",
        "dauers", "dauerinsekunden", "duracion", "duracionsegundos", "durata",
        "duratasecondi",
    ),
    "event_id": (
        "eventid", "activityid", "messageid", "uuid", "id", "interactionid",
    ),
    "channel": (
        "channel", "canal", "kanal", "medium", "canale",
    ),
    "as_of": (
        "asof", "date", "timestamp", "moment",
    ),
}  # fmt: skip
"""Names that people and CRMs give to the contract's columns, as :func:`plain_name` has them."""


def plain_name(name: str) -> str:
    """A name in small letters and digits only, without accents.

    >>> plain_name("Record ID - Contact"), plain_name("Date de création")
    ('recordidcontact', 'datedecreation')
    """
    text = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", "".join(c for c in text if not unicodedata.combining(c)))


@dataclass(frozen=True)
class HeaderColumns:
    """Which columns of a file are read. ``positions`` and ``names``: in step, one a column.

    ``left_out``: names (or numbers) of columns not read, each with why. ``notes``: sentences.
    """

    positions: tuple[int, ...]
    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def columns_of(
    header: Sequence[str],
    file: str,
    table: str,
    declared: Mapping[str, str | int] | None = None,
    *,
    filled: Sequence[int] | None = None,
    same: Mapping[int, int] | None = None,
) -> HeaderColumns:
    """The columns to read of a file with this header.

    ``declared``: the contract's name (or an attribute's) to the file's own name, or to the number
    of the column from 1. ``filled``: rows with a value per column, where it is known. ``same``:
    columns whose values equal those of an earlier one, by position. DataError where two columns
    share a name and nothing says which is meant, or a declared one is not there.
    """
    names = [trimmed(name) for name in header]
    notes, left_out = [], []
    if any(name != raw for name, raw in zip(names, header, strict=True)):
        notes.append(f"{file}: blanks around the names of columns are left out")
    chosen = _declared_positions(names, file, table, declared or {})
    positions: list[int] = []
    final: list[str] = []
    taken = {position: name for name, position in chosen.items()}
    for place, name in enumerate(names):
        if place in taken:
            positions.append(place)
            final.append(taken[place])
        elif not name:
            left_out.append((f"column {place + 1}", _nameless(filled, place)))
        elif _INDEX.fullmatch(name):
            left_out.append((name, "the numbers of rows that a data frame wrote out"))
        elif name in chosen:
            left_out.append(
                (f"{name} (column {place + 1})", f"{name} is column {chosen[name] + 1}")
            )
        elif same is not None and same.get(place) is not None:
            left_out.append((f"{name} (column {place + 1})", "the same as an earlier column"))
        else:
            positions.append(place)
            final.append(name)
    _refuse_repeats(positions, final, file, table)
    return HeaderColumns(tuple(positions), tuple(final), tuple(left_out), tuple(notes))


def _nameless(filled: Sequence[int] | None, place: int) -> str:
    if filled is None:
        return "it has no name"
    return (
        "it has no name; " + plural(filled[place], "{n:,} value", "{n:,} values")
        if filled[place]
        else "no name and no value"
    )


def _declared_positions(
    names: Sequence[str], file: str, table: str, declared: Mapping[str, str | int]
) -> dict[str, int]:
    chosen = {}
    for name, wanted in declared.items():
        if wanted == "":
            continue
        if isinstance(wanted, int):
            if not 1 <= wanted <= len(names):
                raise DataError(
                    f"[columns.{table}] {name} = {wanted}: {file} has "
                    + plural(len(names), "{n:,} column", "{n:,} columns")
                )
            chosen[name] = wanted - 1
            continue
        places = [i for i, n in enumerate(names) if n == trimmed(wanted)]
        if not places:
            places = [i for i, n in enumerate(names) if plain_name(n) == plain_name(wanted)]
        if len(places) != 1:
            found = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            what = "is not there" if not places else "is there more than once (give its number)"
            raise DataError(
                f"[columns.{table}] {name} = {wanted!r}: no such column is certain in {file}: it "
                f"{what}; found {found}"
            )
        chosen[name] = places[0]
    return chosen


def _refuse_repeats(positions: Sequence[int], names: Sequence[str], file: str, table: str) -> None:
    for name in dict.fromkeys(names):
        places = [p for p, n in zip(positions, names, strict=True) if n == name]
        if len(places) > 1:
            numbers = " and ".join(str(p + 1) for p in places)
            raise DataError(
                f"{file}: two columns are called {name!r} (columns {numbers}) and hold different "
                f"values; say which one counts: [columns.{table}] {toml_key(name)} = "
                f"{places[0] + 1} "
                "in dataset.toml, or rename one"
            )


def toml_key(name: str) -> str:
    """A name as a key of TOML, quoted where it must be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else '"' + name.replace('"', '\\"') + '"'


def near_columns(names: Sequence[str], wanted: str) -> list[str]:
    """Columns that may be the wanted one of the contract, the likeliest first.

    >>> near_columns(["Record ID - Contact", "Create Date", "Industry"], "lead_id")
    ['Record ID - Contact']
    >>> near_columns(["lead_id", "Created At"], "created_at")
    ['Created At']
    """
    known = NEAR_NAMES.get(wanted, ())
    ranked = []
    for place, name in enumerate(names):
        plain = plain_name(name)
        if "." in name and plain not in known:
            plain = plain_name(name.rsplit(".", 1)[1])
        if plain == plain_name(wanted):
            ranked.append((-1, place, name))
        elif plain in known:
            ranked.append((known.index(plain), place, name))
        elif wanted == "lead_id" and re.search(
            r"(^|[^a-z])(lead|contact|record)[^a-z]*(id|no|number)\b", name.lower()
        ):
            ranked.append((len(known), place, name))
    return [name for _, _, name in sorted(ranked)]
