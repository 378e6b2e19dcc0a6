"""How a program without a SOAP stack talks to emgate: XML written by hand. Python, standard library only."""

import base64
import ssl
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape, quoteattr

AXL = "http://www.cisco.com/AXL/API/15.0"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"

# Three ways in which programs write the same message; the gateway reads all of them.
STYLES = {
    # namespaces without prefixes, so that every element is in the namespace of the operation
    "default namespace": (
        f'<Envelope xmlns="{SOAP}"><Body><{{operation}} xmlns="{AXL}">{{body}}</{{operation}}></Body></Envelope>',
        '"CUCM:DB ver=15.0 {operation}"'),
    "no SOAPAction": (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><n:{{operation}} xmlns:n="{AXL}">{{body}}</n:{{operation}}></s:Body></s:Envelope>',
        None),
    # of another version and another operation: what the body says counts
    "wrong SOAPAction": (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:n="{AXL}">\n <s:Header/>\n <s:Body>\n  <n:{{operation}}>{{body}}</n:{{operation}}>\n </s:Body>\n</s:Envelope>\n',
        "CUCM:DB ver=8.5 removePhone"),
}


class Fault(Exception):
    """What the gateway refused; `code` is the AXL code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def xml(values):
    """Elements for a dict: a list repeats its element, a dict nests, {"@uuid": …} is a reference by uuid."""
    text = ""
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and "@uuid" in one:
                text += f"<{name} uuid={quoteattr(one['@uuid'])}/>"
            else:
                text += f"<{name}>{xml(one) if isinstance(one, dict) else escape(str(one))}</{name}>"
    return text


class Gateway:
    """`address` is https://host:8443, `ca` a file of certificates to trust (None: the system's)."""

    def __init__(self, address, user, password, ca=None, style="no SOAPAction"):
        self.address = f"{address}/axl/"
        self.envelope, self.action = STYLES[style]
        self.credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        self.http = urllib.request.build_opener(tls, urllib.request.ProxyHandler({}))

    def call(self, operation, **body):
        """Sends one operation; returns its `return` element, or raises Fault."""
        message = self.envelope.format(operation=operation, body=xml(body))
        request = urllib.request.Request(self.address, message.encode(), {
            "Content-Type": "text/xml; charset=utf-8", "Authorization": f"Basic {self.credentials}"})
        if self.action:
            request.add_header("SOAPAction", self.action.format(operation=operation))
        try:
            with self.http.open(request, timeout=20) as answer:
                return ElementTree.fromstring(answer.read()).find(f"{{{SOAP}}}Body/{{{AXL}}}{operation}Response/return")
        except urllib.error.HTTPError as error:
            if error.code != 500:  # 401, 403, 503, …: no SOAP inside
                raise
            fault = ElementTree.fromstring(error.read()).find(f"{{{SOAP}}}Body/{{{SOAP}}}Fault")
            raise Fault(int(fault.findtext("detail/axlError/axlcode")), fault.findtext("faultstring")) from None


def name_of(reference):
    """The name in a reference, or None where it points nowhere: a null reference has no uuid."""
    return reference.text if reference.get("uuid") else None
