-- Older versions of mod_cloud_notify put the options of a publish inside its item.
local xmlns_pubsub = "http://jabber.org/protocol/pubsub";

module:hook("cloud_notify/push", function (event)
	local pubsub = event.notification_stanza:get_child("pubsub", xmlns_pubsub);
	local options = pubsub:get_child("publish-options");
	if not options then return; end
	pubsub:maptags(function (tag) return tag ~= options and tag or nil; end);
	pubsub:get_child("publish"):get_child("item"):add_direct_child(options);
end);
