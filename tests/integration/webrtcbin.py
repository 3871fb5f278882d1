"""GStreamer's webrtcbin, whose ICE is libnice: calls between two of them, by relay alone.

Debian packages gstreamer1.0-nice, -plugins-base, -good and -bad, python3-gi and the gir1.2 of bad.
"""

import time

import gi

for module in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(module, "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402, F401

Gst.init(None)

MESSAGES, FRAMES = 100, 30
SEND = (
    "webrtcbin name=end bundle-policy=max-bundle "
    "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 "
    "! vp8enc deadline=1 ! rtpvp8pay ! application/x-rtp,media=video,encoding-name=VP8,payload=96 "
    "! end."
)
RECEIVE = "rtpvp8depay ! vp8dec ! identity name=decoded signal-handoffs=true ! fakesink sync=false"


class End:
    """One end of a call. Callbacks come on GStreamer's threads and only append or count."""

    def __init__(self, uri):
        self.pipeline = Gst.parse_launch(SEND)
        self.bin = self.pipeline.get_by_name("end")
        self.bin.set_property("ice-transport-policy", GstWebRTC.WebRTCICETransportPolicy.RELAY)
        assert self.bin.emit("add-turn-server", uri), uri
        self.candidates, self.messages, self.frames = [], [], 0
        self.channel = self.other = None
        self.bin.connect("on-ice-candidate", self._candidate)
        self.bin.connect("on-data-channel", lambda _, channel: self.use(channel))
        self.bin.connect("pad-added", self._pad)
        self.pipeline.set_state(Gst.State.READY)

    def use(self, channel):
        channel.connect("on-message-string", lambda _, text: self.messages.append(text))
        self.channel = channel

    def _candidate(self, _, line, candidate):
        self.candidates.append(candidate)
        self.other.bin.emit("add-ice-candidate", line, candidate)

    def _pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        sink = Gst.parse_bin_from_description(RECEIVE, True)
        sink.get_by_name("decoded").connect("handoff", self._decoded)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def _decoded(self, *_):
        self.frames += 1

    @property
    def is_open(self):
        return self.channel is not None and self.channel.get_property("ready-state") == (
            GstWebRTC.WebRTCDataChannelState.OPEN)

    @property
    def is_content(self):
        return len(self.messages) >= MESSAGES and self.frames >= FRAMES

    def send_all(self):
        for i in range(MESSAGES):
            self.channel.emit("send-string", f"{i} {'x' * 1000}")

    @property
    def state(self):
        return self.bin.get_property("ice-connection-state").value_nick


def negotiate(one, other):
    replies = []  # a description lives only as long as the reply that it is part of

    def described(promise, name, mine, theirs, then):
        replies.append(promise.get_reply())
        description = replies[-1].get_value(name)
        mine.bin.emit("set-local-description", description, None)
        theirs.bin.emit("set-remote-description", description, None)
        if then:
            then()

    def answer():
        other.bin.emit("create-answer", None, Gst.Promise.new_with_change_func(
            lambda promise: described(promise, "answer", other, one, None)))

    one.bin.emit("create-offer", None, Gst.Promise.new_with_change_func(
        lambda promise: described(promise, "offer", one, other, answer)))
    return replies


def call(uri, patience=20):
    """Both ends, after messages and video went both ways or patience ended."""
    ends = one, other = End(uri), End(uri)
    one.other, other.other = other, one
    one.use(one.bin.emit("create-data-channel", "test", None))
    for end in ends:
        end.pipeline.set_state(Gst.State.PLAYING)
    replies = negotiate(one, other)
    loop, deadline, sent = GLib.MainLoop(), time.monotonic() + patience, []

    def look():
        if not sent and one.is_open and other.is_open:
            sent.extend(end.send_all() for end in ends)
        if all(end.is_content for end in ends) or time.monotonic() > deadline:
            loop.quit()
            return False
        return True

    GLib.timeout_add(20, look)
    loop.run()
    for end in ends:
        end.pipeline.set_state(Gst.State.NULL)
    del replies
    return ends
