"""How a Python program talks to emgate through suds: a service generated from the gateway's own WSDL."""

import ssl
from urllib.request import HTTPSHandler

from suds.client import Client
from suds.transport.https import HttpAuthenticated


class Transport(HttpAuthenticated):
    """Basic authentication over TLS that trusts the certificates of one file."""

    def __init__(self, ca, **options):
        super().__init__(**options)
        self.context = ssl.create_default_context(cafile=ca)

    def u2handlers(self):
        return [*super().u2handlers(), HTTPSHandler(context=self.context)]


def connect(address, user, password, ca):
    """Returns the service; `address` is https://host:8443, `ca` a file of certificates to trust (None: the system's)."""
    transport = Transport(ca, username=user, password=password, timeout=20)
    # without cache=None suds keeps the WSDL of the first start for a day
    return Client(f"{address}/axl/?wsdl", location=f"{address}/axl/", transport=transport, cache=None).service


def rows(answer, element):
    """The objects in the answer to a list operation; none is an empty `return`."""
    return answer["return"][element] if answer["return"] else []


def name_of(reference):
    """The name in a reference, or None where it points nowhere: a null reference is plain, empty text."""
    return getattr(reference, "value", reference) or None


def code_of(fault):
    """The AXL code in a suds.WebFault: 5007 for an object that is not there, -239 for one that is there already, …"""
    return int(fault.fault.detail.axlError.axlcode)
