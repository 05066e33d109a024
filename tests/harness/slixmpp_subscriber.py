"""An XMPP client by slixmpp that has itself told by an app server, driven over standard input and output in lines of JSON.

The first line out is {"jid": ...} when its managed session (XEP-0198) is there. Every line in is a request with what to "do";
the line out that answers it is {"result": ...} or {"error": {"type", "condition", "text"}}. End of input ends the session.
"""

import asyncio
import os
from xml.etree import ElementTree

from slixmpp.exceptions import IqError

from slixmpp_login import LoggedIn, emit, lines_in, login_arguments

push = "urn:xmpp:push:0"
publish_options = "http://jabber.org/protocol/pubsub#publish-options"


def raise_error(iq):
    if iq["type"] == "error":
        raise IqError(iq)


class Subscriber(LoggedIn):
    def __init__(self, options):
        super().__init__(options, ("xep_0004", "xep_0030", "xep_0050", "xep_0198", "xep_0199"))
        self.managed = self.future_event("sm_enabled")

    async def discover(self, to):
        """What an entity says of itself, and its commands."""
        info = (await self["xep_0030"].get_info(jid=to))["disco_info"]
        items = (await self["xep_0050"].get_commands(to))["disco_items"]["items"]
        return {
            "identities": sorted("%s/%s" % identity[:2] for identity in info["identities"]),
            "features": sorted(info["features"]),
            "commands": sorted(node for _, node, _ in items),
        }

    def submission(self, fields):
        form = self["xep_0004"].make_form(ftype="submit")
        for var, value in fields.items():
            form.add_field(var=var, value=value)
        return form

    async def submit(self, to, node, fields):
        """A command in one step; what is in the form that answers."""
        iq = await self["xep_0050"].send_command(to, node, payload=self.submission(fields))
        return {"status": iq["command"]["status"], "fields": iq["command"]["form"].get_values()}

    async def fill(self, to, node, fields):
        """A command as people do it: it asks for a form, fills that in, and completes."""
        answers = asyncio.Queue()
        session = {key: lambda iq, _: answers.put_nowait(iq) for key in ("next", "error")}
        commands = self["xep_0050"]
        commands.start_command(to, node, session)
        first = await answers.get()
        raise_error(first)
        asked = first["command"]["form"].get_fields()
        session["payload"] = [self.submission(fields)]
        commands.complete_command(session)
        last = await answers.get()
        raise_error(last)
        return {
            "asked": {var: field["type"] for var, field in asked.items()},
            "status": last["command"]["status"],
            "fields": last["command"]["form"].get_values(),
        }

    async def enable(self, jid, node, secret):
        """Has the own server push to that node (XEP-0357 §5)."""
        form = self.submission({"FORM_TYPE": publish_options, "secret": secret})
        element = ElementTree.Element("{%s}enable" % push, {"jid": jid, "node": node})
        element.append(form.xml)
        iq = self.make_iq_set()
        iq.append(element)
        await iq.send()

    async def say(self, to, body):
        """Writes to somebody; only a chat state if there is nothing to say."""
        message = self.make_message(mto=to, mtype="chat", mbody=body)
        if body is None:
            message.append(ElementTree.Element("{http://jabber.org/protocol/chatstates}composing"))
        message.send()
        await self["xep_0199"].send_ping(self.boundjid.domain)

    async def acknowledge(self):
        """Says that it has got all that it was sent until now."""
        await self["xep_0199"].send_ping(self.boundjid.domain)
        self["xep_0198"].send_ack()
        await self.waiting_queue.join()
        while self.transport.get_write_buffer_size() > 0:
            await asyncio.sleep(0.01)

    async def vanish(self):
        """Loses its connection."""
        await self.acknowledge()
        emit({"result": None})
        os._exit(0)

    async def answer(self, request):
        try:
            return {"result": await getattr(self, request.pop("do"))(**request)}
        except IqError as error:
            return {"error": {"type": error.etype, "condition": error.condition, "text": error.text}}

    async def obey(self):
        await asyncio.wait_for(asyncio.gather(self.bound, self.managed), 30)
        self.send_presence()
        emit({"jid": self.boundjid.full})
        async for request in lines_in(self.loop):
            emit(await self.answer(request))
        await self.acknowledge()
        # Not before the server has closed the stream, too: until then it takes this client for there.
        await self.disconnect(wait=30)


def main():
    subscriber = Subscriber(login_arguments().parse_args())
    subscriber.run(subscriber.obey())


main()
