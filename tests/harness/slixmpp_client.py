"""An XMPP client by slixmpp, driven over standard input and output in lines of JSON.

Without a certificate to trust, TLS is not used. One that comes back connects again when its connection is lost, and resumes
its session if it can (XEP-0198).

The first line out is {"jid": ...} when the session is bound; every further line out is a stanza that arrived. Every line
in is an element to send. An element is {"name", "ns", "attrs", "children"}, where a child is an element or a string. End of
input ends the session.
"""

import argparse
import asyncio
import json
import sys
from xml.etree import ElementTree

from slixmpp import ClientXMPP, Iq, Message, Presence
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath


stanzas = {"{jabber:client}iq": Iq, "{jabber:client}message": Message, "{jabber:client}presence": Presence}


def to_tree(element):
    namespace, _, name = element.tag.rpartition("}")
    children = [element.text] if element.text else []
    for child in element:
        children.append(to_tree(child))
        if child.tail:
            children.append(child.tail)
    attrs = {key: value for key, value in element.attrib.items() if not key.startswith("{")}
    return {"name": name, "ns": namespace.lstrip("{"), "attrs": attrs, "children": children}


def to_xml(tree):
    element = ElementTree.Element("{%s}%s" % (tree["ns"], tree["name"]), tree["attrs"])
    last = None
    for child in tree["children"]:
        if isinstance(child, dict):
            last = to_xml(child)
            element.append(last)
        elif last is None:
            element.text = (element.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return element


def emit(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Client(ClientXMPP):
    def __init__(self, options):
        super().__init__(options.jid, options.password)
        self.options = options
        self.ca_certs = options.certificate
        self["feature_mechanisms"].unencrypted_plain = True
        self.add_event_handler("session_start", self.report)
        self.add_event_handler("failed_all_auth", lambda _: sys.exit("authentication failed"))
        if options.comes_back:
            self.register_plugin("xep_0198")
            self.add_event_handler("disconnected", self.open)

    def open(self, _=None):
        self.connect((self.options.host, self.options.port), disable_starttls=not self.options.certificate)

    def report(self, _):
        emit({"jid": self.boundjid.full})
        for kind in ("iq", "message", "presence"):
            handler = Callback("every " + kind, StanzaPath(kind), lambda stanza: emit(to_tree(stanza.xml)))
            self.register_handler(handler)

    async def obey(self):
        reader = asyncio.StreamReader(limit=2**20)
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            xml = to_xml(json.loads(line))
            # As a stanza if it is one, for stream management counts nothing else.
            stanza = stanzas.get(xml.tag)
            self.send_xml(xml) if stanza is None else self.send(stanza(self, xml=xml))
        self.del_event_handler("disconnected", self.open)
        await self.disconnect(wait=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("jid")
    parser.add_argument("password")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--certificate")
    parser.add_argument("--comes-back", action="store_true")
    client = Client(parser.parse_args())
    client.open()
    client.loop.run_until_complete(client.obey())


main()
