"""Reads an account's archive by slixmpp's plugins and writes what it found as one line of JSON.

Pages are of ten messages, as the plugin has them by default. Messages are given by their bodies.
"""

import argparse
import asyncio
import json
import sys
from datetime import datetime, timedelta, timezone

from slixmpp import ClientXMPP, JID


def body_of(result):
    return result["mam_result"]["forwarded"]["stanza"]["body"]


class Reader(ClientXMPP):
    def __init__(self, options):
        super().__init__(options.jid, options.password)
        self.options = options
        self["feature_mechanisms"].unencrypted_plain = True
        for plugin in ("xep_0030", "xep_0313", "xep_0441"):
            self.register_plugin(plugin)
        self.bound = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.bound.set_result)
        self.add_event_handler("failed_all_auth", lambda _: sys.exit("authentication failed"))

    async def bodies(self, **query):
        return [body_of(result) async for result in self["xep_0313"].iterate(**query)]

    async def preferences(self):
        default, always, never = await self["xep_0441"].get_preferences()
        return {"default": default, "always": sorted(map(str, always)), "never": sorted(map(str, never))}

    async def read(self):
        await asyncio.wait_for(self.bound, 30)
        archive = self["xep_0313"]
        own = JID(self.boundjid.bare)
        info = await self["xep_0030"].get_info(jid=own)
        now = datetime.now(timezone.utc)
        one_page = await archive.retrieve(jid=own, rsm={"max": 3})
        metadata = (await archive.get_archive_metadata())["mam_metadata"]
        found = {
            "features": sorted(info["disco_info"]["features"]),
            "fields": sorted((await archive.get_fields()).get_fields()),
            "forwards": await self.bodies(),
            "ofOwnAddress": await self.bodies(jid=own, rsm={"max": 7}),
            "backwards": await self.bodies(reverse=True),
            "withContact": await self.bodies(with_jid=JID(self.options.contact)),
            "sinceYesterday": await self.bodies(start=now - timedelta(days=1)),
            "untilYesterday": await self.bodies(end=now - timedelta(days=1)),
            "firstTotal": await self.bodies(total=5),
            "onePage": [body_of(result) for result in one_page["mam"]["results"]],
            "begin": metadata["start"]["timestamp"].isoformat(),
            "ids": [metadata["start"]["id"], metadata["end"]["id"]],
            "preferences": await self.preferences(),
        }
        await self["xep_0441"].set_preferences(
            default="roster", always=[JID(self.options.contact)], never=[JID("eve@example.org/x")]
        )
        found["laterPreferences"] = await self.preferences()
        print(json.dumps(found), flush=True)
        await self.disconnect(wait=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("jid")
    parser.add_argument("password")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("contact")
    options = parser.parse_args()
    reader = Reader(options)
    reader.connect((options.host, options.port), disable_starttls=True)
    reader.loop.run_until_complete(reader.read())


main()
