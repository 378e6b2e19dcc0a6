"""How a Python program talks to emgate: a zeep service generated from the gateway's own WSDL."""

import warnings

import requests
import zeep
from requests.auth import HTTPBasicAuth
from zeep.transports import Transport

BINDING = "{http://www.cisco.com/AXLAPIService/}AXLAPIBinding"


def connect(address, user, password, strict=True, ca=False, session=None):
    """Returns the service; `address` is https://host:8443, `ca` a file of certificates to trust (False: trust any)."""
    session = session or requests.Session()
    session.auth = HTTPBasicAuth(user, password)
    session.trust_env = False  # else REQUESTS_CA_BUNDLE wins over the next line
    session.verify = ca
    if not ca:
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    settings = zeep.Settings(strict=strict, xml_huge_tree=True)
    client = zeep.Client(f"{address}/axl/?wsdl", transport=Transport(session=session, timeout=20), settings=settings)
    return client.create_service(BINDING, f"{address}/axl/")


def get(answer, element):
    """The object in the answer to a get operation."""
    return answer["return"][element]


def rows(answer, element):
    """The objects in the answer to a list operation; none is an empty `return`."""
    found = answer["return"]
    return [] if not found or found[element] is None else found[element]


def name_of(reference):
    """The name in a reference, or None where it points nowhere."""
    return getattr(reference, "_value_1", reference)


def code_of(fault):
    """The AXL code in a zeep.exceptions.Fault: 5007 for an object that is not there, -239 for one that is there already, …"""
    return int(fault.detail.findtext("axlError/axlcode"))
