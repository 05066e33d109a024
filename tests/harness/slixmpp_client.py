"""An XMPP client by slixmpp, driven over standard input and output in lines of JSON.

Without a certificate to trust, TLS is not used. One that comes back connects again when its connection is lost, and resumes
its session if it can (XEP-0198).

The first line out is {"jid": ...} when the session is bound; every further line out is a stanza that arrived. Every line
in is an element to send. An element is {"name", "ns", "attrs", "children"}, where a child is an element or a string. End of
input ends the session.
"""

from xml.etree import ElementTree

from slixmpp import Iq, Message, Presence
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

from slixmpp_login import LoggedIn, emit, lines_in, login_arguments

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


class Client(LoggedIn):
    def __init__(self, options):
        super().__init__(options)
        self.ca_certs = options.certificate
        self.add_event_handler("session_start", self.report)
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
        async for tree in lines_in(self.loop):
            xml = to_xml(tree)
            # As a stanza if it is one, for stream management counts nothing else.
            stanza = stanzas.get(xml.tag)
            self.send_xml(xml) if stanza is None else self.send(stanza(self, xml=xml))
        self.del_event_handler("disconnected", self.open)
        await self.disconnect(wait=1)


def main():
    parser = login_arguments()
    parser.add_argument("--certificate")
    parser.add_argument("--comes-back", action="store_true")
    client = Client(parser.parse_args())
    client.run(client.obey())


main()
