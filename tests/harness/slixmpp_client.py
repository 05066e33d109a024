"""An XMPP client by slixmpp, driven over standard input and output in lines of JSON.

Arguments: port, full JID, password, and the file with the one certificate that is trusted; without that, TLS is not used.
The first line out is {"jid": ...} when the session is bound; every further line out is a stanza that arrived. Every line
in is a stanza to send. An element is {"name", "ns", "attrs", "children"}, where a child is an element or a string. End of
input ends the session.
"""

import asyncio
import json
import sys
from xml.etree import ElementTree

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath


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
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self["feature_mechanisms"].unencrypted_plain = True
        self.add_event_handler("session_start", self.report)
        self.add_event_handler("failed_all_auth", lambda _: sys.exit("authentication failed"))

    def report(self, _):
        emit({"jid": self.boundjid.full})
        for kind in ("iq", "message", "presence"):
            handler = Callback("every " + kind, StanzaPath(kind), lambda stanza: emit(to_tree(stanza.xml)))
            self.register_handler(handler)

    async def obey(self):
        reader = asyncio.StreamReader(limit=2**20)
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self.send_xml(to_xml(json.loads(line)))
        await self.disconnect(wait=1)


def main():
    port, jid, password, *certificate = sys.argv[1:]
    client = Client(jid, password)
    client.ca_certs = certificate[0] if certificate else None
    client.connect(("127.0.0.1", int(port)), disable_starttls=not certificate)
    client.loop.run_until_complete(client.obey())


main()
