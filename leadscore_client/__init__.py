"""The Python client of the service, and mappings from a CRM's records to its requests.

A distribution of its own (``pip install leadscore-client``): it needs httpx2 and the standard
library, and nothing of the server.

>>> from leadscore_client import Client
>>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
...     client.lead_score("L-1042")["band"]
'warm'
"""

from leadscore_client.client import AsyncClient, Client, Problem, RetryPolicy
from leadscore_client.crm_mapping import CrmMapping, MappingError, load_mapping

__all__ = [
    "AsyncClient",
    "Client",
    "CrmMapping",
    "MappingError",
    "Problem",
    "RetryPolicy",
    "load_mapping",
]
