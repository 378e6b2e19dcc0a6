#!/usr/bin/env python3
"""Reports the phones of an Asterisk to emgate: registered, moved, gone, in a call or not.

Listens to the manager interface (AMI) of Asterisk and posts what changes to /operator/v1/registrations. A sketch to start from: it needs
nothing but Python 3.9, and expects that an endpoint of PJSIP has the name of its phone (SEP001122334455).

    ASTERISK_SECRET=… EMGATE_PASSWORD=… docs/adapters/asterisk.py --ami 127.0.0.1:5038 --ami-user emgate \\
        --emgate https://localhost:8443 --emgate-user pbx --ca tls-certificate.pem

manager.conf: a user with `read = system,call` and nothing to write. emgate: an application user in the group
"Standard EM Authentication Proxy Rights".
"""

import argparse
import base64
import json
import os
import re
import socket
import ssl
import time
import urllib.request

CONTACT = re.compile(r"sips?:[^@]*@(\[[^\]]+\]|[^:;>]+)")


def events(ami, user, secret):
    """The events of the manager interface, each as a dictionary; ends when the connection does."""
    host, port = ami.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        stream = connection.makefile("rw", newline="\r\n")
        stream.readline()  # the banner
        stream.write(f"Action: Login\nUsername: {user}\nSecret: {secret}\n\n")
        stream.write("Action: PJSIPShowContacts\n\n")
        stream.flush()
        fields = {}
        while line := stream.readline():
            name, colon, value = line.strip().partition(": ")
            if colon:
                fields[name] = value
                continue
            if fields.get("Response") == "Error":
                raise SystemExit(f"asterisk: {fields.get('Message')}")
            yield fields
            fields = {}


def report_of(event):
    """What an event says of a phone, or None."""
    kind = event.get("Event")
    if kind in ("ContactStatus", "ContactList"):
        name = event.get("EndpointName") or event.get("Endpoint") or event.get("AOR", "")
        gone = event.get("ContactStatus", event.get("Status")) in ("Removed", "Unreachable", "Unavailable")
        found = CONTACT.search(event.get("URI", event.get("Uri", "")))
        report = {"name": name, "status": "unregistered" if gone else "registered", "protocol": "SIP"}
        if found and not gone:
            report["address"] = found.group(1).strip("[]")
        if agent := event.get("UserAgent"):
            report["activeLoad"] = agent[:64]
        return report
    if kind == "DeviceStateChange" and event.get("Device", "").startswith("PJSIP/"):
        state = event.get("State")
        if state in ("UNAVAILABLE", "INVALID", "UNKNOWN"):
            return None
        return {"name": event["Device"][6:], "status": "registered", "busy": state != "NOT_INUSE"}
    return None


def post(arguments, password, context, report):
    credentials = base64.b64encode(f"{arguments.emgate_user}:{password}".encode()).decode()
    request = urllib.request.Request(
        f"{arguments.emgate}/operator/v1/registrations",
        data=json.dumps({"phones": [report]}).encode(),
        headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return json.load(answer)[0]["result"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ami", default="127.0.0.1:5038")
    parser.add_argument("--ami-user", default="emgate")
    parser.add_argument("--emgate", default="https://localhost:8443")
    parser.add_argument("--emgate-user", default="pbx")
    parser.add_argument("--ca", help="certificate to trust")
    arguments = parser.parse_args()
    secret, password = os.environ["ASTERISK_SECRET"], os.environ["EMGATE_PASSWORD"]
    context = ssl.create_default_context(cafile=arguments.ca)
    while True:
        try:
            for event in events(arguments.ami, arguments.ami_user, secret):
                if report := report_of(event):
                    print(report["name"], report["status"], post(arguments, password, context, report), flush=True)
        except OSError as error:
            print(f"again in 5 s: {error}", flush=True)
        time.sleep(5)


if __name__ == "__main__":
    main()
