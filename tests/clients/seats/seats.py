"""How a seat-booking program talks to the Extension Mobility API of emgate. Python, standard library only.

Written as programs of the field are: a form with the XML as it is, answers cut apart as text, one element a line.
"""

import re
import ssl
import urllib.request
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape


class Refused(Exception):
    """What the gateway refused; `code` is the number of the API."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Seats:
    """`address` is http://host:8080 or https://host:8443; the program needs Standard EM Authentication Proxy Rights."""

    def __init__(self, address, app, password, ca=None):
        self.address = f"{address}/emservice/EMServiceServlet"
        self.app = f"<appInfo><appID>{escape(app)}</appID><appCertificate>{escape(password)}</appCertificate></appInfo>"
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        self.http = urllib.request.build_opener(tls, urllib.request.ProxyHandler({}))

    def ask(self, root, inside):
        """Sends one document and returns the lines of the answer, each with its end, or raises Refused."""
        document = f"<{root}>{self.app}{inside}</{root}>"
        with self.http.open(self.address, f"xml={quote(document)}".encode(), timeout=20) as answer:
            text = answer.read().decode()
        error = re.search(r'<error code="(\d+)">(.*)</error>', text)
        if error:
            raise Refused(int(error[1]), error[2])
        return text.splitlines(keepends=True)

    def login(self, phone, user, profile=None, minutes=None):
        more = f"<deviceProfile>{escape(profile)}</deviceProfile>" if profile else ""
        if minutes is not None:
            more += f"<exclusiveDuration><time>{minutes}</time></exclusiveDuration>"
        lines = self.ask("request", f"<login><deviceName>{phone}</deviceName><userID>{escape(user)}</userID>{more}</login>")
        return "<success/>\n" in lines

    def logout(self, phone):
        return "<success/>\n" in self.ask("request", f"<logout><deviceName>{phone}</deviceName></logout>")

    def who_is_on(self, phone):
        """The user on a phone and the one before, each None where there is nobody: the first two lines inside the device."""
        lines = self.ask("query", f"<deviceUserQuery><deviceName>{phone}</deviceName></deviceUserQuery>")
        now, before = lines[lines.index(f'<device name="{phone}">\n') + 1:][:2]
        return (None if now == "<none/>\n" else unquote(now[8:-10]), None if before == "<none/>\n" else before[11:-13])

    def where_is(self, user):
        """The phones of a user: a line each, whose tags have a fixed length."""
        lines = self.ask("query", f"<userDevicesQuery><userID>{escape(user)}</userID></userDevicesQuery>")
        return [line[12:-14] for line in lines if line.startswith("<deviceName>")]

    def profiles_of(self, user):
        """The profiles of a user; the default one is marked."""
        text = "".join(self.ask("query", f"<userDeviceProfileQuery><userID>{escape(user)}</userID></userDeviceProfileQuery>"))
        return re.findall(r"<deviceProfileName>(.*)</deviceProfileName>\n<isDefaultDeviceProfile>([tf])<", text)
